"""The values of an environment's own charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from generator.model.units import canonical
from generator.sources.environment import Environment

Tree = dict[str, Any]

NAMESPACE_CHART = "environment-namespace"
PULL_SECRET_CHART = "environment-pull-secret"
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
        store = environment.secret_store
        for secret, remote in sorted(environment.pull_secrets.items()):
            secret_values = {
                "name": secret,
                "namespace": name,
                "remoteKey": remote,
                "secretStore": {"name": store.name, "kind": store.kind, "refreshSeconds": store.refresh_seconds},
            }
            yield BaseRelease(f"{name}-{secret}", PULL_SECRET_CHART, secret_values)
