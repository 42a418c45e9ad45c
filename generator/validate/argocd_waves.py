"""Argo CD's waves: nothing waits for what comes after it.

Argo CD applies phase by phase and wave by wave, and goes on when what it applied is done or healthy. An
object that needs one of a later step is never done, and the step that would bring the other never comes.
Only references inside one folder, one Application, are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import msgspec

from generator.argocd.objects import Manifest, group_of
from generator.model import waves

Path = tuple[str | int, ...]
Finding = tuple[str, Path, str, str]

HOOK = "argocd.argoproj.io/hook"
PHASES = ("PreSync", "Sync", "PostSync")


class Step(NamedTuple):
    """When an object is applied: the phase's number first, then the wave."""

    phase: int
    wave: int

    def __str__(self) -> str:
        return f"{PHASES[self.phase]}, wave {self.wave}"


class Reference(msgspec.Struct, frozen=True):
    """A place in an object that names another one."""

    path: Path
    kind: str
    name: str


class Node(msgspec.Struct, frozen=True):
    """An object with the steps it belongs to: a hook may run in several phases."""

    file: str
    kind: str
    name: str
    steps: tuple[Step, ...]
    references: tuple[Reference, ...]

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def first(self) -> Step:
        return min(self.steps)


def check(objects: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    """Find references to an object of a later phase or wave, and claims that wait for their first pod."""
    folders: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for file, manifest in objects:
        place = (str(PurePosixPath(file).parent), manifest["metadata"].get("namespace", ""))
        folders[place].append(_node(file, manifest))
    for nodes in folders.values():
        provided = _provided(nodes)
        yield from _forward(nodes, provided)
        yield from _early_claims(nodes, provided)


def _node(file: str, manifest: Manifest) -> Node:
    annotations = manifest["metadata"].get("annotations") or {}
    hooks = [hook.strip() for hook in annotations.get(HOOK, "Sync").split(",")]
    phases = [PHASES.index(hook) for hook in hooks if hook in PHASES]
    try:
        wave = waves.wave(manifest)
    except ValueError:  # the options check says so
        wave = waves.WORKLOAD
    return Node(
        file=file,
        kind=manifest["kind"],
        name=manifest["metadata"]["name"],
        # a hook of failure or deletion runs when all of these are over
        steps=tuple(Step(phase, wave) for phase in phases) or (Step(len(PHASES) - 1, wave),),
        references=tuple(references(manifest)),
    )


def _provided(nodes: Iterable[Node]) -> dict[tuple[str, str], Node]:
    provided = {}
    for node in nodes:
        provided[node.kind, node.name] = node
        if node.kind == "ExternalSecret":
            made = [reference.name for reference in node.references if reference.kind == MAKES]
            provided["Secret", made[0] if made else node.name] = node
    return provided


def _forward(nodes: Iterable[Node], provided: dict[tuple[str, str], Node]) -> Iterator[Finding]:
    for node in nodes:
        for reference in node.references:
            needed = provided.get((reference.kind, reference.name))
            if needed is None or needed.first <= node.first:
                continue
            message = (
                f"{node.label} ({node.first}) needs {needed.label} ({needed.first}), which waits for it: "
                f"{node.label} -> {needed.label} -> {node.label}"
            )
            hint = f"put {needed.label} into the phase and wave of {node.label}, or before"
            yield node.file, reference.path, message, hint


def _early_claims(nodes: Iterable[Node], provided: dict[tuple[str, str], Node]) -> Iterator[Finding]:
    """Find claims that come before the first pod that mounts them: unbound, so never healthy.

    Source: argoproj/argo-cd#12840, for classes that bind at the first consumer.
    """
    consumers: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        for name in {r.name for r in node.references if r.kind == "PersistentVolumeClaim"}:
            consumers[name].append(node)
    for name, mounting in sorted(consumers.items()):
        claim = provided.get(("PersistentVolumeClaim", name))
        first = min(mounting, key=lambda node: (node.first, node.label))
        if claim is not None and claim.first < first.first:
            message = (
                f"{claim.label} ({claim.first}) is not bound before {first.label} ({first.first}) mounts it, "
                f"and Argo CD waits: {claim.label} -> {first.label} -> {claim.label}"
            )
            yield claim.file, ("metadata",), message, f"put {claim.label} into the wave of {first.label}"


# the kind of the reference by which an ExternalSecret names the Secret that it makes
MAKES = "made Secret"

_BY_KIND: dict[str, tuple[tuple[Path, str], ...]] = {
    "ExternalSecret": ((("spec", "target", "name"), MAKES),),
    "InterceptorRoute": ((("spec", "target", "service"), "Service"),),
}


def references(manifest: Manifest) -> Iterator[Reference]:
    """List what an object names of its own namespace, with the place where it does."""
    for path, kind in _BY_KIND.get(manifest["kind"], ()):
        name = _at(manifest, path)
        if name:
            yield Reference(path, kind, name)
    yield from _of_scaling(manifest)
    yield from _of_routes(manifest)
    yield from _of_graph(manifest)
    for path, pod in _pods(manifest.get("spec"), ("spec",)):
        yield from _of_pod(pod, path)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _of_scaling(manifest: Manifest) -> Iterator[Reference]:
    spec = manifest.get("spec") or {}
    target = spec.get("scaleTargetRef")
    if target:
        yield Reference(("spec", "scaleTargetRef", "name"), target.get("kind", "Deployment"), target["name"])
    if manifest["kind"] == "ScaledObject":
        for index, trigger in enumerate(spec.get("triggers") or ()):
            path: Path = ("spec", "triggers", index)
            authentication = trigger.get("authenticationRef") or {}
            if authentication.get("kind", "TriggerAuthentication") == "TriggerAuthentication" and authentication:
                place = (*path, "authenticationRef", "name")
                yield Reference(place, "TriggerAuthentication", authentication["name"])
            route = (trigger.get("metadata") or {}).get("interceptorRoute")
            if route:
                yield Reference((*path, "metadata", "interceptorRoute"), "InterceptorRoute", route)
    if manifest["kind"] == "TriggerAuthentication":
        for index, secret in enumerate(spec.get("secretTargetRef") or ()):
            yield Reference(("spec", "secretTargetRef", index, "name"), "Secret", secret["name"])


def _of_routes(manifest: Manifest) -> Iterator[Reference]:
    if group_of(manifest["apiVersion"]) != "gateway.networking.k8s.io":
        return
    for number, rule in enumerate((manifest.get("spec") or {}).get("rules") or ()):
        for index, backend in enumerate(rule.get("backendRefs") or ()):
            if "namespace" not in backend:
                path = ("spec", "rules", number, "backendRefs", index, "name")
                yield Reference(path, backend.get("kind", "Service"), backend["name"])


def _of_graph(manifest: Manifest) -> Iterator[Reference]:
    if manifest["kind"] != "DynamoGraphDeployment":
        return
    for index, component in enumerate((manifest.get("spec") or {}).get("components") or ()):
        claim = _at(component, ("compilationCache", "pvcName"))
        if claim:
            path = ("spec", "components", index, "compilationCache", "pvcName")
            yield Reference(path, "PersistentVolumeClaim", claim)


def _pods(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Find every pod inside an object, whatever its kind calls the place."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield path, value
            return
        children: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    else:
        return
    for step, child in children:
        if child.__class__ is dict or child.__class__ is list:
            yield from _pods(child, (*path, step))


def _of_pod(pod: dict[str, Any], path: Path) -> Iterator[Reference]:
    if pod.get("serviceAccountName"):
        yield Reference((*path, "serviceAccountName"), "ServiceAccount", pod["serviceAccountName"])
    for index, secret in enumerate(pod.get("imagePullSecrets") or ()):
        yield Reference((*path, "imagePullSecrets", index, "name"), "Secret", secret["name"])
    for index, volume in enumerate(pod.get("volumes") or ()):
        yield from _of_volume(volume, (*path, "volumes", index))
    for group in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(group) or ()):
            yield from _of_container(container, (*path, group, index))


def _of_volume(volume: dict[str, Any], path: Path) -> Iterator[Reference]:
    claim = _at(volume, ("persistentVolumeClaim", "claimName"))
    if claim:
        yield Reference((*path, "persistentVolumeClaim", "claimName"), "PersistentVolumeClaim", claim)
    yield from _named(volume, path, {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")})
    for index, source in enumerate(_at(volume, ("projected", "sources")) or ()):
        kinds = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "name")}
        yield from _named(source, (*path, "projected", "sources", index), kinds)


def _of_container(container: dict[str, Any], path: Path) -> Iterator[Reference]:
    for index, variable in enumerate(container.get("env") or ()):
        kinds = {"configMapKeyRef": ("ConfigMap", "name"), "secretKeyRef": ("Secret", "name")}
        yield from _named(variable.get("valueFrom") or {}, (*path, "env", index, "valueFrom"), kinds)
    for index, source in enumerate(container.get("envFrom") or ()):
        kinds = {"configMapRef": ("ConfigMap", "name"), "secretRef": ("Secret", "name")}
        yield from _named(source, (*path, "envFrom", index), kinds)


def _named(holder: dict[str, Any], path: Path, kinds: dict[str, tuple[str, str]]) -> Iterator[Reference]:
    for field, (kind, key) in kinds.items():
        source = holder.get(field) or {}
        # a pod starts without an optional one
        if source.get(key) and not source.get("optional"):
            yield Reference((*path, field, key), kind, source[key])
