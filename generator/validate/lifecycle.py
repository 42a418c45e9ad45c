"""Times that must agree: start, probes, drain, grace, and what the gateway waits.

Each is written by another layer, and a pod that is one second short works until the first long answer, the first
large model or the first rollout. A probe without a timeout of its own has one second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from generator.errors import Severity
from generator.facts import Facts
from generator.model import waves
from generator.validate.pods import Manifest, Path, Pod, argument, variables_of
from generator.validate.scope import Finding, ReleaseScope

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Kubernetes' own, where an object is silent
GRACE_DEFAULT = 30
PERIOD_DEFAULT = 10
FAILURES_DEFAULT = 3
DEADLINE_DEFAULT = 600

# How long a program finishes what it has, once it is told to stop, and how long it then still waits to exit.
# Source: vllm 0.33.0 --shutdown-timeout; ai-dynamo-runtime 1.6.1, its shutdown code.
DRAIN_FLAGS = ("--shutdown-timeout",)
DRAIN_VARIABLES = ("DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS", "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS")
EXIT_VARIABLES = ("DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS",)

# A variable by which an engine gives up its own start. Source: vllm 0.33.0 envs.py.
READY_VARIABLE = "VLLM_ENGINE_READY_TIMEOUT_S"
# An engine that knows this variable generates a token at each look, unless it is told not to, and takes up to 20 s.
# Source: sglang 0.5.23 srt/entrypoints/http_server.py.
GENERATES = "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION"
GENERATING_PATHS = frozenset(("/health", "/health_generate"))
GENERATION_SECONDS = 20
OFF = frozenset(("0", "false", "False", "no"))

_PART = re.compile(r"(\d+)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find times that contradict each other."""
    for pod, path, container, program in scope.programs:
        yield from _drain(scope, pod, path, container)
        yield from _probes(pod, path, container, program.facts)
        yield from _start(pod, path, container, program.facts)
    for pod in scope.pods:
        yield from _deadline(pod)
    for file, manifest in scope.of_kind("HTTPRoute"):
        yield from _route(scope, file, manifest)
    for file, manifest in scope.of_kind("InterceptorRoute"):
        yield from _interceptor(scope, file, manifest)


# ---- drain -------------------------------------------------------------------------------------------------


def drain_of(scope: ReleaseScope, pod: Pod, container: Manifest) -> tuple[int, int]:
    """Say how long a container finishes what it has, and how long it then takes to exit."""
    variables = variables_of(container)
    stated = [argument(container, *DRAIN_FLAGS), *(variables.get(name) for name in DRAIN_VARIABLES)]
    numbers = [int(text) for text in stated if text is not None and text.isdigit()]
    waits = [int(variables[name]) for name in EXIT_VARIABLES if variables.get(name, "").isdigit()]
    if numbers or scope.role(pod) is None:
        return max(numbers, default=0), max(waits, default=0)
    # the engine has no bound of its own: what the release means it to have
    return int(scope.resolved.values["timing"]["drainSeconds"]), max(waits, default=0)


