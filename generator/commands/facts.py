"""`modelyard facts`: read what a released engine knows into a facts file; say what an upgrade changes and touches."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from generator import pipeline
from generator.commands import touched
from generator.commands.releases import engine_file, with_release
from generator.errors import Exit, ProblemsFound, Severity, ordered
from generator.facts import Facts
from generator.facts import store as facts_store
from generator.facts.canonical import encode
from generator.facts.compare import Change, compare
from generator.facts.extract import extract as extract_facts
from generator.sources.load import Sources

WIDTH = 100
_SIGNS = {"added": "+", "removed": "-", "renamed": ">", "changed": "~"}


def extract(engine: str, version: str) -> int:
    """Download one release of an engine and write its facts file."""
    facts = extract_facts(engine, version)
    file = facts_store.FOLDER / engine / f"{version}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(encode(facts))
    facts_store.forget()
    print(
        f"{file.relative_to(facts_store.FOLDER.parent.parent)}: {len(facts.flags)} flags, "
        f"{len(facts.environment)} environment variables, {len(facts.metrics)} metrics"
    )
    return Exit.CLEAN


def diff(root: Path, engine: str, old: str, new: str) -> int:
    """Print what an upgrade adds, removes, renames and changes, and who is touched by it."""
    for line in _report(root, facts_store.load(engine, old), facts_store.load(engine, new)):
        print(line)
    return Exit.CLEAN


def bump(root: Path, engine: str, version: str) -> int:
    """Make an engine's new release the default: its facts, its entry in the catalog, and what that changes."""
    # whatever can be refused is refused before minutes are spent and files written
    file = engine_file(root, engine)
    text, old = with_release(root, file, version)
    _sources(pipeline.Options(root=root))
    if version not in facts_store.known(engine):
        extract(engine, version)
    (root / file).write_text(text, encoding="utf-8")
    print(f"{file}: {version} is the default, in place of {old}")
    print()
    for line in _report(root, facts_store.load(engine, old), facts_store.load(engine, version)):
        print(line)
    print()
    print("next:")
    for number, step in enumerate(_steps(file, engine, version), start=1):
        print(textwrap.fill(step, WIDTH, initial_indent=f"  {number}. ", subsequent_indent="     "))
    return Exit.CLEAN


def _steps(file: str, engine: str, version: str) -> Iterator[str]:
    yield f"In {file} resolve the digest of each image, and read again what was taken over: CUDA, architectures."
    yield "Change what is named above with -, where something uses it."
    yield "`modelyard build`, then `modelyard check`: each flag that the new release refuses is named with its line."
    yield f"Commit as one change: generator/facts/{engine}/{version}.json, {file}, charts/, environments/."


def _report(root: Path, old: Facts, new: Facts) -> Iterator[str]:
    changes = compare(old, new)
    users = _users(root, old, new)
    section = ""
    for change in changes:
        if change.section != section:
            section = change.section
            yield section.replace("_", " ")
        yield from _lines(change)
        concerns = change.breaking or change.kind == "renamed"
        found = sorted(users.get((change.section, change.name), ())) if concerns else []
        yield from _wrapped(", ".join(map(str, found)), "      used by ", "        ")
    yield ""
    yield from _summary(changes, users)


def _lines(change: Change) -> Iterator[str]:
    """Write a change on one line; a new name and why it is one are never cut, and may take more."""
    text = f"  {_SIGNS[change.kind]} {change.name}" + (f" -> {change.to}" if change.to else "")
    text += f": {change.what}" if change.what else ""
    if change.to:
        yield from _wrapped(text.strip(), "  ", "      ")
    else:
        yield text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def _summary(changes: tuple[Change, ...], users: touched.Users) -> Iterator[str]:
    counts = Counter(change.kind for change in changes)
    breaking = sum(change.breaking for change in changes)
    yield ", ".join(f"{counts[kind]} {kind}" for kind in _SIGNS) + f"; {breaking} may break what uses them"
    reached = sorted(
        {user for c in changes if c.breaking for user in users.get((c.section, c.name), ())},
    )
    text = "touches " + (", ".join(map(str, reached)) or "nothing that is used here")
    yield from _wrapped(text, "", "  ")
    yield "signs: " + ", ".join(f"{sign} {kind}" for kind, sign in _SIGNS.items())


def _wrapped(text: str, first: str, further: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _users(root: Path, old: Facts, new: Facts) -> touched.Users:
    options = pipeline.Options(root=root)
    sources = _sources(options)
    return touched.users(root, sources, pipeline.charts_step(options, sources), old, new)


def _sources(options: pipeline.Options) -> Sources:
    """Read the catalog; one with mistakes cannot say what uses what."""
    sources, problems = pipeline.load_step(options)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise ProblemsFound(ordered(errors))
    return sources
