"""What a release takes of its environment: pods with their GPUs, by pool and at its smallest size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from generator.validate.pods import Pod
from generator.validate.scope import ReleaseScope

# Kubernetes' own, where a Deployment is silent
SURGE_DEFAULT = "25%"
# KEDA's own, where a ScaledObject is silent
KEDA_MAXIMUM = 100
# Source: ai-dynamo/dynamo deploy/operator/internal/consts @ 2a6da14c
GRAPH_SURGE = "nvidia.com/deployment-rolling-update-max-surge"


class Claim(msgspec.Struct, frozen=True):
    """The pods of one template: how many at least, and how many more during a rollout."""

    scope: ReleaseScope
    pod: Pod
    pool: str
    pods: int
    surge: int

    @property
    def gpus(self) -> int:
        """GPUs of all of them at least."""
        return self.pods * self.pod.gpus


def claims_of(scope: ReleaseScope) -> Iterator[Claim]:
    """List what a release takes at its minimum; asleep at zero it takes nothing."""
    for pod in scope.pods:
        role = scope.role(pod)
        pods = minimum(scope, pod) * pod.pods_per_replica
        yield Claim(scope, pod, role.pool_name if role is not None else "", pods, surge(pod))


def minimum(scope: ReleaseScope, pod: Pod) -> int:
    """The replicas that are there whatever the load."""
    return _replicas(scope, pod, "minReplicaCount", 0)


def maximum(scope: ReleaseScope, pod: Pod) -> int:
    """The replicas that the highest load asks for."""
    return _replicas(scope, pod, "maxReplicaCount", KEDA_MAXIMUM)


def _replicas(scope: ReleaseScope, pod: Pod, bound: str, default: int) -> int:
    kind, name = pod.owner["kind"], pod.owner["metadata"]["name"]
    own = pod.owner["spec"].get("replicas")
    if kind == "DynamoGraphDeployment":
        name, own = f"{name}-{str(pod.holder.get('name', '')).lower()}", pod.holder.get("replicas")
    for _, scaled in scope.of_kind("ScaledObject"):
        if scaled["spec"]["scaleTargetRef"].get("name") == name:
            return int(scaled["spec"].get(bound, default))
    return 1 if own is None else int(own)


def surge(pod: Pod) -> int:
    """The pods of a template that are there more during a rollout."""
    written: Any = 0
    if pod.owner["kind"] == "Deployment":
        strategy = pod.owner["spec"].get("strategy") or {}
        if strategy.get("type", "RollingUpdate") == "RollingUpdate":
            written = (strategy.get("rollingUpdate") or {}).get("maxSurge", SURGE_DEFAULT)
    elif pod.owner["kind"] == "DynamoGraphDeployment":
        annotations = (pod.template.get("metadata") or {}).get("annotations") or {}
        written = annotations.get(GRAPH_SURGE, SURGE_DEFAULT)
    # a share is rounded up: with one replica it is one pod
    return 1 if str(written).endswith("%") and written != "0%" else int(str(written).rstrip("%"))
