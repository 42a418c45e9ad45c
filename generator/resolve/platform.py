"""The one door by which an environment enters the values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.model.axes import Topology
from generator.resolve.context import Context, RoleContext
from generator.resolve.layers import Path, Row, Tree
from generator.sources.environment import Environment, Pool, Taint, Toleration

CLIQUE = "nvidia.com/gpu.clique"


def rows(context: Context, below: Tree) -> Iterator[Row]:
    """Everything that the cluster sets; `below` is what lower layers set, for the images in it."""
    document = context.environment.document
    environment = context.environment.value

    def row(path: Path, value: Any, *source: str | int, rule: str = "") -> Row:
        return Row(path, value, document, tuple(source), rule)

    yield from _gateway(context, environment, row)
    yield from _monitoring(environment, row)
    yield from _keda(environment, row)
    yield from _secrets(environment, row)
    yield from _network(environment, row)
    yield from _storage(context, environment, row)
    for role in context.roles:
        yield from _placement(context, role, row)
    yield from _mirrors(environment, below, (), row)


def _gateway(context: Context, environment: Environment, row: Any) -> Iterator[Row]:
    gateway = environment.gateway
    if gateway is None:
        return
    yield row(("platform", "gateway", "name"), gateway.name, "gateway", "name")
    yield row(("platform", "gateway", "namespace"), gateway.namespace, "gateway", "namespace")
    yield row(("platform", "gateway", "listener"), gateway.listener, "gateway", "listener")
    proxies = "the namespace of the gateway's proxies, by its kind"
    yield row(("platform", "gateway", "proxyNamespace"), gateway.proxies, "gateway", "kind", rule=proxies)
    yield row(("route", "enabled"), True, "gateway", rule="the environment has a gateway")
    host = f"{context.served_name}.{environment.domain}"
    yield row(("route", "hostnames"), [host], "domain", rule="served name and domain")


def _monitoring(environment: Environment, row: Any) -> Iterator[Row]:
    monitoring = environment.monitoring
    if monitoring is None:
        return
    yield row(("platform", "prometheus", "address"), monitoring.query_address, "monitoring", "queryAddress")
    yield row(("platform", "prometheus", "namespace"), monitoring.namespace, "monitoring", "namespace")
    if monitoring.auth is not None:
        yield row(("platform", "prometheus", "authSecret"), monitoring.auth.secret, "monitoring", "auth", "secret")
        yield row(("platform", "prometheus", "authKey"), monitoring.auth.key, "monitoring", "auth", "key")
    yield row(("monitoring", "enabled"), True, "monitoring", rule="the environment has monitoring")
    yield row(("monitoring", "labels"), dict(monitoring.labels), "monitoring", "labels")
    yield row(("monitoring", "intervalSeconds"), monitoring.scrape_seconds, "monitoring", "scrapeSeconds")


def _keda(environment: Environment, row: Any) -> Iterator[Row]:
    keda = environment.keda
    if keda is None:
        return
    yield row(("platform", "keda", "namespace"), keda.namespace, "keda", "namespace")
    yield row(("platform", "keda", "interceptor"), keda.interceptor, "keda", "interceptor")
    yield row(("platform", "keda", "interceptorPort"), keda.interceptor_port, "keda", "interceptorPort")
    yield row(("platform", "keda", "scalerAddress"), keda.scaler_address, "keda", "scalerAddress")


def _secrets(environment: Environment, row: Any) -> Iterator[Row]:
    store = environment.secret_store
    if store is not None:
        yield row(("platform", "secretStore", "name"), store.name, "secretStore", "name")
        yield row(("platform", "secretStore", "kind"), store.kind, "secretStore", "kind")
        yield row(("platform", "secretStore", "refreshSeconds"), store.refresh_seconds, "secretStore", "refreshSeconds")
    if environment.pull_secrets:
        yield row(("platform", "pullSecrets"), sorted(environment.pull_secrets), "pullSecrets")


def token_rows(context: Context) -> Iterator[Row]:
    """The hub's token, where the model's licence may ask for one and the engine loads weights at all."""
    hub = context.environment.value.hugging_face
    if context.model.value.source.gated is False or not context.needs_weights:
        return
    document = context.environment.document
    if hub.remote_key is not None and context.environment.value.secret_store is not None:
        path: Path = ("hugging_face", "remoteKey")
        yield Row(("security", "token", "remoteKey"), hub.remote_key, document, ("huggingFace", "remoteKey"))
    elif hub.token_secret is not None:
        path = ("huggingFace", "tokenSecret")
        yield Row(("security", "token", "secret"), hub.token_secret, document, path)
    else:
        return
    yield Row(("security", "token", "key"), hub.token_key, document, ("huggingFace", "tokenKey"))


def _network(environment: Environment, row: Any) -> Iterator[Row]:
    if environment.hugging_face.endpoint is not None:
        yield row(("platform", "hubEndpoint"), environment.hugging_face.endpoint, "huggingFace", "endpoint")
    if environment.proxy is not None:
        yield row(("platform", "httpsProxy"), environment.proxy.https, "proxy", "https")
        yield row(("platform", "noProxy"), ",".join(environment.proxy.no_proxy), "proxy", "noProxy")
    if environment.ca_bundle is not None:
        yield row(("platform", "caBundle"), environment.ca_bundle, "caBundle")
    if environment.priority_class is not None:
        yield row(("platform", "priorityClass"), environment.priority_class, "priorityClass")
    if environment.tolerations:
        yield row(("platform", "tolerations"), [_toleration(t) for t in environment.tolerations], "tolerations")
    helper = next((p.architecture for p in environment.pools.values() if p.accelerator == "none"), None)
    if helper is None:
        helper = next(iter(environment.pools.values())).architecture
    yield row(("platform", "helperArchitecture"), helper, "pools", rule="nodes without GPUs, else the first pool")


def _storage(context: Context, environment: Environment, row: Any) -> Iterator[Row]:
    storage = environment.storage
    if storage is None:
        yield row(("cache", "kind"), "ephemeral", rule="the environment has no storage")
        return
    if not context.needs_weights:
        yield row(("cache", "kind"), "ephemeral", "storage", rule="the engine loads no weights")
        return
    modes = storage.classes[storage.default].access_modes
    yield row(("cache", "storageClass"), storage.default, "storage", "default")
    mode = "ReadWriteMany" if "ReadWriteMany" in modes else "ReadWriteOnce"
    yield row(("cache", "accessMode"), mode, "storage", "classes", storage.default, "accessModes")


def _placement(context: Context, role: RoleContext, row: Any) -> Iterator[Row]:
    pool, name = role.pool, role.pool_name
    if pool is None:
        return
    here: Path = ("roles", role.name)
    yield row((*here, "architecture"), pool.architecture, "pools", name, "architecture")
    if pool.labels:
        yield row((*here, "nodeSelector"), dict(pool.labels), "pools", name, "labels")
    if pool.taints:
        yield row((*here, "tolerations"), [_tolerated(t) for t in pool.taints], "pools", name, "taints")
    if pool.rdma_resource and context.recipe.topology is not Topology.AGGREGATED:
        yield row((*here, "rdma", "resource"), pool.rdma_resource, "pools", name, "rdmaResource")
    if pool.nvlink_domains and context.recipe.topology is Topology.MULTINODE:
        yield row(
            ("topology", "togetherBy"),
            CLIQUE,
            "pools",
            name,
            "nvlinkDomains",
            rule="a replica stays in one NVLink domain",
        )


def _tolerated(taint: Taint) -> Tree:
    if taint.value:
        return {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
    return {"key": taint.key, "operator": "Exists", "effect": taint.effect}


def _toleration(toleration: Toleration) -> Tree:
    out: Tree = {"key": toleration.key, "operator": toleration.operator}
    if toleration.value is not None:
        out["value"] = toleration.value
    if toleration.effect is not None:
        out["effect"] = toleration.effect
    return out


def mirrored(repository: str, mirrors: dict[str, str]) -> tuple[str, str] | None:
    """Lead an image through its registry's mirror: the new repository and the prefix that matched."""
    for prefix in sorted(mirrors, key=len, reverse=True):
        if repository == prefix or repository.startswith(f"{prefix}/"):
            return mirrors[prefix] + repository.removeprefix(prefix), prefix
    return None


def _mirrors(environment: Environment, tree: Tree, path: Path, row: Any) -> Iterator[Row]:
    for key, value in tree.items():
        if key == "repository" and isinstance(value, str):
            found = mirrored(value, dict(environment.mirrors))
            if found is not None:
                yield row((*path, key), found[0], "mirrors", found[1], rule="through the mirror")
        elif isinstance(value, dict):
            yield from _mirrors(environment, value, (*path, key), row)


def pool_for(environment: Environment, release_pool: str | None, role: Any) -> tuple[str, Pool | None]:
    """Choose the pool of a role: the one that the release names, else the first that has what it needs."""
    if release_pool is not None:
        return release_pool, environment.pools.get(release_pool)
    for name, pool in environment.pools.items():
        if pool.accelerator == role.accelerator and pool.gpus_per_node >= role.gpus_per_pod:
            return name, pool
    return "", None
