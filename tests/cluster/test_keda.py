"""KEDA truth: its operator, metrics adapter, interceptor and external scaler drive every recipe that scales.

All releases stand side by side on one cluster, rendered from the committed charts by Helm. Pods are processes: the real
simulator, and stand-ins that answer requests and export under the names of vLLM and SGLang what is in flight.
Prometheus scrapes them every second, with the job label of the PodMonitor. One release has the shipped times; those of
the others are divided.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from generator.cluster import control
from generator.cluster.engine import TOKEN_S
from generator.cluster.traffic import chat
from generator.model.axes import Engine, Scaling
from tests.cluster import proof
from tests.cluster.scaling import (
    HELD_S,
    MOST,
    NAMESPACE,
    PACE,
    SHIPPED,
    STARTUP_S,
    Scaled,
    Stage,
    Traffic,
    enough,
    name_of,
    scaling_recipes,
    too_few,
)

SECTION = "KEDA follows requests"
RECIPES = {name_of(recipe): recipe for recipe in scaling_recipes()}
ZERO = {name: recipe for name, recipe in RECIPES.items() if recipe.scaling is Scaling.ZERO}
AS_SHIPPED, SLOW = "simulator-as-shipped", "simulator-slow"
# its pod is not ready before the interceptor gives up
SLOW_S = 90
DIVIDED = ", ".join(f"{key} {SHIPPED[key]} -> {value}" for key, value in PACE.items())
# two looks of KEDA, one of the autoscaler's, and what a busy machine takes
SLACK_S = 2 * PACE["pollingSeconds"] + 8
# ten at once; of them four, then one, take longer than it takes to scale in or to go to sleep
LOAD = [40] * 6 + [100] * 3 + [180]
LATER = [150] * 3


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    begin = time.monotonic()
    found = Stage(tmp_path_factory.mktemp("keda"))
    try:
        for name, recipe in RECIPES.items():
            found.install(recipe, name, PACE)
        shipped = next(recipe for recipe in ZERO.values() if recipe.engine is Engine.SIMULATOR)
        found.install(shipped, SLOW, PACE, over={"engine": {"startupSeconds": SLOW_S}})
        found.install(shipped, AS_SHIPPED, SHIPPED, first_cooldown_s=1)
        what = f"{len(RECIPES) + 2} releases of {len(RECIPES)} recipes; times divided: {DIVIDED}"
        proof.note(SECTION, "dev", what, seconds=time.monotonic() - begin)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def played(stage: Stage) -> Iterator[dict[str, Future[None]]]:
    """Every autoscaled Deployment goes through its day at the same time; each test then asks for the end of one."""
    with ThreadPoolExecutor(len(stage.scaled)) as pool:
        days = {scaled.name: pool.submit(a_day, stage, scaled) for scaled in usual(stage)}
        days[SLOW] = pool.submit(is_abandoned, stage, one(stage, SLOW))
        yield days


def usual(stage: Stage) -> list[Scaled]:
    """List what has the divided times, and a pod that is ready at once."""
    return [scaled for scaled in stage.scaled if scaled.release not in (AS_SHIPPED, SLOW)]


def one(stage: Stage, name: str) -> Scaled:
    return next(scaled for scaled in stage.scaled if scaled.name == name)


def a_day(stage: Stage, scaled: Scaled) -> None:
    """Nothing, one request, many, few, one long one, nothing."""
    if scaled.zero:
        falls_asleep(stage, scaled)
        is_woken(stage, scaled)
        falls_asleep(stage, scaled)
    else:
        stage.wait(f"{scaled.name} is ready", lambda: stage.history.now(scaled.name).ready == 1, 60)
    follows_load(stage, scaled)


def falls_asleep(stage: Stage, scaled: Scaled) -> None:
    limit = STARTUP_S + PACE["cooldownSeconds"] + SLACK_S + 10

    def asleep() -> bool:
        seen = stage.history.now(scaled.name)
        return seen.wanted == 0 and seen.ready == 0

    stage.wait(f"{scaled.name} is at zero", asleep, limit)
    # the interceptor, too, has to see that nothing is ready
    time.sleep(1)


def is_woken(stage: Stage, scaled: Scaled) -> None:
    """0 -> 1: the first request is held and answered, and a pod stays for the time of the cooldown."""
    traffic = stage.ask(scaled, [8])
    answer = traffic.wait()[0]
    assert not traffic.whole() and answer.cold and answer.tokens == 8
    wanted = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
    assert wanted is not None
    note(scaled, "0 -> 1: first request held; replicas wanted", wanted)
    note(scaled, "0 -> 1: its first byte", answer.first_s)
    end = traffic.begin + answer.last_s
    falls_asleep(stage, scaled)
    slept = stage.history.first(scaled.name, end, lambda seen: seen.wanted == 0)
    assert slept is not None and slept > PACE["cooldownSeconds"] - PACE["pollingSeconds"] - 1
    note(scaled, f"1 -> 0: after its last byte, with a cooldown of {PACE['cooldownSeconds']} s", slept)


def follows_load(stage: Stage, scaled: Scaled) -> None:
    """1 -> N by load; N -> 1 as requests end, never below what is in flight; never zero during the last long one."""
    traffic = stage.ask(scaled, LOAD)
    stage.wait(f"{scaled.name} is at {MOST}", lambda: stage.history.now(scaled.name).wanted == MOST, 30)
    note(scaled, f"{0 if scaled.zero else 1} -> {MOST}: {len(LOAD)} requests at once", time.monotonic() - traffic.begin)
    stage.wait(f"{scaled.name} has {MOST} ready", lambda: stage.history.now(scaled.name).ready == MOST, 30)
    # all of the first have gone to the first pod; these stand on all of them when two are taken away
    later = stage.ask(scaled, LATER)
    for sent in (traffic, later):
        sent.wait()
        assert len(sent.answers) == len(sent.tokens) and not sent.whole(), sent.whole()
    end = max(traffic.end(), later.end())
    down(stage, scaled, traffic, later)
    during = [seen for seen in stage.history.of(scaled.name, since=traffic.begin) if seen.at < end]
    # from zero it is zero until it is woken
    awake = [seen.wanted for seen in during[during.index(next(seen for seen in during if seen.wanted)) :]]
    assert min(awake) >= 1, awake
    count, longest, steps = len(LOAD) + len(LATER), max(LOAD) * TOKEN_S, " ".join(map(str, path(awake)))
    what = f"{count} streams whole, the last of {longest:.0f} s; replicas {steps}"
    note(scaled, what, None)


def is_abandoned(stage: Stage, scaled: Scaled) -> None:
    """A client gives up while its request is held for a pod that is never ready; one with patience is told so."""
    falls_asleep(stage, scaled)
    begin = time.monotonic()
    where = ("127.0.0.1", stage.run.forwards["interceptor"]), f"{scaled.release}.{NAMESPACE}", scaled.release, 8
    assert chat(*where, patience_s=3).status == 0
    stage.wait(f"{scaled.name} is woken", lambda: stage.history.now(scaled.name).wanted == 1, 10)
    patient = chat(*where)
    assert patient.status == 504 and abs(patient.last_s - HELD_S) < 3, patient
    limit = PACE["cooldownSeconds"] + SLACK_S
    stage.wait(f"{scaled.name} is at zero", lambda: stage.history.now(scaled.name).wanted == 0, limit)
    # no pod was there that could have run it
    assert max(seen.ready for seen in stage.history.of(scaled.name, since=begin)) == 0
    note(scaled, f"never ready: 504 after readiness of {HELD_S} s", patient.last_s)
    note(scaled, "at zero again, one request given up, one refused", time.monotonic() - begin)


def down(stage: Stage, scaled: Scaled, *sent: Traffic) -> None:
    last = 0 if scaled.zero else 1
    limit = PACE["cooldownSeconds"] + PACE["stabilizationSeconds"] + MOST * PACE["scaleInPeriodSeconds"] + SLACK_S + 10
    stage.wait(f"{scaled.name} is at {last}", lambda: stage.history.now(scaled.name).wanted == last, limit)
    assert too_few(stage.history.of(scaled.name, since=sent[0].begin), sent) == []


def path(numbers: list[int]) -> list[int]:
    """Leave out repetitions."""
    return [number for index, number in enumerate(numbers) if not index or numbers[index - 1] != number]


def note(scaled: Scaled, what: str, seconds: float | None) -> None:
    proof.note(SECTION, scaled.name, what, seconds=seconds, marks=() if scaled.simulated else (proof.STAND_IN,))


@pytest.mark.parametrize("name", RECIPES)
def test_replicas_follow_requests(stage: Stage, played: dict[str, Future[None]], name: str) -> None:
    """The day of every Deployment of a recipe went as it should.

    Seen to fail with a wrong metric name in the query (`vllm:requests_running`): `queue` never grows, because what is
    missing reads as what there is, and `zero` never sleeps. Without the wake trigger the first request is not answered.
    With a grace of 0 s, streams on pods that are scaled in are cut.
    """
    deployments = [scaled for scaled in stage.scaled if scaled.release == name]
    assert deployments
    for scaled in deployments:
        played[scaled.name].result()


def test_an_abandoned_request_keeps_nothing_awake(played: dict[str, Future[None]]) -> None:
    """A held POST whose client is gone is let go with the time of readiness; no pod runs it, none stays for it.

    Seen to fail without `timeouts.readiness`: both requests stay in the queue, and the pod runs them 87 s later.
    """
    played[SLOW].result()


def test_a_wake_takes_little(stage: Stage, played: dict[str, Future[None]]) -> None:
    """Five wakes of every release that goes to zero, one at a time, nothing else going on.

    Polling is divided here, and plays no part: the interceptor pushes, as `test_at_shipped_times` shows. Seen to fail
    without the wake trigger: nobody wakes the release.
    """
    done(played)
    releases = [scaled for scaled in usual(stage) if scaled.zero]
    wanted: dict[str, list[float]] = {scaled.name: [] for scaled in releases}
    first: dict[str, list[float]] = {scaled.name: [] for scaled in releases}
    for _ in range(5):
        for scaled in releases:
            falls_asleep(stage, scaled)
            traffic = stage.ask(scaled, [4])
            answer = traffic.wait()[0]
            assert answer.cold and not traffic.whole()
            seconds = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
            assert seconds is not None
            wanted[scaled.name].append(seconds)
            first[scaled.name].append(answer.first_s)
    for name, found in wanted.items():
        told = f"median of {len(found)}, {min(found):.2f} to {max(found):.2f}"
        proof.note("Wake from zero", name, f"request to replicas wanted, {told}", seconds=statistics.median(found))
        told = f"median of {len(found)}, {min(first[name]):.2f} to {max(first[name]):.2f}"
        proof.note("Wake from zero", name, f"request to first byte, {told}", seconds=statistics.median(first[name]))
    everything = [seconds for found in wanted.values() for seconds in found]
    assert statistics.median(everything) <= 0.6, everything


def done(played: dict[str, Future[None]]) -> None:
    for future in played.values():
        future.exception()


Fault = Callable[[Stage], Iterator[None]]


def outage(stage: Stage) -> Iterator[None]:
    control.order(stage.run, "stop prometheus")
    yield
    control.order(stage.run, "start prometheus")


def restart(stage: Stage) -> Iterator[None]:
    control.order(stage.run, "stop keda-operator")
    yield
    control.order(stage.run, "start keda-operator")


def gap(stage: Stage, mode: str) -> Iterator[None]:
    for scaled in stage.scaled:
        stage.engines(scaled, mode)
    yield
    for scaled in stage.scaled:
        stage.engines(scaled, "")


FAULTS: dict[str, Fault] = {
    "Prometheus is away": outage,
    "the series are missing": lambda stage: gap(stage, "silent"),
    "scrapes fail": lambda stage: gap(stage, "broken"),
    "KEDA's operator is away": restart,
}
# longer than it takes to scale in and to go to sleep
FAULT_S = PACE["cooldownSeconds"] + PACE["stabilizationSeconds"] + 4
BETWEEN_S = 8
BUSY, BUSY_REPLICAS = 8, 2


class Faulted:
    """A load, and the times of the faults under it."""

    def __init__(self, stage: Stage) -> None:
        seconds = 30 + len(FAULTS) * (FAULT_S + BETWEEN_S)
        self.sent = {scaled: stage.ask(scaled, [int(seconds / TOKEN_S)] * BUSY) for scaled in usual(stage)}
        for scaled in self.sent:
            stage.wait(f"{scaled.name} is at {BUSY_REPLICAS}", partial(self._busy, stage, scaled), 25)
        self.times: dict[str, tuple[float, float]] = {}
        for name, fault in FAULTS.items():
            begin = time.monotonic()
            running = fault(stage)
            next(running)
            time.sleep(FAULT_S)
            next(running, None)
            time.sleep(BETWEEN_S)
            self.times[name] = (begin, time.monotonic())
        for traffic in self.sent.values():
            traffic.wait()

    @staticmethod
    def _busy(stage: Stage, scaled: Scaled) -> bool:
        return stage.history.now(scaled.name).ready >= BUSY_REPLICAS


@pytest.fixture(scope="module")
def faulted(stage: Stage, played: dict[str, Future[None]]) -> Faulted:
    done(played)
    return Faulted(stage)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_takes_no_replica_away(stage: Stage, faulted: Faulted, fault: str) -> None:
    """Eight requests in flight ask for two replicas, before, during and after.

    Seen to fail for `queue` and missing series with `ignoreNullValues: "true"` and a query without the replicas that
    there are: 2, 1, 1. `zero` holds even so, because the interceptor counts requests too.
    """
    begin, end = faulted.times[fault]
    for scaled in faulted.sent:
        held = [seen.wanted for seen in stage.history.of(scaled.name, since=begin) if seen.at < end]
        assert min(held) >= BUSY_REPLICAS == enough(BUSY), (scaled.name, held)
    proof.note(SECTION, "all releases", f"{fault} for {FAULT_S} s under load: no replica went")


def test_no_stream_was_cut_by_a_fault(stage: Stage, faulted: Faulted) -> None:
    """All streams of the time of the faults came whole, and afterwards everything goes down as ever.

    The same look at streams as in `test_replicas_follow_requests`, which sees a grace of 0 s.
    """
    for scaled, traffic in faulted.sent.items():
        assert len(traffic.answers) == BUSY and not traffic.whole(), (scaled.name, traffic.whole())
    for scaled, traffic in faulted.sent.items():
        down(stage, scaled, traffic)


def test_at_shipped_times(stage: Stage, faulted: Faulted) -> None:
    """A release with all times as they are shipped is woken as quickly, and stays for the time of its cooldown.

    Only its first cooldown is left out: ten minutes of waiting before the test could begin. With MODELYARD_NIGHTLY
    the end of its cooldown is awaited too. Seen to fail with a trigger of type `external`, which is polled: 7.9 s.
    """
    scaled = one(stage, AS_SHIPPED)
    assert stage.history.now(scaled.name).wanted == 0
    traffic = stage.ask(scaled, [8])
    answer = traffic.wait()[0]
    assert not traffic.whole() and answer.cold
    wanted = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
    assert wanted is not None and wanted < 2
    note(scaled, "0 -> 1 at shipped times: replicas wanted", wanted)
    note(scaled, "0 -> 1 at shipped times: first byte", answer.first_s)
    cooldown = SHIPPED["cooldownSeconds"]
    patience = cooldown + 2 * SHIPPED["pollingSeconds"] + 10 if os.environ.get("MODELYARD_NIGHTLY") else 0
    if patience:
        stage.wait(f"{scaled.name} is at zero", lambda: stage.history.now(scaled.name).wanted == 0, patience)
        slept = time.monotonic() - traffic.begin - answer.last_s
        assert slept > cooldown - SHIPPED["pollingSeconds"] - 1
        note(scaled, f"1 -> 0 at shipped times: cooldown {cooldown} s", slept)
    else:
        time.sleep(2 * SHIPPED["pollingSeconds"])
        assert stage.history.now(scaled.name).wanted == 1
