"""Facts of an SGLang release, from its wheel."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec

from generator.facts.extract import metrics
from generator.facts.extract.environment import read_in, with_more
from generator.facts.extract.literals import parsed
from generator.facts.extract.package import probe, wheel
from generator.facts.model import Facts, Flag, Provenance, Syntax, Variable

_SCHEDULER = ("model_name", "engine_type", "tp_rank", "pp_rank", "moe_ep_rank")
# The label sets are put together where the collectors are made, far from the metrics.
# Source: SGLang 0.5.23 `srt/observability/`, `srt/managers/`, `srt/mem_cache/`.
_READING = metrics.Reading(
    prefixes=("sglang:",),
    labels={},
    class_labels={
        "EncoderMetricsCollector": ("model_name", "dp_rank"),
        "DPDispatcher": ("model_name", "dp_rank"),
        "ExpertDispatchCollector": ("layer",),
        "RadixCacheMetricsCollector": ("cache_type", "tp_rank", "pp_rank", "dp_rank"),
        "SchedulerMetricsCollector": _SCHEDULER,
        "StorageMetricsCollector": ("storage_backend", "tp_rank", "dp_rank", "pp_rank"),
        "TokenizerMetricsCollector": ("model_name", "engine_type"),
    },
)
_STUBBED = "executed with accelerator packages stubbed"


def extract(version: str, work: Path) -> Facts:
    """Read flags and environment by running the package, metrics and architectures from its source."""
    package = wheel("sglang", version, work)
    found = probe("sglang", package, work)
    server = package.folder / "sglang" / "srt"
    flags = tuple(sorted(msgspec.convert(found["flags"], list[Flag]), key=lambda flag: flag.name))
    choices = {flag.name: flag.choices for flag in flags}
    return Facts(
        engine="sglang",
        version=version,
        provenance=Provenance(
            sources=(package.source,),
            methods={
                "environment": f"table {_STUBBED}; further names from the source",
                "flags": f"parser {_STUBBED}",
                "metrics": "AST; labels of collectors by hand",
                "registries": "choices of the parser; architectures from AST",
            },
        ),
        syntax=Syntax(parser="argparse", abbreviations=True),
        flags=flags,
        environment=_environment(found, package.folder / "sglang"),
        environment_prefixes=("SGLANG_", "SGL_"),
        metrics=tuple(metrics.read(server, _READING)),
        registries={
            "architectures": _architectures(server / "models"),
            "reasoning_parsers": tuple(str(choice) for choice in choices["--reasoning-parser"]),
            "tool_parsers": tuple(str(choice) for choice in choices["--tool-call-parser"]),
        },
    )


def _environment(found: dict[str, object], package: Path) -> tuple[Variable, ...]:
    table = msgspec.convert(found["environment"], list[Variable])
    gone = msgspec.convert(found["gone_environment"], set[str])
    files = [file for file in sorted(package.rglob("*.py")) if file.name != "environ.py"]
    return with_more(table, read_in(files, "SGL(?:ANG)?_", quoted=True) - gone)


def _architectures(models: Path) -> tuple[str, ...]:
    """List the classes that model files offer under the name EntryClass."""
    names: set[str] = set()
    for file in models.rglob("*.py"):
        for node in parsed(file).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EntryClass":
                names |= {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
    return tuple(sorted(names))
