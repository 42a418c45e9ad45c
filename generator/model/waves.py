"""The order in which Argo CD applies a release: which kind goes in which wave, and why.

Argo CD waits until a wave is healthy before it applies the next, gives up when an object of it is
Degraded, and never waits for the last one (gitops-engine 3.6.1, pkg/sync/sync_context.go). So a wave holds
what the later ones need, and whatever can be unhealthy for a reason outside the release (a gateway, a
metrics query, an endpoint that is still empty) stands in the last wave, where nothing waits for it.
"""

# no `from __future__ import annotations`: this module has a function of that name
from typing import Any

WAVE = "argocd.argoproj.io/sync-wave"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS = "argocd.argoproj.io/compare-options"
# How long a kind without a progress deadline of its own may go without one before it counts as Degraded;
# read by our health checks. Without it a stuck object holds its sync, and the commit that mends it, forever.
PROGRESS_DEADLINE = "modelyard.dev/progress-deadline-seconds"

WORKLOAD = 0
LAST = 2

WAVES: dict[str, int] = {
    # what everything else lives in
    "Namespace": -3,
    "PriorityClass": -3,
    # who a pod is, what it may reach and read: before the first pod starts
    "ServiceAccount": -2,
    "Role": -2,
    "RoleBinding": -2,
    "ClusterRole": -2,
    "ClusterRoleBinding": -2,
    "Secret": -2,
    "SecretStore": -2,
    "ExternalSecret": -2,
    "NetworkPolicy": -2,
    "ResourceQuota": -2,
    "LimitRange": -2,
    "ReferenceGrant": -2,
    "ConfigMap": -1,
    "TriggerAuthentication": -1,
    # A claim goes with its first consumer: one that waits for that consumer is not bound before it
    # (argoproj/argo-cd#12840). A Service too: a router looks up its workers' names while it starts.
    "PersistentVolumeClaim": WORKLOAD,
    "Service": WORKLOAD,
    "Job": WORKLOAD,
    "Deployment": WORKLOAD,
    "StatefulSet": WORKLOAD,
    "LeaderWorkerSet": WORKLOAD,
    "DynamoGraphDeployment": WORKLOAD,
    # Prometheus needs up to a minute to take up a monitor: it does so while the weights load, and a trigger
    # finds its series when the ScaledObject comes
    "PodMonitor": WORKLOAD,
    "ServiceMonitor": WORKLOAD,
    "PrometheusRule": WORKLOAD,
    # a ScaledObject without its route has no metric and no autoscaler until the next try
    "InterceptorRoute": 1,
    # Health that others decide: a gateway accepts a pool only once a route names it, a route is refused
    # while its backend is unknown, a trigger fails while its metric is missing.
    "PodDisruptionBudget": LAST,
    "InferencePool": LAST,
    "HTTPRoute": LAST,
    "HorizontalPodAutoscaler": LAST,
    "ScaledObject": LAST,
}

# Kinds whose removal loses data. The second annotation keeps an Application that left one behind in sync.
KEPT: dict[str, str] = {
    SYNC_OPTIONS: "Prune=false,Delete=false",
    COMPARE_OPTIONS: "IgnoreExtraneous",
}
KEPT_KINDS = frozenset({"Namespace", "PersistentVolumeClaim"})


def annotations(kind: str) -> dict[str, str]:
    """Give the Argo CD annotations that an object of this kind carries; none for wave 0, the default."""
    wave_of_kind = WAVES.get(kind, WORKLOAD)
    ordered = {WAVE: str(wave_of_kind)} if wave_of_kind else {}
    return {**ordered, **(KEPT if kind in KEPT_KINDS else {})}


def wave(manifest: dict[str, Any]) -> int:
    """Read the wave of an object as Argo CD does: its annotation, else 0.

    Raises: ValueError when the annotation is no whole number.
    """
    written = (manifest.get("metadata") or {}).get("annotations") or {}
    return int(written.get(WAVE, WORKLOAD))
