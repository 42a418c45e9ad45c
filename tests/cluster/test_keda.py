"""KEDA truth: its operator, metrics adapter, interceptor and external scaler drive every recipe that scales.

All releases stand side by side on one cluster, rendered from the committed charts by Helm. Pods are processes: the real
simulator, and stand-ins that answer requests and export under the names of vLLM and SGLang what is in flight.
Prometheus scrapes them every second, with the job label of the PodMonitor. Times are divided, but for one release. With
MODELYARD_NIGHTLY every release has the times that are shipped, and its day takes half an hour.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import msgspec
import pytest

from generator.cluster import control
from generator.cluster.engine import TOKEN_S
from generator.cluster.traffic import Answer, chat
from generator.model.axes import Engine, Scaling
from tests.cluster import proof
from tests.cluster.scaling import (
    DIVIDED,
    HELD_S,
    MOST,
    NAMESPACE,
    NIGHTLY,
    PACE,
    SHIPPED,
    STARTUP_S,
    TARGET,
    Load,
    Scaled,
    Stage,
    Traffic,
    enough,
    name_of,
    scaling_recipes,
    too_few,
)

SECTION, WAKE, FAULT = "KEDA follows requests", "Wake from zero", "Faults of what KEDA asks"
RECIPES = {name_of(recipe): recipe for recipe in scaling_recipes()}
ZERO = {name: recipe for name, recipe in RECIPES.items() if recipe.scaling is Scaling.ZERO}
SIMULATOR = next(recipe for recipe in ZERO.values() if recipe.engine is Engine.SIMULATOR)
VLLM = next(recipe for recipe in ZERO.values() if recipe.engine is Engine.VLLM)
AS_SHIPPED, BURST = "simulator-as-shipped", "simulator-burst"
# the one is not ready before the interceptor gives up, the other never
SLOW, CRASHING = "simulator-slow", "vllm-crashing"
SLOW_S, LOAD_S = 90, 6
# releases that nobody asks, and that rest between two requests, while there are faults
ASLEEP = {f"{name}-asleep": recipe for name, recipe in ZERO.items()}
RESTED = {f"{name}-rested": recipe for name, recipe in ZERO.items()}
# by day the times of a release's own day are divided; what else is looked at would take hours at shipped ones
by_day = pytest.mark.skipif(NIGHTLY, reason="by night: one day of every release at shipped times")
# two looks of KEDA, one of the autoscaler's, and what a busy machine takes
SLACK_S = 2 * PACE["pollingSeconds"] + 8
# Ten at once, on one replica. Then three that begin on three replicas and are still there when two are taken away: the
# simulator drains for 30 s at most. Then one that takes longer than it takes to go to sleep.
SHORT_S = 12
LONGER_S = SHORT_S + PACE["stabilizationSeconds"] + 15
LONG_S = PACE["cooldownSeconds"] + 2 * PACE["pollingSeconds"] + 8
SCALE_IN_S = SHORT_S + PACE["stabilizationSeconds"] + MOST * PACE["scaleInPeriodSeconds"] + SLACK_S
LOAD = 10
# held together, and how long each streams: until all replicas are up and counted
HELD, BURST_S = 12, 24


def tokens(seconds: float) -> int:
    """How many tokens it takes to stream that long."""
    return int(seconds / TOKEN_S)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    begin = time.monotonic()
    found = Stage(tmp_path_factory.mktemp("keda"))
    try:
        for name, recipe in RECIPES.items():
            # by night the first cooldown alone would be ten minutes
            found.install(recipe, name, PACE, asleep=NIGHTLY and name in ZERO)
        found.install(SIMULATOR, BURST, PACE, over={"engine": {"startupSeconds": LOAD_S}}, asleep=NIGHTLY)
        found.install(SIMULATOR, SLOW, PACE, over={"engine": {"startupSeconds": SLOW_S}})
        found.engines(CRASHING, "crash")
        found.install(VLLM, CRASHING, PACE)
        if not NIGHTLY:
            for name, recipe in (ASLEEP | RESTED).items():
                found.install(recipe, name, PACE | {"cooldownSeconds": 4 if name in ASLEEP else 8})
            found.install(SIMULATOR, AS_SHIPPED, SHIPPED, asleep=True)
        divided = ", ".join(f"{key} {SHIPPED[key]} -> {DIVIDED[key]}" for key in DIVIDED)
        what = f"{len({scaled.release for scaled in found.scaled})} releases of {len(RECIPES)} recipes; "
        what += "all times as shipped" if NIGHTLY else f"times divided: {divided}"
        proof.note(SECTION, "dev", what, seconds=time.monotonic() - begin)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def played(stage: Stage) -> Iterator[dict[str, Future[None]]]:
    """Every autoscaled Deployment goes through its day at the same time; each test then asks for the end of one."""
    with ThreadPoolExecutor(len(stage.scaled)) as pool:
        days = {scaled.name: pool.submit(a_day, stage, scaled) for scaled in usual(stage)}
        days |= {name: pool.submit(is_abandoned, stage, one(stage, name)) for name in (SLOW, CRASHING)}
        days[BURST] = pool.submit(is_asked_by_many, stage, one(stage, BURST))
        yield days


def usual(stage: Stage) -> list[Scaled]:
    """List what has a day."""
    return [scaled for scaled in stage.scaled if scaled.release in RECIPES]


def one(stage: Stage, name: str) -> Scaled:
    return next(scaled for scaled in stage.scaled if scaled.name == name)


def those(stage: Stage, names: Collection[str]) -> list[Scaled]:
    return [scaled for scaled in stage.scaled if scaled.release in names]


def a_day(stage: Stage, scaled: Scaled) -> None:
    """Nothing, one request, many, few, one long one, nothing."""
    if scaled.zero:
        fall_asleep(stage, scaled)
        is_woken(stage, scaled)
    else:
        stage.wait(f"{scaled.name} is ready", lambda: stage.history.now(scaled.name).ready == 1, 60)
    follows_load(stage, scaled)


def fall_asleep(stage: Stage, *several: Scaled) -> None:
    limit = STARTUP_S + PACE["cooldownSeconds"] + SLACK_S + 10

    def asleep() -> bool:
        seen = [stage.history.now(scaled.name) for scaled in several]
        return all(state.wanted == 0 and state.ready == 0 for state in seen)

    stage.wait(f"{', '.join(scaled.name for scaled in several)} at zero", asleep, limit)
    # the interceptor, too, has to see that nothing is ready
    time.sleep(1)


def is_woken(stage: Stage, scaled: Scaled) -> None:
    """0 -> 1: the first request is held and answered."""
    traffic = stage.ask(scaled, [8])
    answer = traffic.wait()[0]
    assert not traffic.whole() and answer.cold and answer.tokens == 8
    wanted = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
    assert wanted is not None
    note(scaled, "0 -> 1: first request held; replicas wanted", wanted)
    note(scaled, "0 -> 1: its first byte", answer.first_s)


def follows_load(stage: Stage, scaled: Scaled) -> None:
    """1 -> N by load; N -> 1 as requests end, never below what is in flight; never zero during the last long one."""
    traffic = stage.ask(scaled, [tokens(SHORT_S)] * LOAD)
    stage.wait(f"{scaled.name} is at {MOST}", lambda: stage.history.now(scaled.name).wanted == MOST, 30)
    note(scaled, f"1 -> {MOST}: {LOAD} requests at once", time.monotonic() - traffic.begin)
    stage.wait(f"{scaled.name} has {MOST} ready", lambda: stage.history.now(scaled.name).ready == MOST, 30)
    later = stage.ask(scaled, [tokens(LONGER_S)] * MOST)
    stage.wait(f"{scaled.name} is at 1", lambda: stage.history.now(scaled.name).wanted == 1, SCALE_IN_S)
    came_whole(traffic, later)
    # not sooner: a simulator that drains refuses what comes over a connection that is kept
    stage.wait(f"{scaled.name} has one pod, and none that drains", lambda: stage.alone(scaled), 60, pause_s=0.5)
    last = stage.ask(scaled, [tokens(LONG_S)])
    came_whole(last)
    sent = (traffic, later, last)
    goes_down(stage, scaled, *sent)
    during = [seen.wanted for seen in stage.history.of(scaled.name, since=traffic.begin) if seen.at < last.end()]
    assert min(during) >= 1, during
    steps, count = " ".join(map(str, path(during))), sum(len(some.tokens) for some in sent)
    note(scaled, f"{count} streams whole, the last of {LONG_S} s; replicas {steps}", None)
    if scaled.zero:
        slept = stage.history.first(scaled.name, last.end(), lambda seen: seen.wanted == 0)
        assert slept is not None and slept > PACE["cooldownSeconds"] - PACE["pollingSeconds"] - 1
        note(scaled, f"1 -> 0: after the last byte, with a cooldown of {PACE['cooldownSeconds']} s", slept)


def came_whole(*sent: Traffic) -> None:
    for traffic in sent:
        traffic.wait()
        assert len(traffic.answers) == len(traffic.tokens) and not traffic.whole(), traffic.whole()


def goes_down(stage: Stage, scaled: Scaled, *sent: Traffic) -> None:
    last = 0 if scaled.zero else 1
    limit = PACE["cooldownSeconds"] + SCALE_IN_S + 10
    stage.wait(f"{scaled.name} is at {last}", lambda: stage.history.now(scaled.name).wanted == last, limit)
    assert too_few(stage.history.of(scaled.name, since=sent[0].begin), sent) == []


def is_abandoned(stage: Stage, scaled: Scaled) -> None:
    """A client gives up while its request is held for a pod that is never ready; one with patience is told so."""
    fall_asleep(stage, scaled)
    begin = time.monotonic()
    where = ("127.0.0.1", stage.run.forwards["interceptor"]), f"{scaled.release}.{NAMESPACE}", scaled.release, 8
    assert chat(*where, patience_s=3).status == 0
    stage.wait(f"{scaled.name} is woken", lambda: stage.history.now(scaled.name).wanted == 1, 10)
    patient = chat(*where)
    assert patient.status == 504 and abs(patient.last_s - HELD_S) < 3, patient
    limit = PACE["cooldownSeconds"] + SLACK_S
    stage.wait(f"{scaled.name} is at zero", lambda: stage.history.now(scaled.name).wanted == 0, limit)
    # no pod has run either; by day none was there that could, at shipped times one gets ready before it goes
    done = f'max_over_time(vllm:request_success_total{{job="{NAMESPACE}/{scaled.name}"}}[20m])'
    assert sum(stage.query(done)) == 0
    assert NIGHTLY or max(seen.ready for seen in stage.history.of(scaled.name, since=begin)) == 0
    note(scaled, f"never ready: 504 after readiness of {HELD_S} s", patient.last_s)
    note(scaled, "at zero again, one request given up, one refused", time.monotonic() - begin)


def is_asked_by_many(stage: Stage, scaled: Scaled) -> None:
    """Many requests are held together; more come when all are answered, and more while those are in flight."""
    fall_asleep(stage, scaled)
    held = stage.ask(scaled, [tokens(BURST_S)] * HELD)
    assert shares(stage, scaled, HELD) == [HELD, 0, 0]
    came_whole(held)
    assert all(answer.cold for answer in held.answers)
    again = stage.ask(scaled, [tokens(BURST_S)] * HELD)
    reused = shares(stage, scaled, HELD)
    more = stage.ask(scaled, [tokens(BURST_S)] * HELD)
    spread = shares(stage, scaled, 2 * HELD)
    # connections that are in use take no other request; a new one is led to any replica
    assert min(spread) > 0
    came_whole(again, more)
    first = max(answer.first_s for answer in held.answers)
    note(scaled, f"{HELD} held together, {TARGET} meant for a replica: all go to the first that is ready", first)
    told = f"{HELD} more over the same connections: {shown(reused)}; {HELD} more beside them: {shown(spread)}"
    note(scaled, told, None)


def shares(stage: Stage, scaled: Scaled, requests: int) -> list[int]:
    """Wait until every replica is scraped and all requests are counted; give how many each has."""

    def counted() -> bool:
        found = stage.shares(scaled)
        return len(found) == MOST and sum(found) == requests

    stage.wait(f"{requests} requests are counted on {MOST} replicas of {scaled.name}", counted, 40)
    return stage.shares(scaled)


def shown(numbers: list[int]) -> str:
    return " + ".join(map(str, numbers))


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


@pytest.mark.parametrize("name", [SLOW, CRASHING])
def test_an_abandoned_request_keeps_nothing_awake(played: dict[str, Future[None]], name: str) -> None:
    """A held POST whose client is gone is let go with the time of readiness; no pod runs it, none stays for it.

    Seen to fail without `timeouts.readiness`: both requests stay in the queue, and the pod runs them 87 s later. And
    for the engine that crashes, with a query that counts every replica instead of those that are ready: it exports
    nothing, which read as a load, so it was at 1 for ever.
    """
    played[name].result()


def test_a_burst_that_is_held_goes_to_one_replica(played: dict[str, Future[None]]) -> None:
    """The limit that `heldRequests` speaks of; what comes later finds its way to the others.

    Seen to fail when the requests come one second after each other, to a release that is up: they are spread.
    """
    played[BURST].result()


@pytest.fixture(scope="module")
def shipped(stage: Stage, played: dict[str, Future[None]]) -> tuple[Traffic, Answer]:
    """The first request to the release with shipped times, when nothing else goes on."""
    done(played)
    scaled = one(stage, AS_SHIPPED)
    assert stage.history.now(scaled.name).wanted == 0
    traffic = stage.ask(scaled, [8])
    return traffic, traffic.wait()[0]


@by_day
def test_a_wake_takes_little(stage: Stage, shipped: tuple[Traffic, Answer]) -> None:
    """Five wakes of every recipe that goes to zero, one at a time, nothing else going on.

    Polling is divided here, and plays no part: the interceptor pushes, as `test_at_shipped_times` shows. Seen to fail
    without the wake trigger: nobody wakes the release.
    """
    releases = those(stage, ASLEEP)
    wanted: dict[str, list[float]] = {scaled.name: [] for scaled in releases}
    first: dict[str, list[float]] = {scaled.name: [] for scaled in releases}
    for _ in range(5):
        fall_asleep(stage, *releases)
        for scaled in releases:
            traffic = stage.ask(scaled, [4])
            answer = traffic.wait()[0]
            assert answer.cold and not traffic.whole()
            seconds = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
            assert seconds is not None
            wanted[scaled.name].append(seconds)
            first[scaled.name].append(answer.first_s)
    for name, found in wanted.items():
        told = f"median of {len(found)}, {min(found):.2f} to {max(found):.2f}"
        proof.note(WAKE, name, f"request to replicas wanted, {told}", seconds=statistics.median(found))
        told = f"median of {len(found)}, {min(first[name]):.2f} to {max(first[name]):.2f}"
        proof.note(WAKE, name, f"request to first byte, {told}", seconds=statistics.median(first[name]))
    everything = [seconds for found in wanted.values() for seconds in found]
    assert statistics.median(everything) <= 0.6, everything


def done(played: dict[str, Future[None]]) -> None:
    for future in played.values():
        future.exception()


class Fault(NamedTuple):
    """What goes wrong until its iterator goes on, and whether a release can be woken meanwhile."""

    suffer: Callable[[Stage], Iterator[None]]
    wakes: bool


def away(stage: Stage, process: str) -> Iterator[None]:
    control.order(stage.run, f"stop {process}")
    yield
    control.order(stage.run, f"start {process}")


def gap(stage: Stage, mode: str) -> Iterator[None]:
    for scaled in stage.scaled:
        stage.engines(scaled.release, mode)
    yield
    for scaled in stage.scaled:
        stage.engines(scaled.release)


def hole(stage: Stage) -> Iterator[None]:
    """One pod of every Deployment is not scraped: as it is with a node that died, while its others go on."""
    pods: dict[str, dict[str, str]] = {}
    for index, scaled in enumerate(usual(stage)):
        gone = min(pod["metadata"]["name"] for pod in stage.pods(scaled))
        pods.setdefault(scaled.release, {})[gone] = ("silent", "broken")[index % 2]
    for release, modes in pods.items():
        stage.engines(release, pods=modes)
    yield
    for release in pods:
        stage.engines(release)


FAULTS = {
    "Prometheus is away": Fault(partial(away, process="prometheus"), wakes=True),
    "the series are missing": Fault(partial(gap, mode="silent"), wakes=True),
    "scrapes fail": Fault(partial(gap, mode="broken"), wakes=True),
    "one replica is not scraped": Fault(hole, wakes=True),
    "KEDA's operator is away": Fault(partial(away, process="keda-operator"), wakes=False),
    # the last one: KEDA calls it again after a time that doubles, and until then counts no look as activity
    "the external scaler is away": Fault(partial(away, process="http-scaler"), wakes=False),
}
# longer than it takes to scale in or to go to sleep
FAULT_S = DIVIDED["cooldownSeconds"] + 2 * DIVIDED["pollingSeconds"] + 2
BUSY, BUSY_REPLICAS = 8, 2


class Suffered(msgspec.Struct, frozen=True):
    """One fault: its begin and end, when all was as ever again, and what was asked for meanwhile."""

    begin: float
    end: float
    over: float
    asleep: dict[str, Traffic]
    rested: dict[str, Traffic]


class Faulted:
    """A load, and beside it releases without, while one fault follows the other."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.loads = {scaled: Load(stage, scaled, BUSY) for scaled in usual(stage)}
        for scaled in self.loads:
            stage.wait(f"{scaled.name} is at {BUSY_REPLICAS}", partial(self._busy, scaled), 60)
        self.faults = {name: self._suffer(fault) for name, fault in FAULTS.items()}
        for load in self.loads.values():
            load.end()
        self.sent = {scaled: load.wait() for scaled, load in self.loads.items()}

    def _busy(self, scaled: Scaled) -> bool:
        return self.stage.history.now(scaled.name).ready >= BUSY_REPLICAS

    def _suffer(self, fault: Fault) -> Suffered:
        stage = self.stage
        fall_asleep(stage, *those(stage, ASLEEP))
        # one idle replica each, at the begin of its cooldown: KEDA has seen the request at its look, or sooner
        seen_s = DIVIDED["pollingSeconds"] + 1
        for traffic in [stage.ask(scaled, [tokens(seen_s)]) for scaled in those(stage, RESTED)]:
            traffic.wait()
        begin = time.monotonic()
        running = fault.suffer(stage)
        next(running)
        rested = {scaled.name: stage.ask(scaled, [tokens(FAULT_S + 3)]) for scaled in those(stage, RESTED)}
        time.sleep(FAULT_S / 2)
        asleep = {scaled.name: stage.ask(scaled, [4]) for scaled in those(stage, ASLEEP)}
        time.sleep(max(begin + FAULT_S - time.monotonic(), 0))
        end = time.monotonic()
        next(running, None)
        for traffic in (*rested.values(), *asleep.values()):
            traffic.wait()
        time.sleep(2 * DIVIDED["pollingSeconds"])
        return Suffered(begin, end, time.monotonic(), asleep, rested)


