"""Replicas have one owner, and its bounds can be reached.

Two owners undo each other's work at every sync. A trigger on a bounded figure may never ask for what the maximum
promises, one that averages twice asks for half, and one that reads what only a running engine exports never wakes it.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from generator.validate.claims import KEDA_MAXIMUM
from generator.validate.pods import Manifest, Path, argument
from generator.validate.programs import runtime_of
from generator.validate.promql_tree import Binary, Node, Series, around, inside, parse
from generator.validate.scope import Finding, ReleaseScope

SCALERS = ("ScaledObject", "HorizontalPodAutoscaler")
COUNTED = ("Deployment", "StatefulSet", "LeaderWorkerSet")
# flags that bound what one pod has in work at a time
SLOT_FLAGS = ("--max-num-seqs", "--max-running-requests")
# figures between 0 and 1, by the end of their names
SHARES = ("_perc", "_usage", "_utilization", "_ratio", "_saturation")
# figures of the cluster, not of the load
CLUSTER = "kube_"

# what a query reads, each with the functions and aggregations around it
Read: TypeAlias = list[tuple[Series, tuple[str, ...]]]


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find replicas with two owners or none, and bounds that no trigger reaches."""
    targets: dict[tuple[str, str], str] = {}
    for kind in SCALERS:
        for file, manifest in scope.of_kind(kind):
            yield from _owner(scope, file, manifest, targets)
            if kind == "ScaledObject":
                yield from _scaled(scope, file, manifest)
    for file, manifest in scope.objects.items():
        if manifest["kind"] in COUNTED:
            yield from _counted(file, manifest, targets)
        elif manifest["kind"] == "DynamoGraphDeployment":
            yield from _components(file, manifest)


# ---- owners ------------------------------------------------------------------------------------------------


def _owner(
    scope: ReleaseScope, file: str, manifest: Manifest, targets: dict[tuple[str, str], str]
) -> Iterator[Finding]:
    reference = manifest["spec"].get("scaleTargetRef") or {}
    target = (reference.get("kind", "Deployment"), reference.get("name", ""))
    own = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if target in targets:
        message = f"{target[0]}/{target[1]} is scaled twice: by {targets[target]} and by {own}"
        yield Finding(file, ("spec", "scaleTargetRef", "name"), message, "keep one of them")
    targets.setdefault(target, own)


def _counted(file: str, manifest: Manifest, targets: dict[tuple[str, str], str]) -> Iterator[Finding]:
    own = (manifest["kind"], manifest["metadata"]["name"])
    written = "replicas" in manifest["spec"]
    if written and own in targets:
        count = manifest["spec"]["replicas"]
        message = f"Git says {count} replicas, and {targets[own]} scales them: each sync sets them back"
        yield Finding(file, ("spec", "replicas"), message, "leave replicas out where an autoscaler owns them")
    elif not written and own not in targets:
        message = f"nobody says how many replicas {own[0]}/{own[1]} has"
        yield Finding(file, ("spec",), message, "write spec.replicas, or make a ScaledObject")


def _components(file: str, manifest: Manifest) -> Iterator[Finding]:
    for index, component in enumerate(manifest["spec"].get("components") or ()):
        path: Path = ("spec", "components", index, "replicas")
        if "scalingAdapter" in component and "replicas" in component:
            message = f"Git says {component['replicas']} replicas, and the component has a scaling adapter"
            yield Finding(file, path, message, "leave replicas out where an adapter owns them")
        elif "scalingAdapter" not in component and "replicas" not in component:
            message = f"nobody says how many replicas the component {component['name']} has"
            yield Finding(file, path, message, "write replicas, or give it a scalingAdapter")


# ---- bounds ------------------------------------------------------------------------------------------------


