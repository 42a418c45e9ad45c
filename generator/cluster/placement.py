"""Lets the real scheduler place what an environment runs: at its smallest, during a rollout, at its largest."""

from __future__ import annotations

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from generator.cluster import graphs
from generator.cluster.client import Api
from generator.cluster.nodes import POOL
from generator.errors import Problem, Severity
from generator.objects.labels import COMPONENT, INSTANCE
from generator.validate.claims import maximum, minimum
from generator.validate.pods import GPU_RESOURCES, Pod
from generator.validate.scope import ReleaseScope

Manifest = dict[str, Any]
Say = Callable[[str], None]

CHECK = "simulate"
SMALLEST, ROLLOUT, LARGEST = "at the smallest", "during a rollout", "at the largest"
_WORKLOADS = ("Deployment", "StatefulSet", "LeaderWorkerSet")
# owners of replicas, which would scale behind our back if their controllers ran
_SCALERS = ("ScaledObject", "HorizontalPodAutoscaler")
_PATIENCE_S, _STILL_S, _POLL_S = 180.0, 2.0, 0.4
_TOUCH = "modelyard.dev/simulated-rollout"


class Phase(msgspec.Struct, frozen=True):
    """What the scheduler did: pods that found a node and pods that did not, GPUs in use by pool."""

    name: str
    placed: int
    pending: int
    gpus: dict[str, int]
    seconds: float


class Workload(msgspec.Struct, frozen=True):
    """One controller of pods, where it stands in its release, and its bounds."""

    scope: ReleaseScope
    pod: Pod
    manifest: Manifest
    smallest: int
    largest: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Tell its pods: namespace, release, component."""
        return self.manifest["metadata"]["namespace"], self.scope.name, self.pod.component


class Placement(msgspec.Struct, frozen=True):
    """All phases, and every pod that found no node as a problem."""

    phases: tuple[Phase, ...]
    problems: tuple[Problem, ...]


def place(api: Api, base: Iterable[Manifest], scopes: Iterable[ReleaseScope], say: Say) -> Placement:
    """Place everything; the cluster holds it afterwards, at its largest.

    Raises: Refused when the API server does not take an object.
    """
    scopes = list(scopes)
    workloads = [workload for scope in scopes for workload in workloads_of(scope)]
    _apply(api, [item for item in base if item["kind"] in ("Namespace", "PriorityClass")])
    _apply(api, [item for item in base if item["kind"] not in ("Namespace", "PriorityClass")])
    _apply(api, [item for scope in scopes for item in others(scope)])
    phases: list[Phase] = []
    problems: list[Problem] = []
    for name, replicas, touch in (
        (SMALLEST, {id(w): w.smallest for w in workloads}, ""),
        (ROLLOUT, {id(w): w.smallest for w in workloads}, "1"),
        (LARGEST, {id(w): w.largest for w in workloads}, "1"),
    ):
        begin = time.monotonic()
        _apply(api, [_sized(workload.manifest, replicas[id(workload)], touch) for workload in workloads])
        pods = settle(api)
        phase = _phase(api, name, pods, time.monotonic() - begin)
        say(f"{name}: {phase.placed} pods placed, {phase.pending} pending, in {phase.seconds:.1f} s")
        phases.append(phase)
        problems += _problems(api, name, workloads, pods, replicas)
    return Placement(tuple(phases), tuple(problems))


def workloads_of(scope: ReleaseScope) -> list[Workload]:
    """List the controllers of pods of a release; those of a graph as its operator would make them."""
    found: dict[str, Workload] = {}
    for pod in scope.pods:
        manifest = _controller(pod)
        name = manifest["metadata"]["name"]
        smallest = minimum(scope, pod)
        # the leader stands for its group
        found.setdefault(name, Workload(scope, pod, manifest, smallest, max(smallest, maximum(scope, pod))))
    return list(found.values())


def _controller(pod: Pod) -> Manifest:
    if pod.owner["kind"] != graphs.KIND:
        return pod.owner
    wanted = graphs.name_of(pod.owner, pod.holder)
    return next(item for item in graphs.workloads(pod.owner) if item["metadata"]["name"] == wanted)


def others(scope: ReleaseScope) -> list[Manifest]:
    """Give what the pods of a release need beside their controllers."""
    skipped = (*_WORKLOADS, *_SCALERS, graphs.KIND)
    return [manifest for manifest in scope.objects.values() if manifest["kind"] not in skipped]


def _sized(manifest: Manifest, replicas: int, touch: str) -> Manifest:
    sized = copy.deepcopy(manifest)
    sized["spec"]["replicas"] = replicas
    group = sized["spec"].get("leaderWorkerTemplate")
    templates = [group.get("leaderTemplate"), group["workerTemplate"]] if group else [sized["spec"]["template"]]
    for template in templates if touch else ():
        if template is not None:
            template["metadata"].setdefault("annotations", {})[_TOUCH] = touch
    return sized


def _apply(api: Api, manifests: list[Manifest]) -> None:
    refused = api.apply_all(manifests)
    if refused:
        raise refused[0][1]


def settle(api: Api) -> list[Manifest]:
    """Wait until no pod moves any more: each has a node, or the scheduler's word that there is none."""
    limit = time.monotonic() + _PATIENCE_S
    before: object = None
    since = time.monotonic()
    while True:
        pods = api.list("v1", "Pod")
        now = (frozenset((_name(pod), _where(pod)) for pod in pods), _observed(api))
        if now != before or not now[1] or any(_where(pod) == "new" for pod in pods):
            before, since = now, time.monotonic()
        if time.monotonic() - since > _STILL_S or time.monotonic() > limit:
            return pods
        time.sleep(_POLL_S)