@pytest.fixture(scope="module")
def faulted(stage: Stage, shipped: tuple[Traffic, Answer]) -> Faulted:
    return Faulted(stage)


each_fault = pytest.mark.parametrize("fault", FAULTS)


@by_day
@each_fault
def test_a_fault_takes_no_replica_away(stage: Stage, faulted: Faulted, fault: str) -> None:
    """Eight requests in flight ask for two replicas, before, during and after.

    Seen to fail for `queue` and missing series with `ignoreNullValues: "true"` and a query without the replicas that
    there are: 2, 1, 1. `zero` holds even so, because the interceptor counts requests too. And for one replica that is
    not scraped, with a query that takes the sum over the others for the load: 2, 1.
    """
    suffered = faulted.faults[fault]
    for scaled in faulted.sent:
        held = [seen.wanted for seen in stage.history.of(scaled.name, since=suffered.begin) if seen.at < suffered.over]
        assert min(held) >= BUSY_REPLICAS == enough(BUSY), (scaled.name, held)
    proof.note(FAULT, "all releases", f"{fault} for {FAULT_S} s under load: no replica went")


@by_day
@each_fault
def test_a_fault_wakes_nothing(stage: Stage, faulted: Faulted, fault: str) -> None:
    """Who is not asked stays at zero.

    Seen to fail while Prometheus is away with `fallback: {failureThreshold: 3, replicas: 1}`.
    """
    suffered = faulted.faults[fault]
    until = {name: traffic.begin for name, traffic in suffered.asleep.items()}
    until |= dict.fromkeys((SLOW, CRASHING, BURST), suffered.over)
    for name, end in until.items():
        assert {seen.wanted for seen in stage.history.of(name, since=suffered.begin) if seen.at < end} == {0}, name
    proof.note(FAULT, "releases at zero", f"{fault}: they stay there")


