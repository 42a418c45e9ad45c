"""`modelyard facts`: read what a released engine knows into a facts file."""

from __future__ import annotations

from generator.errors import Exit
from generator.facts.canonical import encode
from generator.facts.extract import extract as extract_facts
from generator.facts.store import FOLDER


def extract(engine: str, version: str) -> int:
    """Download one release of an engine and write its facts file."""
    facts = extract_facts(engine, version)
    file = FOLDER / engine / f"{version}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(encode(facts))
    print(
        f"{file.relative_to(FOLDER.parent.parent)}: {len(facts.flags)} flags, "
        f"{len(facts.environment)} environment variables, {len(facts.metrics)} metrics"
    )
    return Exit.CLEAN
