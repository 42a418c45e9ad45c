"""First token without a GPU: what `make demo` plays, held to account."""

from __future__ import annotations

import time

from generator.cluster import demo, setup, state
from generator.commands.cluster import STAGES, environment_of
from generator.commands.demo import ENVIRONMENT, RELEASE
from tests.cluster import proof
from tests.cluster.conftest import ROOT

SECTION = "First token without a GPU"
MARKS = (proof.SIMULATED,)


def test_a_request_wakes_a_release_and_it_goes_to_sleep_again() -> None:
    """Synced by Argo CD, held by the interceptor, woken by KEDA, answered by the real simulator.

    Seen to fail without the marks of the node agent: kwok then calls a pod ready that runs nothing and exports nothing,
    and what is missing is no sign of an idle release: it never goes to zero.
    """
    said: list[str] = []
    heard: list[str] = []
    begin = time.monotonic()
    release = demo.release_of(ROOT, ENVIRONMENT, RELEASE)
    told = demo.play(
        ROOT, environment_of(ROOT, ENVIRONMENT), release, ROOT / STAGES, say=said.append, hear=heard.append
    )
    seconds = time.monotonic() - begin
    answer = told.answer
    assert (answer.status, answer.problem, answer.complete, answer.cold) == (200, "", True, True)
    assert answer.tokens == demo.TOKENS == len(heard) - 1
    order = [moment.what for moment in told.moments]
    expected = [
        "request sent",
        "KEDA wants 1 replica",
        "pod ready",
        "first byte",
        "last byte",
        "KEDA wants 0",
        "pod gone",
    ]
    places = [next(index for index, what in enumerate(order) if what.startswith(word)) for word in expected]
    assert places == sorted(places), order
    assert seconds < 300
    owner = state.read_owner(setup.folder_of(ROOT, ENVIRONMENT))
    assert owner is None or not owner.alive()
    proof.note(SECTION, ENVIRONMENT, said[1], marks=MARKS)
    for moment in told.moments:
        proof.note(SECTION, f"{ENVIRONMENT}/{RELEASE}", moment.what, seconds=moment.seconds)
    what = f"all of it, up and down included; cooldown divided by {demo.DIVISOR}"
    proof.note(SECTION, ENVIRONMENT, what, seconds=seconds, marks=MARKS)
