"""Health checks for kinds that Argo CD does not know, in the language that it runs: Lua.

Without a check a kind has no health: its Application is Healthy while a model still loads, and the next
wave comes too early.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from generator.argocd.objects import GroupKind


class Check(msgspec.Struct, frozen=True):
    """The parts of a script, and the first Argo CD version that brings a check of its own for the kind."""

    parts: tuple[str, ...]
    built_in_since: tuple[int, int, int] | None = None


# Built in at 3.6.1, as `options.json` lists: Deployment, StatefulSet, Job, Service, PersistentVolumeClaim,
# HorizontalPodAutoscaler, PodDisruptionBudget, ScaledObject, HTTPRoute, ExternalSecret, LLMInferenceService.
CHECKS: dict[GroupKind, Check] = {
    ("argoproj.io", "Application"): Check(("application",)),
    ("http.keda.sh", "InterceptorRoute"): Check(("interceptorroute",)),
    ("inference.networking.k8s.io", "InferencePool"): Check(("inferencepool",)),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): Check(("deadline", "leaderworkerset")),
    ("nvidia.com", "DynamoGraphDeployment"): Check(("deadline", "dynamographdeployment")),
}


def checks(argocd_version: str, table: dict[GroupKind, Check] = CHECKS) -> dict[GroupKind, str]:
    """Give the Lua of every kind that this version of Argo CD has no check for.

    Raises: ValueError when the version is not made of numbers, such as `3.6.1`.
    """
    numbers = (*(int(part) for part in argocd_version.removeprefix("v").split(".")), 0, 0)
    version = numbers[:3]
    return {
        kind: "\n".join(lua(part) for part in check.parts)
        for kind, check in table.items()
        if check.built_in_since is None or version < check.built_in_since
    }


@cache
def lua(part: str) -> str:
    """Read one of the files beside this module."""
    return resources.files("generator.argocd").joinpath("lua", f"{part}.lua").read_text(encoding="utf-8")