@by_day
@each_fault
def test_a_request_during_a_fault_is_answered(stage: Stage, faulted: Faulted, fault: str) -> None:
    """It wakes its release, or is held until the fault is over.

    Seen to fail without the wake trigger: it is held until the time of readiness is over.
    """
    suffered = faulted.faults[fault]
    for name, traffic in suffered.asleep.items():
        assert not traffic.whole() and traffic.answers[0].cold, traffic.answers
        wanted = stage.history.first(name, traffic.begin, lambda seen: seen.wanted == 1)
        assert wanted is not None
        if FAULTS[fault].wakes:
            assert traffic.end() < suffered.end
            proof.note(FAULT, name, f"{fault}: a request wakes it; replicas wanted", seconds=wanted)
        else:
            after = traffic.begin + wanted - suffered.end
            assert after > 0
            proof.note(FAULT, name, f"{fault}: a request is held; replicas wanted, after the end", seconds=after)


@by_day
@each_fault
def test_a_fault_lets_nobody_sleep_who_is_asked(stage: Stage, faulted: Faulted, fault: str) -> None:
    """A release with one idle replica, within its cooldown, gets a request that takes longer than that.

    Seen to fail with neither of the two that guard it: no wake trigger, and missing series that read as none.
    """
    suffered = faulted.faults[fault]
    for name, traffic in suffered.rested.items():
        during = [seen for seen in stage.history.of(name, since=suffered.begin) if seen.at < traffic.end()]
        assert not traffic.whole() and not traffic.answers[0].cold, (name, traffic.answers, during, suffered)
        assert min(seen.wanted for seen in during) >= 1, (name, during)
    proof.note(FAULT, "releases that rest", f"{fault}: nobody sleeps during a stream of {FAULT_S + 3} s")


