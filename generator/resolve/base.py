"""The values of an environment's own charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from generator.model.units import canonical
from generator.sources.environment import Environment, SecretStore

Tree = dict[str, Any]

NAMESPACE_CHART = "environment-namespace"
SECRET_CHART = "environment-secret"
CLUSTER_CHART = "environment-cluster"


class BaseRelease(msgspec.Struct, frozen=True):
    """One installation of a base chart: its name in the output, its chart, its values."""

    name: str
    chart: str
    values: Tree


def releases(environment: Environment) -> Iterator[BaseRelease]:
    """List what an environment needs before any model: the cluster's own objects, then each namespace."""
    keda = environment.keda if environment.versions.keda_http else None
    cluster: Tree = {"environment": environment.name, "priorityClass": environment.priority_class or ""}
    yield BaseRelease("cluster", CLUSTER_CHART, cluster)
    for name, namespace in sorted(environment.namespaces.items()):
        quota: Tree = {}
        if namespace.quota is not None:
            found = namespace.quota
            quota = {
                "gpus": "" if found.gpus is None else str(found.gpus),
                "cpu": canonical(found.cpu) if found.cpu else "",
                "memory": canonical(found.memory) if found.memory else "",
                "pods": "" if found.pods is None else str(found.pods),
            }
        values: Tree = {"name": name, "team": namespace.team, "quota": quota}
        values["kedaNamespace"] = keda.namespace if keda else ""
        values["interceptor"] = keda.interceptor if keda else ""
        yield BaseRelease(name, NAMESPACE_CHART, values)
        if environment.secret_store is None:
            continue
        for secret, key, remote, type_ in secrets(environment):
            yield BaseRelease(
                f"{name}-{secret}", SECRET_CHART, _secret(environment.secret_store, name, secret, key, remote, type_)
            )


def secrets(environment: Environment) -> Iterator[tuple[str, str, str, str]]:
    """List the Secrets of every namespace: name, key, key in the store, type."""
    for name, remote in sorted(environment.pull_secrets.items()):
        yield name, ".dockerconfigjson", remote, "kubernetes.io/dockerconfigjson"
    auth = environment.monitoring.auth if environment.monitoring is not None else None
    if auth is not None and auth.remote_key is not None:
        # KEDA reads it where the model runs
        yield auth.secret, auth.key, auth.remote_key, "Opaque"


def _secret(store: SecretStore, namespace: str, name: str, key: str, remote: str, type_: str) -> Tree:
    return {
        "name": name,
        "namespace": namespace,
        "key": key,
        "remoteKey": remote,
        "type": type_,
        "secretStore": {"name": store.name, "kind": store.kind, "refreshSeconds": store.refresh_seconds},
    }
