"""What is known about one released engine: flags, environment, metrics, registries, and where from."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Find the choice that was most likely meant; stricter than elsewhere, since among hundreds one is near."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.8)
    return found[0] if found else None


class ValueType(enum.Enum):
    """What one value of a flag must look like to the engine's own parser."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"
    JSON_OR_STRING = "json-or-string"
    SIZE = "size"  # an integer, or 32k (decimal), 32K (binary)
    SIZE_OR_AUTO = "size-or-auto"
    DURATION = "duration"  # Go: 100ms, 1m30s


class MetricType(enum.Enum):
    """Prometheus metric types; unknown where only the name could be read."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    UNKNOWN = "unknown"


class Source(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A package that facts were read from."""

    package: str
    version: str
    file: str = ""
    sha256: str = ""


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which packages were read, and by which method each section was."""

    sources: tuple[Source, ...]
    methods: dict[str, str]


class Syntax(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How the engine's parser reads a command line, where parsers differ."""

    parser: str  # "argparse", "pflag" (Go), "getopt" (C), "click", "cyclopts"; "none" where there is no command line
    underscores: bool = False  # `_` and `-` are equal in flag names
    abbreviations: bool = False  # a unique prefix of a flag is taken for the flag
    dotted: bool = False  # `--json-flag.key value`
    inline_booleans: bool = False  # `--flag=true`
    attached: tuple[str, ...] = ()  # short flags that take their value without a space: -O3


class Flag(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One flag: spellings, type, default, legal values."""

    name: str
    type: ValueType
    aliases: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()  # spellings that set a boolean to false
    default: Any = None  # JSON, as the parser holds it; None often means "decided at start"
    choices: tuple[str | int | float, ...] = ()
    nargs: str = ""  # "", "?", "*", "+" or a number
    keys: tuple[str, ...] = ()  # legal keys of a JSON object that forbids others
    nullable: bool = False  # the word None, or nothing, stands for "not set"
    repeatable: bool = False
    required: bool = False
    deprecated: bool = False
    removed_in: str = ""  # the release that removes a deprecated flag, where the engine says so
    folded: bool = False  # choices are compared in lower case, with `_` for `-`
    server_only: bool = False  # a flag of the engine's own HTTP server: other servers around the engine lack it

    @property
    def spellings(self) -> tuple[str, ...]:
        """List every spelling, the name first."""
        return (self.name, *self.aliases, *self.negations)


class Positional(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A value without a flag, and the flags that may stand for it."""

    name: str
    instead: tuple[str, ...] = ()
    first: bool = False  # must stand before every flag
    optional: bool = False


class Variable(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One environment variable; type and default as its source spells them."""

    name: str
    type: str = ""
    default: Any = None


class Field(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One setting of the engine's configuration file by its dotted path; type and default as its source spells them."""

    name: str
    type: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()


class Metric(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One metric family, named as it is scraped: counters carry `_total` where the client adds it."""

    name: str
    type: MetricType
    labels: tuple[str, ...] = ()
    more_labels: bool = False  # there are labels besides these, which depend on the configuration

    @property
    def series(self) -> tuple[str, ...]:
        """List the series names that a scrape of this family stores."""
        if self.type is MetricType.HISTOGRAM:
            return tuple(f"{self.name}{suffix}" for suffix in ("_bucket", "_sum", "_count"))
        if self.type is MetricType.SUMMARY:
            return (self.name, f"{self.name}_sum", f"{self.name}_count")
        if self.type is MetricType.UNKNOWN:
            return (self.name, *(f"{self.name}{suffix}" for suffix in ("_bucket", "_sum", "_count")))
        return (self.name,)


class Include(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of another program that this one passes its command line and environment on to."""

    engine: str
    version: str


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Everything known about one version of one engine."""

    engine: str
    version: str
    provenance: Provenance
    syntax: Syntax
    includes: tuple[Include, ...] = ()
    positionals: tuple[Positional, ...] = ()
    flags: tuple[Flag, ...] = ()
    environment: tuple[Variable, ...] = ()
    environment_prefixes: tuple[str, ...] = ()  # a name that starts so and is not listed has no effect
    open_prefixes: tuple[str, ...] = ()  # a name that starts so and is not listed may still be read
    metrics: tuple[Metric, ...] = ()
    config: tuple[Field, ...] = ()
    registries: dict[str, tuple[str, ...]] = {}  # tool_parsers, reasoning_parsers, architectures, ...
    # what may lack something, so that absence says nothing: names of a section or registry (`config`), or one
    # property of its entries (`config.default`)
    incomplete: tuple[str, ...] = ()

    def flag(self, name: str) -> Flag | None:
        """Find a flag by a full spelling: name, alias or negation. Prefixes are not spellings."""
        return self._by_spelling.get(self.hyphenated(name))

    def hyphenated(self, name: str) -> str:
        """Spell a flag's name with hyphens where the parser takes underscores for the same."""
        if not self.syntax.underscores or not name.startswith("--"):
            return name
        head, dot, tail = name.partition(".")
        return head.replace("_", "-") + dot + tail

    def nearest_flag(self, name: str) -> str | None:
        """Find the spelling that was most likely meant."""
        return nearest(name.replace("_", "-"), self._by_spelling)

    def abbreviated(self, prefix: str) -> tuple[str, ...]:
        """List the spellings that a long flag's prefix stands for."""
        word = self.hyphenated(prefix)
        return tuple(s for s in self._by_spelling if word.startswith("--") and s.startswith(word))

    def metric(self, series: str) -> Metric | None:
        """Find the family that exports a series of exactly this name."""
        return self._by_series.get(series)

    def nearest_metric(self, series: str) -> str | None:
        """Find the series that was most likely meant; the forgotten suffix comes first."""
        for suffix in ("_total", "_bucket"):
            if series + suffix in self._by_series:
                return series + suffix
        return nearest(series, self._by_series)

    def variable(self, name: str) -> Variable | None:
        """Find an environment variable by name."""
        return self._by_variable.get(name)

    def nearest_variable(self, name: str) -> str | None:
        """Find the environment variable that was most likely meant."""
        return nearest(name, self._by_variable)

    def registry(self, name: str) -> tuple[str, ...]:
        """List the names that a registry of the engine holds; empty if it has no such registry."""
        return self.registries.get(name, ())

    @cached_property
    def _by_spelling(self) -> dict[str, Flag]:
        return {spelling: flag for flag in self.flags for spelling in flag.spellings}

    @cached_property
    def _by_series(self) -> dict[str, Metric]:
        return {series: metric for metric in self.metrics for series in metric.series}

    @cached_property
    def _by_variable(self) -> dict[str, Variable]:
        return {variable.name: variable for variable in self.environment}
