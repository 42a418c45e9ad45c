"""Facts of a Dynamo release: its frontend, and its workers beside the engine inside each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from generator.facts.extract import tables
from generator.facts.extract.environment import read_in, with_more
from generator.facts.extract.package import Package, probe, wheel
from generator.facts.model import Facts, Flag, Include, Provenance, Syntax, ValueType, Variable
from generator.facts.store import load

_METHODS = {
    "environment": "source and strings of the binary: not complete",
    "flags": "parser executed with engine packages stubbed",
    "metrics": "reference data",
}
_WORKER = ("worker", "worker(vllm,sglang,trtllm)")
_NAME = re.compile(rb"DYN_[A-Z0-9_]{3,}")


def frontend(version: str, work: Path) -> Facts:
    """Read the frontend's flags by running its parser; metrics come from a table of the release."""
    return _facts("dynamo-frontend", version, work, exporters=("frontend",))


def vllm_worker(version: str, work: Path) -> Facts:
    """Read the vLLM worker's own flags; those of the vLLM release it carries are included by name."""
    return _facts("dynamo-vllm", version, work, exporters=(*_WORKER, "worker(KVBM, deprecated 1.5)"))


def sglang_worker(version: str, work: Path) -> Facts:
    """Read the SGLang worker's own flags; those of the SGLang release it carries are included by name."""
    facts = _facts("dynamo-sglang", version, work, exporters=_WORKER)
    inner = load("sglang", facts.includes[0].version)
    own = {flag.name for flag in facts.flags}
    added = [flag for flag in _changed(inner) if flag.name not in own]
    return msgspec.structs.replace(facts, flags=tuple(sorted((*facts.flags, *added), key=lambda flag: flag.name)))


def _changed(inner: Facts) -> Iterator[Flag]:
    """Repeat what the worker does to SGLang's parser: one more loader, and the old name of a switch.

    Source: ai-dynamo 1.6.1 `dynamo/sglang/args.py` and `_compat.py` (`add_sglang_cli_compat`)
    """
    loader = inner.flag("--load-format")
    if loader and loader.choices:
        yield msgspec.structs.replace(loader, choices=tuple(sorted((*map(str, loader.choices), "gms"))))
    if not inner.flag("--disable-piecewise-cuda-graph"):
        yield Flag(name="--disable-piecewise-cuda-graph", type=ValueType.BOOLEAN, deprecated=True)


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
    "sglang": Syntax(parser="argparse", abbreviations=True),
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