def _scaled(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    spec = manifest["spec"]
    least, most = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", KEDA_MAXIMUM)
    if least > most:
        message = f"at least {least} replicas and at most {most}"
        yield Finding(
            file, ("spec", "minReplicaCount"), message, f"set a minimum of {most} or less, or a larger maximum"
        )
        return
    yield from _cooldown(file, spec, least)
    reaches: list[tuple[float, int, str]] = []
    wakes = False
    for index, trigger in enumerate(spec.get("triggers") or ()):
        path: Path = ("spec", "triggers", index)
        if trigger.get("type") != "prometheus":
            wakes = True
            reaches.append((_cron(trigger), index, ""))
            continue
        tree = _tree((trigger.get("metadata") or {}).get("query", ""))
        series = around(tree) if tree is not None else []
        yield from _prometheus(file, path, trigger, tree, series)
        # of a query that cannot be read another check speaks
        wakes = wakes or tree is None or any(not _of_engine(scope, item.name) for item, _ in series)
        reach, why = _reach(scope, manifest, trigger, series)
        reaches.append((reach, index, why))
    if reaches:
        yield from _reachable(file, max(reaches), most)
    if least == 0 and not wakes:
        message = "at zero replicas no engine exports what the triggers read: nothing wakes it again"
        yield Finding(file, ("spec", "minReplicaCount"), message, "add a trigger on what stays up, or keep one replica")


def _cooldown(file: str, spec: Manifest, least: int) -> Iterator[Finding]:
    # Source: KEDA 2.21 `pkg/scaling/executor/scale_scaledobjects.go`: with a minimum the autoscaler alone scales down
    if least < 1 or "idleReplicaCount" in spec:
        return
    for field in ("cooldownPeriod", "initialCooldownPeriod"):
        if field in spec:
            message = f"{field} has no effect with at least {least}: KEDA waits for it only on the way to zero"
            yield Finding(file, ("spec", field), message, "leave it out, or let the minimum be 0")


def _tree(query: str) -> Node | None:
    try:
        return parse(query)
    except ValueError:
        return None


def _reachable(file: str, best: tuple[float, int, str], most: int) -> Iterator[Finding]:
    reach, index, why = best
    if reach < most:
        message = f"this trigger can never ask for more than {reach:.0f} replicas, and the maximum is {most}: {why}"
        hint = "lower the threshold, or scale on a figure without a bound, such as requests that wait and run"
        yield Finding(file, ("spec", "triggers", index, "metadata", "threshold"), message, hint)


def _cron(trigger: Manifest) -> float:
    metadata = trigger.get("metadata") or {}
    return float(metadata["desiredReplicas"]) if trigger.get("type") == "cron" else math.inf


def _of_engine(scope: ReleaseScope, name: str) -> bool:
    metrics = runtime_of(scope.resolved.context).metrics
    return name.startswith(CLUSTER) or name in (metrics.running, metrics.waiting)


def _reach(scope: ReleaseScope, manifest: Manifest, trigger: Manifest, series: Read) -> tuple[float, str]:
    """Say how many replicas a trigger can ever ask for, starting from one, and why no more."""
    load = _load(series)
    bounds = [_bound(scope, manifest, item.name) for item, _ in load]
    threshold = _number((trigger.get("metadata") or {}).get("threshold"))
    if not load or threshold is None or threshold <= 0 or any(bound is None for bound in bounds):
        return math.inf, ""
    bound = sum(bound for bound in bounds if bound is not None)
    names = " + ".join(item.name for item, _ in load)
    # a figure that grows with the pods, against a target for each: more pods ask for more, or never do
    grows = ("sum" in load[0][1]) != (trigger.get("metricType", "AverageValue") == "Value")
    if grows:
        why = f"{names} is at most {bound:g} on one pod, and the threshold is {threshold:g}"
        return (math.inf if bound > threshold else 1), why
    return math.ceil(bound / threshold), f"{names} is at most {bound:g}, and the threshold is {threshold:g}"


def _bound(scope: ReleaseScope, manifest: Manifest, name: str) -> float | None:
    """Say what a figure is at most on one pod, or None."""
    if name.endswith(SHARES):
        return 1.0
    if name != runtime_of(scope.resolved.context).metrics.running:
        return None
    target = (manifest["spec"].get("scaleTargetRef") or {}).get("name")
    slots = [
        argument(container, *SLOT_FLAGS)
        for pod in scope.pods
        if pod.owner["metadata"]["name"] == target
        for _, container in pod.containers
    ]
    return next((_number(text) for text in slots if text is not None), None)


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


# ---- a trigger on Prometheus -------------------------------------------------------------------------------


def _prometheus(file: str, path: Path, trigger: Manifest, tree: Node | None, series: Read) -> Iterator[Finding]:
    metadata = trigger.get("metadata") or {}
    if "metricName" in metadata:
        message = "metricName has no effect: KEDA dropped it in 2.12"
        yield Finding(file, (*path, "metadata", "metricName"), message, "leave it out; `name` names the trigger")
    average = trigger.get("metricType", "AverageValue") == "AverageValue"
    divides = tree is not None and any(isinstance(node, Binary) and node.sign == "/" for node in inside(tree))
    yield from _averages(file, path, metadata, series, average=average, divides=divides)
    host = urlsplit(metadata.get("serverAddress", "")).hostname or ""
    if "." not in host and not _is_address(host):
        message = f"KEDA looks up {host or 'an empty host'} in its own namespace, where that Service is not"
        hint = "write the full name: http://<service>.<namespace>.svc:<port>"
        yield Finding(file, (*path, "metadata", "serverAddress"), message, hint)


def _load(series: Read) -> Read:
    return [(item, names) for item, names in series if not item.name.startswith(CLUSTER)]


def _averages(
    file: str, path: Path, metadata: Manifest, series: Read, *, average: bool, divides: bool
) -> Iterator[Finding]:
    load = _load(series)
    threshold = _number(metadata.get("threshold")) or 1.0
    # a share of two sums and a quantile over summed buckets do not grow with the pods
    grows = not divides and any("sum" in names and "histogram_quantile" not in names for _, names in load)
    if not average and grows:
        message = "metricType Value multiplies by the replicas there are, and a sum over pods grows with them already"
        yield Finding(file, (*path, "metricType"), message, "use AverageValue for a sum")
    counted = divides and any("count" in names for _, names in load)
    if average and load and (counted or any("avg" in names for _, names in load)):
        total, mean = 4 * threshold, 2 * threshold
        message = (
            f"the query divides by the pods, and AverageValue divides again: {total:g} on 2 pods is {mean:g}, which "
            f"asks for {math.ceil(mean / threshold)} replicas instead of {math.ceil(total / threshold)}"
        )
        yield Finding(file, (*path, "metadata", "query"), message, "query the plain sum over all pods")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
