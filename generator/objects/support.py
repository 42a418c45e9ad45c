"""What stands around the pods: account, service, network, budget, storage, secrets, route, monitor."""

from __future__ import annotations

from typing import Any

from generator.contract import Object, Plan
from generator.model import waves
from generator.objects.labels import (
    NAMESPACE_NAME,
    object_name,
    of_component,
    of_release,
    selector,
)
from generator.template.refs import both, each, equals, filled, negate, or_else, spread, when
from generator.values.common import Common, SecretKey

Data = dict[str, Any]


def service_account(common: Common) -> Object:
    """The engines' account: no token, they ask nothing of the API server."""
    return Object(
        api="v1",
        kind="ServiceAccount",
        name=common.name,
        labels=of_release(common),
        annotations=waves.annotations("ServiceAccount"),
        body={"automountServiceAccountToken": False},
    )


def service(common: Common, component: str, extra_selector: Data | None = None) -> Object:
    """The release's one address, in front of the component that answers clients."""
    return Object(
        api="v1",
        kind="Service",
        name=common.name,
        labels=of_release(common),
        annotations=waves.annotations("Service"),
        body={
            "spec": {
                "selector": {**selector(common, component), **(extra_selector or {})},
                "ports": [{"name": "http", "port": common.service.port, "targetPort": "http"}],
            }
        },
    )


def _from_namespace(name: object) -> Data:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: name}}}


def network_policy(plan: Plan, component: str, *, clients: bool, port: object = "http") -> Object:
    """Admit the release's own pods, Prometheus, and the gateway where clients come in here."""
    common = plan.common
    platform = common.platform
    own = {"podSelector": {"matchLabels": {"app.kubernetes.io/instance": common.name}}}
    # requests come from the proxies, which need not run where the Gateway object stands
    proxies = or_else(platform.gateway.proxy_namespace, platform.gateway.namespace)
    entry = platform.keda.namespace if plan.scaling.HOLDS_REQUESTS else proxies
    rules: list[Any] = [{"from": [own]}]
    if clients:
        rules.append(when(filled(entry), [{"from": [_from_namespace(entry)], "ports": [{"port": port}]}]))
    rules.append(
        when(
            filled(platform.prometheus.namespace),
            [{"from": [_from_namespace(platform.prometheus.namespace)]}],
        )
    )
    return Object(
        api="networking.k8s.io/v1",
        kind="NetworkPolicy",
        name=object_name(common, component),
        title=f"networkpolicy-{component}",
        labels=of_component(common, component),
        annotations=waves.annotations("NetworkPolicy"),
        condition=common.security.network_policy,
        body={
            "spec": {
                "podSelector": {"matchLabels": selector(common, component)},
                "policyTypes": ["Ingress"],
                "ingress": rules,
            }
        },
    )


def disruption_budget(common: Common, component: str, extra_selector: Data | None = None) -> Object:
    """Let drains of nodes take one pod at a time."""
    return Object(
        api="policy/v1",
        kind="PodDisruptionBudget",
        name=object_name(common, component),
        title=f"poddisruptionbudget-{component}",
        labels=of_component(common, component),
        annotations=waves.annotations("PodDisruptionBudget"),
        body={
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": {**selector(common, component), **(extra_selector or {})}},
            }
        },
    )


def cache_claim(common: Common) -> Object:
    """The claim for the weights; it outlives the release, deleting it is a person's decision."""
    cache = common.cache
    return Object(
        api="v1",
        kind="PersistentVolumeClaim",
        name=f"{common.name}-models",
        labels=of_release(common),
        annotations=waves.annotations("PersistentVolumeClaim"),
        condition=equals(common.cache.kind, "claim"),
        body={
            "spec": {
                "accessModes": [cache.access_mode],
                **when(filled(cache.storage_class), {"storageClassName": cache.storage_class}),
                "resources": {"requests": {"storage": cache.size}},
            }
        },
    )


