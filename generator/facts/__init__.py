"""Facts of engines by version: flags, environment variables, metrics, parsers; lookups with nearest names."""

from generator.facts.arguments import ArgumentFinding, FindingKind, check_arguments, hyphenated_arguments
from generator.facts.environment import EnvironmentFinding, check_environment
from generator.facts.model import (
    Facts,
    Field,
    Flag,
    Metric,
    MetricType,
    Positional,
    Provenance,
    Source,
    Syntax,
    ValueType,
    Variable,
)
from generator.facts.store import known, load, release_order

__all__ = [
    "ArgumentFinding",
    "EnvironmentFinding",
    "Facts",
    "Field",
    "FindingKind",
    "Flag",
    "Metric",
    "MetricType",
    "Positional",
    "Provenance",
    "Source",
    "Syntax",
    "ValueType",
    "Variable",
    "check_arguments",
    "check_environment",
    "hyphenated_arguments",
    "known",
    "load",
    "release_order",
]
