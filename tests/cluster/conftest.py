"""Clusters for the tests of this folder, and the page that a run writes: `make test-cluster`.

`make test` does not read this folder: its tools are many and its processes need Linux.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator.cluster import control
from generator.cluster.client import Api, Manifest
from generator.cluster.setup import Setup
from generator.commands.cluster import environment_of
from generator.sources.environment import Environment
from tests.cluster import proof
from tests.cluster.rendered import Rendered

ROOT = Path(__file__).resolve().parents[2]
STAGES = Path(__file__).parent / "stages"
ENVIRONMENTS = tuple(sorted(file.parent.name for file in (ROOT / "environments").glob("*/environment.yaml")))


class Cluster:
    """A running cluster of an environment, and what is rendered for it."""

    def __init__(self, run: Setup, environment: Environment, seconds: float, rendered: Rendered) -> None:
        self.run = run
        self.environment = environment
        self.name = environment.name
        self.seconds = seconds
        self.api: Api = control.api(run)
        self.rendered = rendered

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = 60, *, pause_s: float = 0.05) -> float:
        """Wait until something holds; give the seconds that it took, and fail when it takes too long."""
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > seconds:
                pytest.fail(f"not after {seconds:.0f} s: {what}")
            time.sleep(pause_s)
        return time.monotonic() - begin

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest:
        """Read an object that must be there."""
        found = self.api.get(api_version, kind, namespace, name)
        assert found is not None, f"{kind} {namespace}/{name} is gone"
        return found


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave this folder out where nobody asked for it."""
    return None if os.environ.get("MODELYARD_CLUSTER") else True


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def cluster(
    request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]
) -> Iterator[Cluster]:
    """Every environment in turn, without the controllers that would change what tests look at."""
    environment = environment_of(ROOT, request.param)
    begin = time.monotonic()
    run = control.up(ROOT, environment, parts=(), stages=STAGES, say=lambda _: None)
    seconds = time.monotonic() - begin
    nodes = sum(pool.nodes for pool in environment.pools.values())
    proof.note("Control plane", environment.name, f"{nodes} nodes, ready", seconds=seconds)
    found = Cluster(run, environment, seconds, Rendered(ROOT, request.param))
    try:
        yield found
    finally:
        found.api.close()
        begin = time.monotonic()
        control.down(ROOT, environment.name)
        proof.note("Control plane", environment.name, "ended, nothing left", seconds=time.monotonic() - begin)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page, if every file of this folder was run and everything held; by night what was run."""
    here = Path(__file__).parent
    left = set(here.glob("test_*.py")) - {item.path for item in session.items}
    option = session.config.option
    if exitstatus or option.keyword or option.collectonly or not os.environ.get("MODELYARD_CLUSTER"):
        return
    if os.environ.get("MODELYARD_NIGHTLY"):
        proof.write(ROOT / ".cache" / "proof-shipped-times.md", "make test-nightly")
    elif not left:
        proof.write(ROOT / proof.PAGE, "make test-cluster")
