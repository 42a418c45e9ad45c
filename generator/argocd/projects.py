"""AppProjects: what an environment's Applications may read, create and reach."""

from __future__ import annotations

from collections.abc import Iterable

from generator.argocd.objects import CLUSTER_KINDS, GroupKind, Manifest, ReleaseObjects, kinds
from generator.model.waves import WAVE
from generator.sources.environment import Environment

IN_CLUSTER = "https://kubernetes.default.svc"
PROJECTS_WAVE = "-3"

# what the root itself makes beside `_base`: projects, Applications, the settings
ROOT_KINDS: frozenset[GroupKind] = frozenset(
    {("", "ConfigMap"), ("argoproj.io", "AppProject"), ("argoproj.io", "Application")}
)
# what `_base` can hold, whatever it holds now
BASE_KINDS: frozenset[GroupKind] = frozenset(
    {
        ("", "ConfigMap"),
        ("", "LimitRange"),
        ("", "Namespace"),
        ("", "ResourceQuota"),
        ("external-secrets.io", "ExternalSecret"),
        ("gateway.networking.k8s.io", "ReferenceGrant"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("scheduling.k8s.io", "PriorityClass"),
    }
)


def root(
    environment: Environment, base: Iterable[Manifest] = (), *, emitable: frozenset[GroupKind] = frozenset()
) -> Manifest:
    """Describe the project of the root: it may make projects, Applications, settings and `_base`."""
    base = list(base)
    allowed = ROOT_KINDS | BASE_KINDS | kinds(base) | emitable
    namespaces = set(environment.namespaces) | {
        manifest["metadata"]["namespace"] for manifest in base if "namespace" in manifest["metadata"]
    }
    own = {"server": IN_CLUSTER, "namespace": environment.argocd_namespace}
    spec = {
        "description": f"Projects, Applications and namespaces of {environment.name}",
        "sourceRepos": [environment.git.url],
        "destinations": [own, *_destinations(environment, namespaces)],
        "clusterResourceWhitelist": _entries(allowed & CLUSTER_KINDS),
        "namespaceResourceWhitelist": _entries(allowed - CLUSTER_KINDS),
    }
    return _project(environment, f"{environment.name}-root", spec)


def releases(
    environment: Environment, rendered: Iterable[ReleaseObjects], *, emitable: frozenset[GroupKind]
) -> Manifest:
    """Describe the project of the releases: the environment's namespaces, no kind of the whole cluster.

    `emitable` holds what charts can emit, in use or not: the last object of a kind can be pruned only while its kind
    is allowed (controller/appcontroller.go, getPermittedAppLiveObjects, v3.6.1).
    """
    allowed = set(emitable)
    for release in rendered:
        allowed |= release.kinds_emitable | kinds(release.objects)
    spec = {
        "description": f"Models of {environment.name}",
        "sourceRepos": [environment.git.url],
        "destinations": _destinations(environment, environment.namespaces),
        **_namespaced_only(allowed - CLUSTER_KINDS),
    }
    return _project(environment, environment.name, spec)


def _namespaced_only(allowed: set[GroupKind]) -> Manifest:
    # an absent cluster whitelist allows nothing, an absent or emptied namespace whitelist everything
    if allowed:
        return {"namespaceResourceWhitelist": _entries(allowed)}
    return {"namespaceResourceBlacklist": [{"group": "*", "kind": "*"}]}


def _entries(allowed: Iterable[GroupKind]) -> list[Manifest]:
    return [{"group": group, "kind": kind} for group, kind in sorted(allowed)]


def _destinations(environment: Environment, namespaces: Iterable[str]) -> list[Manifest]:
    server = environment.cluster.server
    return [{"server": server, "namespace": namespace} for namespace in sorted(namespaces)]


def _project(environment: Environment, name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {
            "name": name,
            "namespace": environment.argocd_namespace,
            "annotations": {WAVE: PROJECTS_WAVE},
        },
        "spec": spec,
    }
