"""Has the real scheduler place everything that an environment runs, on nodes that are only played."""

from __future__ import annotations

import time
from pathlib import Path

from generator import pipeline, report
from generator.cluster import control, placement, setup
from generator.cluster.placement import Placement
from generator.commands.cluster import environment_of
from generator.errors import Exit, ProblemsFound, Severity
from generator.pipeline import Options
from generator.validate.scope import ReleaseScope


def run(root: Path, name: str, *, form: str = "text") -> int:
    """Bring the cluster up, place everything, say what found no node, and end the cluster."""
    begin = time.monotonic()
    placed = simulate(root, name)
    if placed.problems or form != "text":
        print(report.FORMATS[form](placed.problems), end="")
    if form == "text":
        print(summary(name, placed, time.monotonic() - begin))
    failed = any(problem.severity is Severity.ERROR for problem in placed.problems)
    return Exit.PROBLEMS if failed else Exit.CLEAN


def simulate(root: Path, name: str) -> Placement:
    """Place everything that an environment runs.

    Raises: ProblemsFound when it cannot be built, or its cluster does not come up.
    """
    environment = environment_of(root, name)
    base, scopes = rendered(root, name)
    parts = tuple(part for part in setup.parts_of(environment) if part == setup.LWS)
    run = control.up(root, environment, parts=parts)
    try:
        with control.api(run) as api:
            return placement.place(api, base, scopes, lambda line: print(f"{name}: {line}"))
    finally:
        control.down(root, name)


def rendered(root: Path, name: str) -> tuple[list[dict[str, object]], list[ReleaseScope]]:
    """Render an environment as `build` does.

    Raises: ProblemsFound when it has problems.
    """
    options = Options(root=root, environments=frozenset((name,)))
    sources, problems = pipeline.load_step(options)
    if problems:
        raise ProblemsFound(tuple(problems))
    charts = pipeline.charts_step(options, sources)
    resolved, problems = pipeline.resolve_step(options, charts, sources)
    made, bases, found = pipeline.render_step(charts, resolved, sources, [name])
    if problems or found:
        raise ProblemsFound((*problems, *found))
    return bases.get(name, []), list(pipeline.scopes_of(charts, made).values())


def summary(name: str, placed: Placement, seconds: float) -> str:
    """Say in a few lines what the scheduler did."""
    lines = []
    for phase in placed.phases:
        gpus = ", ".join(f"{pool} {count}" for pool, count in phase.gpus.items())
        lines.append(
            f"{name} {phase.name}: {phase.placed} pods on nodes, {phase.pending} without; GPUs: {gpus or 'none'}"
        )
    return "\n".join([*lines, f"{name}: simulated in {seconds:.1f} s"])