def _name(pod: Manifest) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _where(pod: Manifest) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "new"
    if pod["spec"].get("nodeName"):
        return f"on {pod['spec']['nodeName']}" if pod["status"].get("phase") == "Running" else "new"
    return "pending" if _reason(pod) else "new"


def _reason(pod: Manifest) -> str:
    for condition in pod["status"].get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", condition.get("reason", "")))
    return ""


def _observed(api: Api) -> bool:
    """Tell whether the controllers have seen the newest of everything."""
    return all(
        (item.get("status") or {}).get("observedGeneration") == item["metadata"]["generation"]
        for item in api.list("apps/v1", "Deployment")
    )


def _phase(api: Api, name: str, pods: list[Manifest], seconds: float) -> Phase:
    pools = {node["metadata"]["name"]: node["metadata"]["labels"].get(POOL, "") for node in api.list("v1", "Node")}
    gpus: dict[str, int] = defaultdict(int)
    placed = [pod for pod in pods if pod["spec"].get("nodeName")]
    for pod in placed:
        if used := _gpus(pod):
            gpus[pools.get(pod["spec"]["nodeName"], "")] += used
    return Phase(name, len(placed), len(pods) - len(placed), dict(sorted(gpus.items())), round(seconds, 1))


def _gpus(pod: Manifest) -> int:
    limits = [(container.get("resources") or {}).get("limits") or {} for container in pod["spec"]["containers"]]
    return sum(int(amount) for row in limits for name, amount in row.items() if name.startswith(GPU_RESOURCES))


def _problems(
    api: Api, phase: str, workloads: list[Workload], pods: list[Manifest], replicas: Mapping[int, int]
) -> list[Problem]:
    mine: dict[tuple[str, str, str], list[Manifest]] = defaultdict(list)
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        mine[pod["metadata"]["namespace"], labels.get(INSTANCE, ""), labels.get(COMPONENT, "")].append(pod)
    problems = []
    for workload in workloads:
        found = mine[workload.key]
        wanted = replicas[id(workload)] * _per_replica(workload)
        waiting = [pod for pod in found if not pod["spec"].get("nodeName")]
        if waiting:
            problems.append(_pending(phase, workload, len(waiting), len(found), _reason(waiting[0])))
        elif len(found) < wanted:
            problems.append(_pending(phase, workload, wanted - len(found), wanted, _refusal(api, workload)))
    return problems


def _per_replica(workload: Workload) -> int:
    group = workload.manifest["spec"].get("leaderWorkerTemplate")
    return int(group.get("size", 1)) if group else 1


def _refusal(api: Api, workload: Workload) -> str:
    """Find why the pods were not even made, which their controller says in an event."""
    namespace, name = (workload.manifest["metadata"][key] for key in ("namespace", "name"))
    messages = [
        event["message"]
        for event in api.list("v1", "Event", namespace)
        if event.get("reason") == "FailedCreate" and event["involvedObject"]["name"].startswith(name)
    ]
    return messages[-1] if messages else "its controller made no pod"


def _pending(phase: str, workload: Workload, count: int, total: int, reason: str) -> Problem:
    scope, pod = workload.scope, workload.pod
    # the largest sizes need not fit together: autoscalers share what there is
    severity = Severity.WARNING if phase == LARGEST else Severity.ERROR
    path = next((path for path, item in pod.containers if item.get("resources")), (*pod.path, "spec"))
    name = f"{pod.owner['kind']}/{pod.owner['metadata']['name']}"
    message = f"{count} of {total} pods of {pod.component} find no node {phase}: {reason}"
    hint = "lower the replicas of a release in this pool, or add nodes to it"
    return Problem(scope.locate(pod.file, (*path, "resources")), name, message, hint, CHECK, severity)
