"""Facts of a vLLM release, from its wheel."""

from __future__ import annotations

from pathlib import Path

import msgspec

from generator.facts.extract import metrics
from generator.facts.extract.environment import read_in, with_more
from generator.facts.extract.package import probe, wheel
from generator.facts.model import (
    Facts,
    Flag,
    Metric,
    MetricType,
    Positional,
    Provenance,
    Source,
    Syntax,
    Variable,
)

_LABELS = ("model_name", "engine")
_READING = metrics.Reading(
    prefixes=("vllm:",),
    labels={"labelnames": _LABELS, "_labelnames": _LABELS},
    metadata_labels=_LABELS,
)
# The HTTP metrics are not vLLM's own: it starts a library with its defaults.
_INSTRUMENTATOR = Source("PyPI prometheus-fastapi-instrumentator", "8.0.0")
_HTTP = (
    Metric("http_request_duration_highr_seconds", MetricType.HISTOGRAM),
    Metric("http_request_duration_seconds", MetricType.HISTOGRAM, ("method", "handler")),
    Metric("http_request_size_bytes", MetricType.SUMMARY, ("handler",)),
    Metric("http_requests_total", MetricType.COUNTER, ("method", "status", "handler")),
    Metric("http_response_size_bytes", MetricType.SUMMARY, ("handler",)),
)
_STUBBED = "executed with accelerator packages stubbed"


def extract(version: str, work: Path) -> Facts:
    """Read flags, environment and registries by running the package, metrics from its source."""
    package = wheel("vllm", version, work)
    found = probe("vllm", package, work)
    return Facts(
        engine="vllm",
        version=version,
        provenance=Provenance(
            sources=(package.source, _INSTRUMENTATOR),
            methods={
                "environment": f"table {_STUBBED}; types, defaults and further names from the source",
                "flags": f"parser {_STUBBED}",
                "metrics": "AST",
                "registries": f"registries {_STUBBED}",
            },
        ),
        syntax=Syntax(parser="argparse", underscores=True, abbreviations=True, dotted=True, attached=("-O",)),
        positionals=(Positional("model", ("--model", "--config"), first=True),),
        flags=_flags(found["flags"]),
        environment=_environment(found["environment"], package.folder / "vllm"),
        environment_prefixes=("VLLM_",),
        metrics=(*_HTTP, *metrics.read(package.folder / "vllm", _READING)),
        registries=msgspec.convert(found["registries"], dict[str, tuple[str, ...]]),
    )


def _environment(found: list[dict[str, object]], package: Path) -> tuple[Variable, ...]:
    table = msgspec.convert(found, list[Variable])
    return with_more(table, read_in(sorted(package.rglob("*.py")), "VLLM_"))


def _flags(found: list[dict[str, object]]) -> tuple[Flag, ...]:
    flags = msgspec.convert(found, list[Flag])
    return tuple(sorted((_with_attached(flag) for flag in flags), key=lambda flag: flag.name))


def _with_attached(flag: Flag) -> Flag:
    """Add `-O`, which vLLM turns into `--optimization-level` before its parser sees it."""
    if flag.name != "--optimization-level" or "-O" in flag.aliases:
        return flag
    return msgspec.structs.replace(flag, aliases=(*flag.aliases, "-O"))
