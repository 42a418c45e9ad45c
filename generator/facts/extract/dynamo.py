"""Facts of a Dynamo release: its frontend, and its vLLM worker beside the engine inside it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from generator.facts.extract import tables
from generator.facts.extract.environment import read_in, with_more
from generator.facts.extract.package import Package, probe, wheel
from generator.facts.model import Facts, Flag, Include, Provenance, Syntax, Variable

_METHODS = {
    "environment": "source and strings of the binary: not complete",
    "flags": "parser executed with engine packages stubbed",
    "metrics": "reference data",
}
_NAME = re.compile(rb"DYN_[A-Z0-9_]{3,}")


def frontend(version: str, work: Path) -> Facts:
    """Read the frontend's flags by running its parser; metrics come from a table of the release."""
    return _facts("dynamo-frontend", version, work, exporters=("frontend",))


def vllm_worker(version: str, work: Path) -> Facts:
    """Read the vLLM worker's own flags; those of the vLLM release it carries are included by name."""
    exporters = ("worker", "worker(vllm,sglang,trtllm)", "worker(KVBM, deprecated 1.5)")
    return _facts("dynamo-vllm", version, work, exporters=exporters)


def _facts(program: str, version: str, work: Path, *, exporters: tuple[str, ...]) -> Facts:
    package = wheel("ai-dynamo", version, work)
    runtime = wheel("ai-dynamo-runtime", version, work, binaries=True)
    shutil.copytree(runtime.folder, package.folder, dirs_exist_ok=True)
    part = program.removeprefix("dynamo-")
    flags = msgspec.convert(probe("dynamo", package, work)[part], list[Flag])
    includes = _includes(package, part)
    return Facts(
        engine=program,
        version=version,
        provenance=Provenance(sources=(package.source, runtime.source), methods=_METHODS),
        syntax=_SYNTAX[part],
        includes=includes,
        flags=tuple(sorted({flag.name: flag for flag in flags}.values(), key=lambda flag: flag.name)),
        environment=_environment(package.folder),
        open_prefixes=("DYN_",),
        metrics=tables.metrics("dynamo", version, exporters=exporters),
    )


# The worker takes its own flags out and hands the rest to vLLM's parser, which is the one that knows more forms.
_SYNTAX = {
    "frontend": Syntax(parser="argparse", abbreviations=True),
    "vllm": Syntax(parser="argparse", underscores=True, abbreviations=True, dotted=True, attached=("-O",)),
}


def _includes(package: Package, part: str) -> tuple[Include, ...]:
    """Read which release of an engine the package carries off its requirements."""
    (metadata,) = package.folder.glob("ai_dynamo-*.dist-info/METADATA")
    found = re.search(rf"^Requires-Dist: {part}(?:\[.*?\])?==(\S+?);", metadata.read_text(), re.MULTILINE)
    return (Include(part, found.group(1)),) if found else ()


def _environment(folder: Path) -> tuple[Variable, ...]:
    """List the names in Python literals, and those in the binary, where they stand without separators."""
    named = read_in(sorted(folder.rglob("*.py")), "DYN_", quoted=True)
    binary = (folder / "dynamo" / "_core.abi3.so").read_bytes()
    strings = {part.decode() for run in _NAME.findall(binary) for part in re.split(rb"(?=DYN_)", run) if part}
    return with_more((), named | set(_whole(strings, named)))


def _whole(strings: Iterable[str], named: set[str]) -> Iterable[str]:
    """Leave out a name that is another one with letters of the next string behind it, or only a prefix."""
    for string in sorted(strings):
        shorter = {string[:-extra] for extra in range(1, 5)}
        if not string.endswith("_") and len(string) > len("DYN_") + 2 and shorter.isdisjoint({*named, *strings}):
            yield string
