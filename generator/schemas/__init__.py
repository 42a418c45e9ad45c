"""The vendored JSON Schemas of every kind we render: where they lie, and fragments for chart values."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from generator.schemas.convert import Schema, inline
from generator.schemas.sources import KUBERNETES, BuiltIn, built_in_path, custom_path

ROOT = Path(__file__).resolve().parents[2]

# What a chart lets its user pass through to a pod.
FRAGMENTS = {
    "NodeAffinity": "core.v1.NodeAffinity",
    "PodAffinity": "core.v1.PodAffinity",
    "PodAntiAffinity": "core.v1.PodAntiAffinity",
    "EnvFromSource": "core.v1.EnvFromSource",
    "EnvVar": "core.v1.EnvVar",
    "LocalObjectReference": "core.v1.LocalObjectReference",
    "PodSecurityContext": "core.v1.PodSecurityContext",
    "ResourceRequirements": "core.v1.ResourceRequirements",
    "SecurityContext": "core.v1.SecurityContext",
    "Toleration": "core.v1.Toleration",
    "TopologySpreadConstraint": "core.v1.TopologySpreadConstraint",
    "Volume": "core.v1.Volume",
    "VolumeMount": "core.v1.VolumeMount",
}


def versions() -> tuple[str, ...]:
    """Name the Kubernetes minors with schemas, oldest first."""
    return tuple(KUBERNETES)


def locations(kubernetes_minor: str) -> list[str]:
    """Give kubeconform's `-schema-location` values, relative to the root of the repository."""
    _known(kubernetes_minor)
    return [
        f"schemas/kubernetes/{kubernetes_minor}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        "schemas/crds/{{.Group}}/{{.ResourceKind}}-{{.ResourceAPIVersion}}.json",
    ]


def schema_path(api_version: str, kind: str, kubernetes_minor: str, *, root: Path = ROOT) -> Path | None:
    """Find the schema file of a kind, or None where we have no schema of it."""
    _known(kubernetes_minor)
    group, _, version = api_version.rpartition("/")
    candidates = (
        built_in_path(kubernetes_minor, BuiltIn(api_version, kind)),
        custom_path(group, kind, version),
    )
    return next((root / path for path in candidates if (root / path).is_file()), None)


def pod_fragment(name: str) -> dict[str, Any]:
    """Give a part of a pod, such as `Toleration`, as a closed schema without references.

    It comes from the oldest minor: what passes there is a field of every cluster we support.
    """
    definitions = _pod_definitions(versions()[0])
    return inline(definitions[FRAGMENTS[name]], definitions)


@functools.cache
def _pod_definitions(minor: str) -> Schema:
    text = (ROOT / built_in_path(minor, BuiltIn("v1", "Pod"))).read_text()
    definitions: Schema = json.loads(text)["$defs"]
    return definitions


def _known(minor: str) -> None:
    if minor not in KUBERNETES:
        raise ValueError(f"no schemas for Kubernetes {minor}; there are {', '.join(KUBERNETES)}")