def _pre_stop(container: Manifest) -> int:
    sleep = ((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}
    return int(sleep.get("seconds", 0))


def _drain(scope: ReleaseScope, pod: Pod, path: Path, container: Manifest) -> Iterator[Finding]:
    grace: int = pod.spec.get("terminationGracePeriodSeconds", GRACE_DEFAULT)
    wait = _pre_stop(container)
    drain, leave = drain_of(scope, pod, container)
    total = wait + drain + leave
    if total >= grace:
        parts = f"preStop {wait} s + drain {drain} s" + (f" + exit {leave} s" if leave else "")
        message = f"{parts} = {total} s, and the grace period is {grace} s: no time is left to exit, the pod is killed"
        hint = f"set a grace period above {total} s, or drain for less than {max(grace - wait - leave, 0)} s"
        yield Finding(pod.file, (*pod.path, "spec", "terminationGracePeriodSeconds"), message, hint)
    if container.get("ports") and not wait:
        message = "the pod stops before routers know of it: there is no preStop wait"
        yield Finding(pod.file, (*path, "lifecycle"), message, "write lifecycle.preStop.sleep.seconds: 15")


# ---- probes ------------------------------------------------------------------------------------------------


def _probes(pod: Pod, path: Path, container: Manifest, facts: Facts | None) -> Iterator[Finding]:
    for name in PROBES:
        probe = container.get(name)
        if probe is None:
            continue
        timeout = probe.get("timeoutSeconds", 1)
        place = (*path, name, "timeoutSeconds")
        if timeout <= 1:
            message = f"the {name} has {timeout} s to answer; a busy engine takes longer, and its pod is taken out"
            yield Finding(pod.file, place, message, "write timeoutSeconds: 5 or more")
        elif _generates(container, probe, facts) and timeout <= GENERATION_SECONDS:
            asked = probe["httpGet"]["path"]
            message = f"{asked} generates a token and may take {GENERATION_SECONDS} s; the {name} waits {timeout} s"
            hint = f"set {GENERATES}: 0 in the environment, or timeoutSeconds above {GENERATION_SECONDS}"
            yield Finding(pod.file, place, message, hint)
    if "livenessProbe" in container and "startupProbe" not in container:
        message = "the livenessProbe begins at once and ends a container that still loads: there is no startupProbe"
        yield Finding(pod.file, (*path, "livenessProbe"), message, "write a startupProbe with the budget of the start")


def _generates(container: Manifest, probe: Manifest, facts: Facts | None) -> bool:
    if facts is None or facts.variable(GENERATES) is None:
        return False
    asked = (probe.get("httpGet") or {}).get("path")
    return asked in GENERATING_PATHS and variables_of(container).get(GENERATES, "1") not in OFF


# ---- start -------------------------------------------------------------------------------------------------


def _budget(container: Manifest) -> int:
    """Seconds from the container's start until its startupProbe gives up; 0 without one."""
    probe = container.get("startupProbe")
    if probe is None:
        return 0
    period: int = probe.get("periodSeconds", PERIOD_DEFAULT)
    failures: int = probe.get("failureThreshold", FAILURES_DEFAULT)
    delay: int = probe.get("initialDelaySeconds", 0)
    return delay + period * failures


def startup_budget(pod: Pod) -> int:
    """Seconds that a pod's containers have to start."""
    return max((_budget(container) for _, container in pod.containers), default=0)


def _start(pod: Pod, path: Path, container: Manifest, facts: Facts | None) -> Iterator[Finding]:
    budget = _budget(container)
    known = facts.variable(READY_VARIABLE) if facts is not None and budget else None
    if known is None:
        return
    written = variables_of(container).get(READY_VARIABLE)
    limit = int(written) if written is not None and written.isdigit() else int(known.default or DEADLINE_DEFAULT)
    # the probe counts in whole periods
    period: int = container["startupProbe"].get("periodSeconds", PERIOD_DEFAULT)
    if limit + period <= budget:
        message = f"the engine gives up its start after {limit} s, long before the startupProbe's {budget} s"
        yield Finding(pod.file, (*path, "env"), message, f"set {READY_VARIABLE} to {budget}")


def _deadline(pod: Pod) -> Iterator[Finding]:
    budget = startup_budget(pod)
    if not budget:
        return
    if pod.owner["kind"] == "Deployment":
        deadline: Any = pod.owner["spec"].get("progressDeadlineSeconds", DEADLINE_DEFAULT)
        path: Path = ("spec", "progressDeadlineSeconds")
    else:
        annotations = pod.owner["metadata"].get("annotations") or {}
        deadline = annotations.get(waves.PROGRESS_DEADLINE)
        path = ("metadata", "annotations", waves.PROGRESS_DEADLINE)
    if deadline is not None and int(deadline) <= budget:
        message = f"a rollout counts as failed after {deadline} s, while one pod may take {budget} s to start"
        yield Finding(pod.file, path, message, f"allow more than {budget} s, and time to pull the image")


# ---- the way in --------------------------------------------------------------------------------------------


def seconds(text: str) -> float | None:
    """Read a duration of the Gateway API, such as `30s` or `1h30m`; None if it is none."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def _route(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    timing = scope.resolved.values["timing"]
    drain = int(timing["drainSeconds"])
    # a held request waits for the start before its answer begins
    held = int(timing["scheduleSeconds"] + timing["startupSeconds"]) if any(scope.of_kind("InterceptorRoute")) else 0
    for index, rule in enumerate(manifest["spec"].get("rules") or ()):
        timeouts = rule.get("timeouts") or {}
        path: Path = ("spec", "rules", index, "timeouts")
        request = seconds(timeouts.get("request", ""))
        if request is None:
            message = "the route has no request timeout: the gateway's own, often 15 s, cuts every longer stream"
            yield Finding(file, (*path, "request"), message, "write timeouts.request, 0s for none")
            continue
        backend = seconds(timeouts.get("backendRequest", "0s")) or 0.0
        # 0s: no limit
        if request and backend > request:
            message = f"backendRequest ({timeouts['backendRequest']}) is longer than request ({timeouts['request']})"
            yield Finding(file, (*path, "backendRequest"), message, "make it the same or shorter")
        # a program that always waits its whole drain is given a short one on purpose
        if (request or math.inf) - held > drain != scope.resolved.context.longest_drain_seconds:
            shown = f"{timeouts['request']}" if request else "any time"
            message = f"an answer may take {shown}, and a pod that goes finishes answers of {drain} s: longer are cut"
            hint = "raise timing.drainSeconds, or lower route.requestSeconds"
            yield Finding(file, (*path, "request"), message, hint, Severity.WARNING)


def _interceptor(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    timeouts = manifest["spec"].get("timeouts") or {}
    path: Path = ("spec", "timeouts")
    budget = max((startup_budget(pod) for pod in scope.pods), default=0)
    ready = seconds(timeouts.get("readiness", ""))
    if not ready:
        message = "a request is held without limit: one whose client has gone still wakes the model and keeps it awake"
        yield Finding(file, (*path, "readiness"), message, "write timeouts.readiness")
    elif ready < budget:
        message = f"a request is held for {timeouts['readiness']}, and a pod may take {budget} s to start"
        yield Finding(file, (*path, "readiness"), message, f"hold it for {budget} s or more")
    if not seconds(timeouts.get("request", "")):
        message = "a request that was handed on has no limit: the interceptor never learns that it is over"
        yield Finding(file, (*path, "request"), message, "write timeouts.request")
    for _, route in scope.of_kind("HTTPRoute"):
        for rule in route["spec"].get("rules") or ():
            limit = seconds((rule.get("timeouts") or {}).get("request", ""))
            if limit and limit < budget:
                message = f"the gateway cuts a held request after {limit:.0f} s; a pod may take {budget} s to start"
                hint = f"raise route.requestSeconds to {budget} or more; until then the client has to ask again"
                yield Finding(file, (*path, "readiness"), message, hint, Severity.WARNING)
