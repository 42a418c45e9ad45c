"""Facts of an llm-d-inference-sim release, from its Go module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from generator.facts.extract.package import Package, go_module
from generator.facts.model import (
    Facts,
    Flag,
    Metric,
    MetricType,
    Provenance,
    Syntax,
    ValueType,
    Variable,
)

_MODULE = "github.com/llm-d/llm-d-inference-sim"
_LOGGING = "k8s.io/klog/v2"  # adds its flags to the simulator's
_TYPES = {
    "Bool": ValueType.BOOLEAN,
    "Duration": ValueType.DURATION,
    "Float64": ValueType.NUMBER,
    "Int": ValueType.INTEGER,
    "Int64": ValueType.INTEGER,
    "String": ValueType.STRING,
    "Uint64": ValueType.INTEGER,
}
_SCALAR = re.compile(r'\bf\.(\w+)Var\(&config\.(\w+),\s*"([\w-]+)"')
_TOGGLE = re.compile(r'addToggle\(f,\s*&config\.(\w+),\s*"([\w-]+)"')
_MANY = re.compile(r'\bf\.Var\(&\w+,\s*"([\w-]+)"')
_CONFIG_FILE = re.compile(r'\bf\.StringVar\(&dummyString,\s*"([\w-]+)"')
_LOGGING_FLAG = re.compile(r'\bcommandLine\.(\w*?)Var\([^"\n]*"(\w+)"')
_CONSTANT = re.compile(r'^\s*(\w+)\s*=\s*("[^"]*"|\d+)\s*$', re.MULTILINE)
_DEFAULT = re.compile(r"^\t\t(\w+):\s*(.+),$", re.MULTILINE)
_METRIC = re.compile(
    r"prometheus\.New(Gauge|Counter|Histogram|Summary)Vec\(\s*prometheus\.\w+Opts\{(.*?)\},\s*\[\]string\{(.*?)\}",
    re.DOTALL,
)
# Ranges that the simulator checks after parsing. Source: 0.10.2 `pkg/common/config.go`, `validate`.
_CHOICES: dict[str, tuple[str | int | float, ...]] = {
    "block-size": (8, 16, 32, 64, 128),
    "failure-types": (
        "rate_limit",
        "invalid_api_key",
        "context_length",
        "server_error",
        "invalid_request",
        "model_not_found",
    ),
    "mode": ("echo", "random"),
}


def extract(version: str, work: Path) -> Facts:
    """Read flags, environment and metrics from the source, which defines each by a call with a literal."""
    package = go_module(_MODULE, version, work)
    logging = go_module(_LOGGING, _required_version(package, _LOGGING), work)
    sources = {file.name: file.read_text(encoding="utf-8") for file in _go_files(package.folder / "pkg")}
    constants = {name: value.strip('"') for text in sources.values() for name, value in _CONSTANT.findall(text)}
    flags = [*_flags(sources, constants), *_logging_flags((logging.folder / "klog.go").read_text())]
    return Facts(
        engine="simulator",
        version=version,
        provenance=Provenance(
            sources=(package.source, logging.source),
            methods={"environment": "source", "flags": "source; ranges by hand", "metrics": "source"},
        ),
        syntax=Syntax(parser="pflag", inline_booleans=True, attached=("-v",)),
        flags=tuple(sorted(flags, key=lambda flag: flag.name)),
        environment=_environment(sources, constants),
        environment_prefixes=("SIM_",),
        metrics=tuple(sorted(_metrics(sources, constants), key=lambda metric: metric.name)),
    )


def _required_version(package: Package, module: str) -> str:
    found = re.search(rf"{re.escape(module)} v(\S+)", (package.folder / "go.mod").read_text())
    if found is None:
        raise LookupError(f"go.mod of {package.source.package} does not name {module}")
    return found.group(1)


def _go_files(folder: Path) -> list[Path]:
    """List what is built into the simulator: no tests, and not the tool that makes data sets."""
    return [f for f in sorted(folder.rglob("*.go")) if "_test" not in f.name and f.name != "ds_tool_config.go"]


def _flags(sources: dict[str, str], constants: dict[str, str]) -> Iterator[Flag]:
    parser, defaults = sources["parser.go"], dict(_DEFAULT.findall(sources["config.go"]))
    for kind, field, name in _SCALAR.findall(parser):
        yield Flag(
            name=f"--{name}",
            type=_TYPES[kind],
            default=_default(defaults.get(field), _TYPES[kind], constants),
            choices=_CHOICES.get(name, ()),
            required=name == "model",
        )
    for _, name in _TOGGLE.findall(parser):
        yield Flag(name=f"--{name}", type=ValueType.BOOLEAN, default=False, negations=(f"--no-{name}",))
    for name in _MANY.findall(parser):
        yield Flag(name=f"--{name}", type=_many_type(name), nargs="*", choices=_CHOICES.get(name, ()))
    for name in _CONFIG_FILE.findall(parser):
        yield Flag(name=f"--{name}", type=ValueType.STRING)


def _many_type(name: str) -> ValueType:
    return ValueType.JSON if name in ("lora-modules", "fake-metrics") else ValueType.STRING


def _default(text: str | None, kind: ValueType, constants: dict[str, str]) -> str | int | float | bool | None:
    """Read the value that `newConfig` gives a field; Go's zero value if it gives none."""
    if text is None:
        return _ZERO[kind]
    word = constants.get(text, text.strip('"'))
    duration = re.fullmatch(r"(\d+) \* time\.(Milli)?[sS]econds?", word)
    if duration:
        return duration.group(1) + ("ms" if duration.group(2) else "s")
    if kind in (ValueType.INTEGER, ValueType.NUMBER):
        return _number(word)
    return word


_ZERO: dict[ValueType, str | int | bool | None] = {
    ValueType.BOOLEAN: False,
    ValueType.DURATION: "0s",
    ValueType.INTEGER: 0,
    ValueType.NUMBER: 0,
    ValueType.STRING: "",
}


def _number(word: str) -> int | float | None:
    """Read a number; a call, such as one that asks the clock, is no default."""
    if re.fullmatch(r"-?\d+", word):
        return int(word)
    return float(word) if re.fullmatch(r"-?\d+\.\d+", word) else None


def _logging_flags(source: str) -> Iterator[Flag]:
    for kind, name in _LOGGING_FLAG.findall(source):
        dashes = "-" if len(name) == 1 else "--"
        alias = (f"--{name}",) if len(name) == 1 else ()
        yield Flag(name=f"{dashes}{name}", aliases=alias, type=_TYPES.get(kind, ValueType.STRING))


def _environment(sources: dict[str, str], constants: dict[str, str]) -> tuple[Variable, ...]:
    words = {word for text in sources.values() for word in re.findall(r"os\.Getenv\(\"?(\w+)\"?\)", text)}
    return tuple(Variable(name) for name in sorted(constants.get(word, word) for word in words))


def _metrics(sources: dict[str, str], constants: dict[str, str]) -> Iterator[Metric]:
    for text in sources.values():
        for kind, options, labels in _METRIC.findall(text):
            name = re.search(r"Name:\s*(\w+)", options)
            words = [word.strip().rpartition(".")[2] for word in labels.split(",") if word.strip()]
            if name:
                names = tuple(constants.get(word, word.strip('"')) for word in words)
                yield Metric(constants[name.group(1)], MetricType(kind.lower()), names)
