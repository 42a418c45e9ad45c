"""Facts of programs that no package registry carries: transcribed from their sources, one table a release.

What was left out says the method: a list that may be incomplete would refuse what is right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from generator.errors import Location, Problem, ProblemsFound
from generator.facts.extract.tables import FOLDER
from generator.facts.model import Facts, Field, Flag, Metric, Positional, Provenance, Source, Syntax


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was read of one release; `methods` says by section what was compared and what was not."""

    sources: tuple[Source, ...]
    methods: dict[str, str]
    syntax: Syntax
    flags: tuple[Flag, ...]
    metrics: tuple[Metric, ...]
    positionals: tuple[Positional, ...]
    config: tuple[Field, ...] = ()
    registries: dict[str, tuple[str, ...]] = {}
    incomplete: tuple[str, ...] = ()


def of(engine: str) -> Callable[[str, Path], Facts]:
    """Make the extractor of an engine: it reads a table instead of a package."""

    def extract(version: str, work: Path) -> Facts:
        table = _table(engine, version)
        return Facts(
            engine=engine,
            version=version,
            provenance=Provenance(table.sources, table.methods),
            syntax=table.syntax,
            positionals=table.positionals,
            flags=table.flags,
            metrics=table.metrics,
            config=table.config,
            registries=table.registries,
            incomplete=table.incomplete,
        )

    return extract


def _table(engine: str, version: str) -> Table:
    file = FOLDER / f"{engine}-{version}.json"
    if not file.is_file():
        have = sorted(path.stem.removeprefix(f"{engine}-") for path in FOLDER.glob(f"{engine}-[0-9]*.json"))
        message = f"no package carries {engine} {version}, and its sources were not transcribed"
        raise ProblemsFound((Problem(Location(f"{FOLDER.name}/{file.name}"), "", message, _hint(have), "facts"),))
    return msgspec.json.decode(file.read_bytes(), type=Table)


def _hint(have: list[str]) -> str:
    return f"transcribe them into a table of that name; there are tables of {', '.join(have) or 'no release'}"
