"""What a check sees: one release with its objects, or one environment with all its releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from generator.charts.build import Chart
from generator.errors import Location, Problem, Severity, dotted
from generator.objects.labels import COMPONENT
from generator.resolve.context import RoleContext
from generator.resolve.release import Resolved
from generator.sources.environment import Environment
from generator.sources.load import Sourced
from generator.template.expand import expand

Path = tuple[str | int, ...]
Manifest = dict[str, Any]


class Finding(NamedTuple):
    """What is wrong at one place of one rendered object (or, without a file, of the release's values)."""

    file: str
    path: Path
    message: str
    hint: str
    severity: Severity = Severity.ERROR


class Pod(msgspec.Struct, frozen=True, dict=True):
    """One pod template of a release: where it stands, and what its controller makes of it."""

    file: str
    path: Path
    template: Manifest
    owner: Manifest
    # around the template: the graph's component, or the owner's spec
    holder: Manifest

    @property
    def spec(self) -> Manifest:
        """The pod's own spec."""
        spec: Manifest = self.template["spec"]
        return spec

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels that pods of this template carry, those included that a controller adds."""
        own: dict[str, str] = (self.template.get("metadata") or {}).get("labels") or {}
        added = _ADDED_LABELS.get(self.owner["kind"])
        return {**own, **added(self)} if added else own

    @cached_property
    def containers(self) -> tuple[tuple[Path, Manifest], ...]:
        """The containers with their places, init containers first."""
        return tuple(
            ((*self.path, "spec", kind, index), container)
            for kind in ("initContainers", "containers")
            for index, container in enumerate(self.spec.get(kind) or ())
        )

    @cached_property
    def ports(self) -> dict[str | int, int]:
        """The ports that containers declare: by number, and by name where they have one."""
        found: dict[str | int, int] = {}
        for _, container in self.containers:
            for port in container.get("ports") or ():
                found[port["containerPort"]] = port["containerPort"]
                if "name" in port:
                    found[port["name"]] = port["containerPort"]
        return found

    @property
    def component(self) -> str:
        """The role, or the stack's program, that these pods are."""
        return self.labels.get(COMPONENT, "")

    @property
    def pods_per_replica(self) -> int:
        """How many pods of this template stand in one replica."""
        group = (self.owner.get("spec") or {}).get("leaderWorkerTemplate")
        if group is not None:
            size: int = group.get("size", 1)
            return size - 1 if self.path[-1] == "workerTemplate" else 1
        nodes: int = (self.holder.get("multinode") or {}).get("nodeCount", 1)
        return nodes

    @cached_property
    def gpus(self) -> int:
        """GPUs of one pod."""
        return sum(
            int(amount)
            for _, container in self.containers
            for name, amount in ((container.get("resources") or {}).get("limits") or {}).items()
            if name.startswith(GPU_RESOURCES)
        )


GPU_RESOURCES = ("nvidia.com/gpu", "nvidia.com/mig-")


def _of_group(pod: Pod) -> dict[str, str]:
    # Source: kubernetes-sigs/lws v0.9.0 api/leaderworkerset/v1; workers count from 1
    index = "1" if pod.path[-1] == "workerTemplate" else "0"
    prefix = "leaderworkerset.sigs.k8s.io/"
    return {f"{prefix}name": pod.owner["metadata"]["name"], f"{prefix}worker-index": index}


def _of_graph(pod: Pod) -> dict[str, str]:
    # Source: ai-dynamo/dynamo deploy/operator/internal/consts @ 2a6da14c
    return {
        "nvidia.com/dynamo-graph-deployment-name": pod.owner["metadata"]["name"],
        "nvidia.com/dynamo-component": pod.holder.get("name", ""),
        "nvidia.com/dynamo-component-type": pod.holder.get("type", "default"),
    }


_ADDED_LABELS = {"LeaderWorkerSet": _of_group, "DynamoGraphDeployment": _of_graph}


class ReleaseScope(msgspec.Struct, frozen=True, dict=True):
    """One release as it was resolved and rendered; `objects` by template file."""

    resolved: Resolved
    chart: Chart
    objects: Mapping[str, Manifest]

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod template of the release."""
        return tuple(
            Pod(file, path, template, manifest, _at(manifest, path[:-1]))
            for file, manifest in self.objects.items()
            for path, template in pod_templates(manifest)
        )

    @cached_property
    def by_name(self) -> dict[tuple[str, str], str]:
        """The file of each object, by kind and name."""
        return {(m["kind"], m["metadata"]["name"]): file for file, m in self.objects.items()}

    def of_kind(self, kind: str) -> Iterator[tuple[str, Manifest]]:
        """The objects of one kind, with their files."""
        return ((file, manifest) for file, manifest in self.objects.items() if manifest["kind"] == kind)

    def role(self, pod: Pod) -> RoleContext | None:
        """The role that a pod plays; None for the stack's own programs."""
        return next((role for role in self.resolved.context.roles if role.name == pod.component), None)

    @property
    def name(self) -> str:
        """Name of the release."""
        return self.resolved.name

    def problem(self, finding: Finding, check: str) -> Problem:
        """Follow a finding through the object and the values back to the line that a person wrote."""
        if not finding.file:
            location = self.resolved.locate(finding.path)
            return Problem(location, dotted(finding.path), finding.message, finding.hint, check, finding.severity)
        manifest = self.objects[finding.file]
        place = f"{manifest['kind']}/{manifest['metadata']['name']}: {dotted(finding.path)}".rstrip(": ")
        location = self.locate(finding.file, finding.path)
        return Problem(location, place, finding.message, finding.hint, check, finding.severity)

    def locate(self, file: str, path: Path) -> Location:
        """Find the line behind a place in an object; without one, the release's file."""
        paths = self.values_paths(file, path)
        candidates = [self.resolved.locate(found) for found in paths]
        home = self.resolved.context.release.document.locate(())
        return next((place for place in candidates if place != home), home)

    def values_paths(self, file: str, path: Path) -> tuple[Path, ...]:
        """The values behind a place in an object."""
        template = next((t for t in self.chart.skeleton if t.file == file), None)
        if template is None:
            return ()
        return expand(template.manifest, self.resolved.values, self.resolved.namespace).origin(path)


class EnvironmentScope(msgspec.Struct, frozen=True):
    """One environment with everything that runs in it."""

    environment: Sourced[Environment]
    releases: tuple[ReleaseScope, ...]

    @property
    def facts(self) -> Environment:
        """What environment.yaml says."""
        return self.environment.value

    def problem(
        self, path: Path, message: str, hint: str, check: str, *, severity: Severity = Severity.ERROR
    ) -> Problem:
        """Point at a line of environment.yaml."""
        return Problem(self.environment.document.locate(path), dotted(path), message, hint, check, severity)


def _at(manifest: Any, path: Path) -> Manifest:
    for part in path:
        manifest = manifest[part]
    found: Manifest = manifest
    return found


def pod_templates(manifest: Manifest) -> Iterator[tuple[Path, Manifest]]:
    """Find every pod template of an object, whatever its kind, with its place."""
    yield from _pods(manifest.get("spec"), ("spec",))


def _pods(node: Any, path: Path) -> Iterator[tuple[Path, Manifest]]:
    if isinstance(node, dict):
        if isinstance(node.get("spec"), dict) and isinstance(node["spec"].get("containers"), list):
            yield path, node
            return
        for key, value in node.items():
            yield from _pods(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _pods(value, (*path, index))


def containers(manifest: Manifest) -> Iterator[tuple[Path, Manifest]]:
    """Find every container of an object, init containers included, with its place."""
    for path, pod in pod_templates(manifest):
        for kind in ("initContainers", "containers"):
            for index, container in enumerate(pod["spec"].get(kind) or []):
                yield (*path, "spec", kind, index), container