def external_secret(common: Common, which: str, source: SecretKey) -> Object:
    """Fill the release's own Secret from the store; the value itself is never here."""
    store = common.platform.secret_store
    name = f"{common.name}-{which}"
    return Object(
        api="external-secrets.io/v1",
        kind="ExternalSecret",
        name=name,
        title=f"externalsecret-{which}",
        labels=of_release(common),
        annotations=waves.annotations("ExternalSecret"),
        condition=both(filled(source.remote_key), negate(filled(source.secret)), filled(store.name)),
        body={
            "spec": {
                "refreshInterval": f"{store.refresh_seconds}s",
                "secretStoreRef": {"name": store.name, "kind": store.kind},
                "target": {"name": name, "creationPolicy": "Owner"},
                "data": [{"secretKey": source.key, "remoteRef": {"key": source.remote_key}}],
            }
        },
    )


def route(plan: Plan, own: Data | None = None) -> Object:
    """Lead the API paths to the Service, or to the interceptor that holds requests while a model wakes.

    `own` names a backend of the stack in place of the release's Service.
    """
    common = plan.common
    gateway, keda = common.platform.gateway, common.platform.keda
    backend = (
        {"name": keda.interceptor, "namespace": keda.namespace, "port": keda.interceptor_port}
        if plan.scaling.HOLDS_REQUESTS
        else own or {"name": common.name, "port": common.service.port}
    )
    parent = {
        "name": gateway.name,
        **when(filled(gateway.namespace), {"namespace": gateway.namespace}),
        **when(filled(gateway.listener), {"sectionName": gateway.listener}),
    }
    seconds = f"{common.route.request_seconds}s"
    return Object(
        api="gateway.networking.k8s.io/v1",
        kind="HTTPRoute",
        name=common.name,
        labels=of_release(common),
        annotations=waves.annotations("HTTPRoute"),
        condition=common.route.enabled,
        body={
            "spec": {
                "parentRefs": [parent],
                "hostnames": common.route.hostnames,
                "rules": [
                    {
                        "matches": [
                            each(
                                common.route.paths,
                                lambda path: [{"path": {"type": "PathPrefix", "value": path}}],
                            )
                        ],
                        "backendRefs": [backend],
                        "timeouts": {"request": seconds, "backendRequest": seconds},
                    }
                ],
            }
        },
    )


def pod_monitor(
    plan: Plan,
    component: str,
    *,
    port: str = "http",
    path: str = "/metrics",
    extra_selector: Data | None = None,
    relabelings: list[Any] | None = None,
) -> Object:
    """Scrape every pod of a component that answers, once."""
    common = plan.common
    return Object(
        api="monitoring.coreos.com/v1",
        kind="PodMonitor",
        name=object_name(common, component),
        title=f"podmonitor-{component}",
        labels={**of_component(common, component), **spread(common.monitoring.labels)},
        annotations=waves.annotations("PodMonitor"),
        condition=common.monitoring.enabled,
        body={
            "spec": {
                "selector": {"matchLabels": {**selector(common, component), **(extra_selector or {})}},
                "podMetricsEndpoints": [
                    {
                        "port": port,
                        "path": path,
                        "interval": f"{common.monitoring.interval_seconds}s",
                        **({"relabelings": relabelings} if relabelings else {}),
                    }
                ],
            }
        },
    )


def prometheus_authentication(common: Common) -> Object:
    """Let KEDA ask a Prometheus that wants a token."""
    prometheus = common.platform.prometheus
    return Object(
        api="keda.sh/v1alpha1",
        kind="TriggerAuthentication",
        name=f"{common.name}-prometheus",
        labels=of_release(common),
        annotations=waves.annotations("TriggerAuthentication"),
        condition=filled(prometheus.auth_secret),
        body={
            "spec": {
                "secretTargetRef": [
                    {"parameter": "bearerToken", "name": prometheus.auth_secret, "key": prometheus.auth_key}
                ]
            }
        },
    )


def strategy(plan: Plan) -> Data:
    """How a Deployment replaces its pods."""
    rollout = plan.common.rollout

    def rolling(surge: int, unavailable: int) -> Data:
        return {
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            }
        }

    return {
        **when(equals(rollout, "in-place"), rolling(0, 1)),
        **when(equals(rollout, "surge"), rolling(1, 0)),
        **when(equals(rollout, "recreate"), {"strategy": {"type": "Recreate"}}),
    }


def secrets(common: Common) -> list[Object]:
    """The Secrets that the release fills itself."""
    return [
        external_secret(common, "token", common.security.token),
        external_secret(common, "api-key", common.security.api_key),
    ]