@by_day
def test_no_stream_was_cut_by_a_fault(stage: Stage, faulted: Faulted) -> None:
    """All streams of the time of the faults came whole, and afterwards everything goes down as ever.

    The same look at streams as in `test_replicas_follow_requests`, which sees a grace of 0 s.
    """
    for sent in faulted.sent.values():
        came_whole(*sent)
    for scaled, sent in faulted.sent.items():
        goes_down(stage, scaled, *sent)


@by_day
def test_at_shipped_times(stage: Stage, shipped: tuple[Traffic, Answer], faulted: Faulted) -> None:
    """A release with all times as they are shipped is woken as quickly, and stays for the time of its cooldown.

    Only its first cooldown is left out: ten minutes of waiting before the test could begin. No fault lets it go sooner.
    Seen to fail with a trigger of type `external`, which is polled: 7.9 s.
    """
    scaled = one(stage, AS_SHIPPED)
    traffic, answer = shipped
    assert not traffic.whole() and answer.cold
    wanted = stage.history.first(scaled.name, traffic.begin, lambda seen: seen.wanted == 1)
    assert wanted is not None and wanted < 2
    note(scaled, "0 -> 1 at shipped times: replicas wanted", wanted)
    note(scaled, "0 -> 1 at shipped times: first byte", answer.first_s)
    end = traffic.begin + answer.last_s
    assert time.monotonic() - end > 2 * SHIPPED["pollingSeconds"]
    kept = [seen for seen in stage.history.of(scaled.name, since=end) if seen.at < end + SHIPPED["cooldownSeconds"]]
    assert {seen.wanted for seen in kept} == {1}
