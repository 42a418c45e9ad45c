"""The life of a cluster: two side by side, shut off from everything else, ended by one process id, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.cluster import components, control, setup, state
from generator.cluster.setup import Setup
from generator.commands.cluster import environment_of
from generator.errors import ProblemsFound
from tests.cluster import proof
from tests.cluster.conftest import ROOT

SECTION = "Control plane"
ONE, OTHER = "dev", "staging"
# what a public address is to a machine without a way out
_CONNECT = "import socket; socket.create_connection(('192.0.2.1', 443), 3)"
_RESOLVE = "import socket, sys; print(*[socket.gethostbyname(name) for name in sys.argv[1:]])"


def bring_up(name: str) -> Setup:
    return control.up(ROOT, environment_of(ROOT, name), parts=(), say=lambda _: None)


@pytest.fixture(scope="module")
def both() -> Iterator[dict[str, Setup]]:
    """Two environments at once, with nothing but the control plane."""
    try:
        yield {name: bring_up(name) for name in (ONE, OTHER)}
    finally:
        for name in (ONE, OTHER):
            control.down(ROOT, name)


def owner(run: Setup) -> state.Owner:
    found = state.read_owner(run.folder)
    assert found is not None
    return found


def nodes(run: Setup) -> int:
    api = control.api(run)
    try:
        return len(api.list("v1", "Node"))
    finally:
        api.close()


def wanted(name: str) -> int:
    return sum(pool.nodes for pool in environment_of(ROOT, name).pools.values())


def inside(run: Setup, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = control.enter(run, [sys.executable, "-c", code, *arguments])
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_environments_stand_side_by_side(both: dict[str, Setup]) -> None:
    """Each has the nodes of its own pools, and no other; neither takes a port from the other."""
    for name, run in both.items():
        assert nodes(run) == wanted(name) > 0
    proof.note(SECTION, f"{ONE}, {OTHER}", "side by side, each with its own nodes")


def test_a_second_one_of_the_same_name_is_refused(both: dict[str, Setup]) -> None:
    with pytest.raises(ProblemsFound) as found:
        bring_up(ONE)
    assert [problem.message for problem in found.value.problems] == ["its cluster is up already"]
    assert owner(both[ONE]).alive()


def test_nothing_leaves_the_machine(both: dict[str, Setup]) -> None:
    """There is no way out of the namespace, and the API server inside is reached: the look itself works."""
    away = inside(both[ONE], _CONNECT)
    assert away.returncode != 0 and "Network is unreachable" in away.stderr
    here = _CONNECT.replace("192.0.2.1", "127.0.0.1").replace("443", str(both[ONE].ports["api"]))
    assert inside(both[ONE], here).returncode == 0
    proof.note(SECTION, ONE, "no way out: an address outside is unreachable")


def test_the_names_of_the_environment_lead_to_its_own_servers(both: dict[str, Setup]) -> None:
    """Git's host and the API server's resolve inside the namespace, and nowhere else on this machine."""
    host = components.git_host(environment_of(ROOT, ONE))
    assert host
    assert inside(both[ONE], _RESOLVE, host).stdout.split() == ["127.0.0.1"]
    assert host not in Path("/etc/hosts").read_text()
    proof.note(SECTION, ONE, f"{host} resolves inside, to the cluster's own server")


def test_one_ends_and_the_other_goes_on(both: dict[str, Setup]) -> None:
    """The end of the owner, here by a crash, is the end of all of its processes, and of them alone."""
    everything = state.family(owner(both[OTHER]).pid)
    assert len(everything) > 5
    begin = time.monotonic()
    os.kill(everything[0], signal.SIGKILL)
    while any(state.exists(pid) for pid in everything[1:]):
        assert time.monotonic() - begin < 3, "processes outlive their owner"
        time.sleep(0.02)
    seconds = time.monotonic() - begin
    assert nodes(both[ONE])
    with pytest.raises(ProblemsFound):
        control.running(ROOT, OTHER)
    proof.note(SECTION, OTHER, f"its owner killed: all {len(everything)} processes ended", seconds=seconds)


def test_down_leaves_nothing(both: dict[str, Setup]) -> None:
    everything = state.family(owner(both[ONE]).pid)
    begin = time.monotonic()
    assert control.down(ROOT, ONE)
    seconds = time.monotonic() - begin
    assert seconds < 3
    assert not any(state.exists(pid) for pid in everything)
    assert not both[ONE].folder.exists()
    assert not control.down(ROOT, ONE)
    proof.note(SECTION, ONE, f"down: {len(everything)} processes and the folder gone", seconds=seconds)


def test_it_runs_without_namespaces(monkeypatch: pytest.MonkeyPatch, both: dict[str, Setup]) -> None:
    """Where namespaces are not allowed, every process gets a free port of this machine's loopback instead."""
    assert not setup.folder_of(ROOT, ONE).exists(), "the one with namespaces has ended"
    monkeypatch.setattr(control, "namespace_command", lambda: ())
    begin = time.monotonic()
    run = bring_up(ONE)
    seconds = time.monotonic() - begin
    try:
        assert not run.isolated
        assert set(run.ports.values()).isdisjoint(setup.FIXED.values())
        assert nodes(run) == wanted(ONE)
        everything = state.family(owner(run).pid)
    finally:
        control.down(ROOT, ONE)
    assert not any(state.exists(pid) for pid in everything)
    proof.note(SECTION, ONE, "ready without namespaces, on free ports; nothing left", seconds=seconds)
