"""The engine versions of a stack's release, as its publisher states them: flags are checked against that very version.

A version that stands wrong in the catalog makes every check of flags, metrics and parsers judge by another program
than the one that runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.errors import Problem, Severity, dotted
from generator.facts.carried import carrier
from generator.sources.catalog import StackFile
from generator.sources.load import Sourced, Sources
from generator.validate.pods import Path

CHECK = "carried"


def check(sources: Sources) -> Iterator[Problem]:
    """Find releases of stacks that are said to carry another engine version than they do."""
    for source in sources.stacks.values():
        for index, release in enumerate(source.value.releases):
            for engine, version in release.engines.items():
                yield from _pair(source, index, engine, version)


def _pair(source: Sourced[StackFile], index: int, engine: str, version: str) -> Iterator[Problem]:
    stack, release = source.value.name.value, source.value.releases[index].version
    path: Path = ("releases", index, "engines", engine)
    known = carrier(stack, release)
    if known is None:
        message = (
            f"which {engine} {stack} {release} carries was not read: {version} may be another than the one that runs"
        )
        hint = "read it in the release's own metadata and add the pair to generator/facts/carried.py"
        yield _problem(source, path, message, hint, Severity.WARNING)
    elif engine not in known.engines:
        message = f"{stack} {release} carries no {engine}"
        yield _problem(source, path, message, f"it carries {_list(known.engines)} ({known.source})")
    elif known.engines[engine] != version:
        message = f"{stack} {release} carries {engine} {known.engines[engine]}, not {version}"
        yield _problem(source, path, message, f"write {known.engines[engine]} ({known.source})")


def _list(engines: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in engines.items())


def _problem(
    source: Sourced[StackFile], path: Path, message: str, hint: str, severity: Severity = Severity.ERROR
) -> Problem:
    return Problem(source.document.locate(path), dotted(path), message, hint, CHECK, severity)
