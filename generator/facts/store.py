"""The facts files: which versions there are, and one version with what it includes."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import msgspec

from generator.errors import Location, Problem, ProblemsFound, nearest
from generator.facts.canonical import decode
from generator.facts.model import Facts

FOLDER = Path(__file__).parent


@functools.cache
def known(engine: str) -> tuple[str, ...]:
    """List the versions of an engine that have facts, oldest first."""
    folder = FOLDER / engine
    names = [file.stem for file in folder.glob("*.json")] if folder.is_dir() else []
    return tuple(sorted(names, key=release_order))


def engines() -> list[str]:
    """List the programs that have facts."""
    return sorted(folder.name for folder in FOLDER.iterdir() if any(folder.glob("*.json")))


def release_order(version: str) -> tuple[tuple[int, str], ...]:
    """Give a key that sorts versions by number: 0.9.1 before 0.10.0, 1.0rc1 before 1.0."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    key = [(int(part), "") if part.isdigit() else (_WORD.get(part, -1), part) for part in parts]
    return (*key, (-1, "~"))  # the end of a release sorts after `rc`, before `post` and a further number


_WORD = {"dev": -4, "a": -3, "b": -3, "rc": -2, "post": 0}


@functools.cache
def load(engine: str, version: str) -> Facts:
    """Load the facts of one version, with those of the programs it passes flags on to.

    Raises: ProblemsFound if there are none: no facts are a problem, never a pass.
    """
    if version not in known(engine):
        raise ProblemsFound((_no_facts(engine, version),))
    facts = decode((FOLDER / engine / f"{version}.json").read_bytes())
    for include in facts.includes:
        facts = _joined(facts, load(include.engine, include.version))
    return facts


def forget() -> None:
    """Read the files again: one was written."""
    known.cache_clear()
    load.cache_clear()


def _joined(facts: Facts, inner: Facts) -> Facts:
    """Add what the inner program brings; a name that both have belongs to the outer one."""
    taken = {spelling for flag in facts.flags for spelling in flag.spellings}
    flags = [flag for flag in inner.flags if not flag.server_only and flag.name not in taken]
    series = {metric.name for metric in facts.metrics}
    variables = {variable.name for variable in facts.environment}
    return msgspec.structs.replace(
        facts,
        flags=(*facts.flags, *flags),
        environment=(*facts.environment, *(v for v in inner.environment if v.name not in variables)),
        environment_prefixes=(*facts.environment_prefixes, *inner.environment_prefixes),
        open_prefixes=(*facts.open_prefixes, *inner.open_prefixes),
        metrics=(*facts.metrics, *(m for m in inner.metrics if m.name not in series)),
        registries={**inner.registries, **facts.registries},
    )


def _no_facts(engine: str, version: str) -> Problem:
    versions = known(engine)
    make = f"run `modelyard facts extract {engine} {version}`"
    if versions:
        hint = f"facts exist for {', '.join(versions)}; {make}, or use one of these"
    else:
        meant = nearest(engine, engines())
        hint = f"did you mean {meant}? facts exist for {', '.join(engines())}" if meant else make
    return Problem(
        location=Location(f"generator/facts/{engine}/{version}.json"),
        path="",
        message=f"no facts of {engine} {version}: its flags cannot be checked",
        hint=hint,
        check="facts",
    )
