"""Facts of an sglang-router release, from its wheel."""

from __future__ import annotations

from pathlib import Path

import msgspec

from generator.facts.extract import tables
from generator.facts.extract.package import probe, wheel
from generator.facts.model import Facts, Flag, Provenance, Syntax


def extract(version: str, work: Path) -> Facts:
    """Read flags by running the launcher's parser, which asks the binary for parsers; metrics come from a table."""
    package = wheel("sglang-router", version, work, binaries=True)
    flags = msgspec.convert(probe("sglang-router", package, work)["flags"], list[Flag])
    return Facts(
        engine="sglang-router",
        version=version,
        provenance=Provenance(
            sources=(package.source,),
            methods={"flags": "parser executed", "metrics": "reference data"},
        ),
        syntax=Syntax(parser="argparse", abbreviations=True),
        flags=tuple(sorted(flags, key=lambda flag: flag.name)),
        metrics=tables.metrics("sglang-router", version),
    )
