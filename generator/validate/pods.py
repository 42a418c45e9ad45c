"""The pod templates of an object, and what their controllers make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import msgspec

from generator.objects.labels import COMPONENT

Path = tuple[str | int, ...]
Manifest = dict[str, Any]

GPU_RESOURCES = ("nvidia.com/gpu", "nvidia.com/mig-")


class Pod(msgspec.Struct, frozen=True, dict=True):
    """One pod template of a release: where it stands, and what holds it."""

    file: str
    path: Path
    template: Manifest
    owner: Manifest
    # around the template: the graph's component, the group's template, or the owner's spec
    holder: Manifest

    @property
    def spec(self) -> Manifest:
        """The pod's own spec."""
        spec: Manifest = self.template["spec"]
        return spec

    @property
    def position(self) -> str:
        """The key under which the template stands, such as `workerTemplate`."""
        return str(self.path[-1])

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
            found.update(ports_of(container))
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
            return size - 1 if self.position == "workerTemplate" else 1
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

    def matches(self, selector: dict[str, str]) -> bool:
        """Tell whether a selector by labels takes these pods."""
        labels = self.labels
        return all(labels.get(key) == value for key, value in selector.items())


def ports_of(container: Manifest) -> dict[str | int, int]:
    """The ports that one container declares: by number, and by name where it has one."""
    found: dict[str | int, int] = {}
    for port in container.get("ports") or ():
        number = port["containerPort"]
        found[number] = number
        if "name" in port:
            found[port["name"]] = number
    return found


def variables_of(container: Manifest) -> dict[str, str]:
    """The plain values of a container's environment."""
    return {item["name"]: item["value"] for item in container.get("env") or () if "value" in item}


def argument(container: Manifest, *flags: str) -> str | None:
    """The value of the last of these flags among a container's arguments, or None."""
    args: list[str] = container.get("args") or []
    found = None
    for index, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name in flags:
            found = value if equals else (args[index + 1] if index + 1 < len(args) else None)
    return found


def pods_of(file: str, manifest: Manifest) -> Iterator[Pod]:
    """Find every pod template of an object, whatever its kind."""
    for path, template, holder in _templates(manifest.get("spec"), ("spec",), manifest):
        yield Pod(file, path, template, manifest, holder)


def _templates(node: Any, path: Path, holder: Manifest) -> Iterator[tuple[Path, Manifest, Manifest]]:
    if isinstance(node, dict):
        inner = node.get("spec")
        if isinstance(inner, dict) and isinstance(inner.get("containers"), list):
            yield path, node, holder
            return
        for key, value in node.items():
            if isinstance(value, (dict, list)):
                yield from _templates(value, (*path, key), node)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            if isinstance(value, (dict, list)):
                yield from _templates(value, (*path, index), holder)


def _of_group(pod: Pod) -> dict[str, str]:
    # Source: kubernetes-sigs/lws v0.9.0 api/leaderworkerset/v1; workers count from 1
    index = "1" if pod.position == "workerTemplate" else "0"
    prefix = "leaderworkerset.sigs.k8s.io/"
    return {f"{prefix}name": pod.owner["metadata"]["name"], f"{prefix}worker-index": index}


def _of_graph(pod: Pod) -> dict[str, str]:
    # Source: ai-dynamo/dynamo deploy/operator/internal/consts @ 2a6da14c
    return {
        "nvidia.com/dynamo-graph-deployment-name": pod.owner["metadata"]["name"],
        "nvidia.com/dynamo-component": pod.holder.get("name", ""),
        "nvidia.com/dynamo-component-type": pod.holder.get("type", "default"),
    }


_ADDED_LABELS: dict[str, Callable[[Pod], dict[str, str]]] = {
    "LeaderWorkerSet": _of_group,
    "DynamoGraphDeployment": _of_graph,
}
