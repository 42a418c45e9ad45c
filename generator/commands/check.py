"""The same as build without writing: drift and every check."""

from __future__ import annotations

import time

from generator import pipeline, write
from generator.commands.build import show, summary
from generator.commands.progress import Progress
from generator.errors import Exit, Location, Problem, ProblemsFound

LISTED = 20


def run(options: pipeline.Options, *, form: str) -> int:
    """Say what is wrong and what `build` would change; write nothing."""
    start = time.perf_counter()
    progress = Progress()
    try:
        outcome = pipeline.run(options, progress.step)
    except ProblemsFound as found:
        progress.done()
        show(found.problems, form)
        return Exit.PROBLEMS
    progress.done()
    if outcome.failed:
        # what could not be made is missing here, not on the disk
        show(outcome.problems, form)
        if form == "text":
            print("what `build` would change is said once the errors above are mended")
        return Exit.PROBLEMS
    show((*outcome.problems, *drift(outcome.changes)), form)
    if form == "text":
        print(summary(outcome.figures, outcome.changes, time.perf_counter() - start, done=False))
    return Exit.PROBLEMS if outcome.changes.any else Exit.CLEAN


def drift(changes: write.Changes) -> tuple[Problem, ...]:
    """Turn differences from the disk into problems; of many, the first few and their number."""
    rows = [
        *((file, "is missing") for file in changes.new),
        *((file, "differs from what would be made now") for file in changes.changed),
        *((file, "is no longer made") for file in changes.stale),
    ]
    found = [
        Problem(Location(file), "", message, "run `make build` and commit the result", "drift")
        for file, message in rows[:LISTED]
    ]
    if len(rows) > LISTED:
        message = f"{len(rows) - LISTED} more files differ"
        found.append(Problem(Location("."), "", message, "run `make build` and commit the result", "drift"))
    return tuple(found)
