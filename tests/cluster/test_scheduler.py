"""Scheduling truth: the real scheduler finds a node for every pod, and the arithmetic of `build` agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.cluster import graphs
from generator.commands import simulate
from generator.errors import Severity
from generator.pipeline import Options
from generator.pipeline import run as build
from tests.cluster import proof
from tests.cluster.conftest import ENVIRONMENTS, ROOT

SECTION = "The scheduler places every pod"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_pod_finds_a_node(name: str) -> None:
    """Smallest sizes, a rollout of everything at once, then the largest sizes.

    Seen to fail with a pool that lost its nodes, as in the test below.
    """
    placed = simulate.simulate(ROOT, name)
    assert [problem.text() for problem in placed.problems if problem.severity is Severity.ERROR] == []
    marks = (proof.MODELLED,) if _has_graph(name) else ()
    for phase in placed.phases:
        gpus = ", ".join(f"{pool} {count}" for pool, count in phase.gpus.items()) or "none"
        what = f"{phase.name}: {phase.placed} pods placed, {phase.pending} pending; GPUs: {gpus}"
        proof.note(SECTION, name, what, seconds=phase.seconds, marks=marks)


def _has_graph(name: str) -> bool:
    return any(graphs.KIND in file.read_text() for file in (ROOT / "environments" / name / "rendered").rglob("*.yaml"))


def test_a_pool_that_is_too_small_is_seen_by_the_scheduler_and_by_build(
    repository: Callable[..., Path],
) -> None:
    """With one node of H200, `build` refuses the environment, and the scheduler leaves pods without a node."""
    small = repository("small")
    file = small / "environments" / "prod" / "environment.yaml"
    text = file.read_text()
    begin = text.index("  h200:")
    file.write_text(text[:begin] + text[begin:].replace("nodes: 16", "nodes: 1", 1))
    (small / ".tools").symlink_to(ROOT / ".tools")
    placed = simulate.simulate(small, "prod")
    by_scheduler = [problem for problem in placed.problems if problem.severity is Severity.ERROR]
    assert by_scheduler
    assert all("find no node at the smallest" in p.message or "during a rollout" in p.message for p in by_scheduler)
    assert any("Insufficient nvidia.com/gpu" in problem.message for problem in by_scheduler)
    assert all(problem.location.line for problem in by_scheduler)
    by_build = [
        problem for problem in build(Options(root=small), lambda _: None).problems if problem.check == "capacity"
    ]
    assert [problem.location.file for problem in by_build] == ["environments/prod/environment.yaml"]
    proof.note(SECTION, "prod", "one H200 node left: `build` and the scheduler refuse alike", marks=(proof.MODELLED,))
