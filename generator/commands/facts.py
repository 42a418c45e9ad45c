"""`modelyard facts`: read what a released engine knows into a facts file; compare two releases."""

from __future__ import annotations

from generator.errors import Exit
from generator.facts.canonical import encode
from generator.facts.compare import compare
from generator.facts.extract import extract as extract_facts
from generator.facts.store import FOLDER, load


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


def diff(engine: str, old: str, new: str) -> int:
    """Print what an upgrade adds, removes and changes."""
    signs = {"added": "+", "removed": "-", "changed": "~"}
    section = ""
    for change in compare(load(engine, old), load(engine, new)):
        if change.section != section:
            section = change.section
            print(section.replace("_", " "))
        print(f"  {signs[change.kind]} {change.name}" + (f": {change.what}" if change.what else ""))
    return Exit.CLEAN
