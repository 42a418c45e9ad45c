"""Makes everything and writes it, or says why not."""

from __future__ import annotations

import time

from generator import pipeline, report, write
from generator.commands.progress import Progress
from generator.errors import Exit, Problem, ProblemsFound


def run(options: pipeline.Options, *, form: str) -> int:
    """Write charts, values, manifests and Applications; nothing at all if anything is wrong."""
    start = time.perf_counter()
    progress = Progress()
    try:
        outcome = pipeline.run(options, progress.step)
    except ProblemsFound as found:
        progress.done()
        return refuse(found.problems, form)
    progress.done()
    if outcome.failed:
        return refuse(outcome.problems, form)
    write.apply(options.root, outcome.tree, outcome.changes)
    show(outcome.problems, form)
    if form == "text":
        print(summary(outcome.figures, outcome.changes, time.perf_counter() - start, done=True))
    return Exit.CLEAN


def refuse(problems: tuple[Problem, ...], form: str) -> int:
    """Print problems, and that nothing was written."""
    show(problems, form)
    if form == "text":
        count = len([p for p in problems if p.severity.value == "error"])
        print(f"{count} problem{'' if count == 1 else 's'}; nothing was written")
    return Exit.PROBLEMS


def show(problems: tuple[Problem, ...], form: str) -> None:
    """Print problems in the wanted form; JSON and SARIF also when there are none."""
    if problems or form in ("json", "sarif"):
        print(report.FORMATS[form](problems), end="")


def releases_of(files: tuple[str, ...]) -> int:
    """Count the releases whose manifests or values some files are."""
    found = set()
    for file in files:
        parts = file.split("/")
        if len(parts) > 3 and parts[0] == "environments" and parts[2] in ("rendered", "values"):
            found.add((parts[1], parts[3].removesuffix(".yaml")))
    return len({item for item in found if item[1] != "_base"})


def summary(figures: dict[str, int], changes: write.Changes, seconds: float, *, done: bool) -> str:
    """Say in two lines what there is and what was done."""
    counts = ", ".join(f"{count} {name}" for name, count in figures.items())
    written = (*changes.new, *changes.changed)
    verb, gone = ("wrote", "deleted") if done else ("would write", "would delete")
    moved = f"{verb} {_files(written)}, {gone} {_files(changes.stale)}"
    action = moved if changes.any else "nothing changed"
    return f"{counts}: clean\n{action} in {seconds:.1f} s"


def _files(files: tuple[str, ...]) -> str:
    releases = releases_of(files)
    word = "file" if len(files) == 1 else "files"
    of = f" of {releases} release{'' if releases == 1 else 's'}" if releases else ""
    return f"{len(files)} {word}{of}"
