"""Whether one value is what a flag's own converter accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import msgspec

from generator.facts.model import Flag, ValueType, nearest

_SIZE = re.compile(r"\s*(\d+(\.\d+)?[kmgt]|\d+[KMGT]|[+-]?\d+)\s*")
_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)")
_BOOLEAN = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))
_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*")')
_BARE_SIZE = re.compile(r"\b(\d+)(?:\.\d+)?[kKmMgGtT]\b")
# Kubernetes replaces $(NAME) when it starts the container: nothing can be said about the value before.
_REFERENCE = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_.-]*\)")


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a value ("is not an integer"), and what to do about it."""

    reason: str
    hint: str


def wrong(flag: Flag, value: str) -> Wrong | None:
    """Say what is wrong with a value of a flag, or None."""
    if _REFERENCE.search(value) or (flag.nullable and value in ("", "None")):
        return None
    if flag.choices and _folded(flag, value) not in {str(choice) for choice in flag.choices}:
        near = nearest(value, [str(choice) for choice in flag.choices])
        meant = f"did you mean {near!r}? " if near else ""
        return Wrong("is not one of its values", f"{meant}It takes {expected(flag)}")
    reason = _CHECKS[flag.type](flag, value)
    return Wrong(reason, f"give it {expected(flag)}") if reason else _unknown_key(flag, value)


def _unknown_key(flag: Flag, value: str) -> Wrong | None:
    """Find a key that the engine's configuration class forbids."""
    if not flag.keys or not value.strip().startswith("{"):
        return None
    unknown = [key for key in json.loads(_with_plain_numbers(value)) if key not in flag.keys]
    return Wrong(f"has the unknown key `{unknown[0]}`", key_hint(flag, unknown[0])) if unknown else None


def key_hint(flag: Flag, key: str) -> str:
    """Say which key of a JSON flag was meant, or which there are."""
    near = nearest(key, flag.keys)
    if near:
        return f"did you mean `{near}`?"
    more = ", ..." if len(flag.keys) > 10 else ""
    return f"remove it; its keys are {', '.join(flag.keys[:10])}{more}"


def _folded(flag: Flag, value: str) -> str:
    return value.lower().replace("-", "_") if flag.folded else value


def is_boolean_word(value: str) -> bool:
    """Tell whether a value is meant as yes or no."""
    return value in _BOOLEAN or value.lower() in ("yes", "no", "on", "off")


def expected(flag: Flag) -> str:
    """Describe a flag's legal values in a few words."""
    if flag.choices:
        return "one of " + ", ".join(str(choice) for choice in flag.choices)
    if flag.keys:
        return "a JSON object"
    return _WORDS[flag.type]


def _integer(flag: Flag, value: str) -> str | None:
    try:
        int(value)
    except ValueError:
        return "is not an integer"
    return None


def _number(flag: Flag, value: str) -> str | None:
    try:
        float(value)
    except ValueError:
        return "is not a number"
    return None


def _boolean(flag: Flag, value: str) -> str | None:
    return None if value in _BOOLEAN else "is not true or false"


def _size(flag: Flag, value: str) -> str | None:
    return None if _SIZE.fullmatch(value) else "is not a number of the form 8192, 8k or 8K"


def _size_or_auto(flag: Flag, value: str) -> str | None:
    return None if value.strip().lower() == "auto" else _size(flag, value)


def _duration(flag: Flag, value: str) -> str | None:
    return None if _DURATION.fullmatch(value) else "is not a duration with its unit, such as 100ms or 30s"


def _json(flag: Flag, value: str) -> str | None:
    try:
        data = json.loads(_with_plain_numbers(value) if flag.keys else value)
    except ValueError as error:
        return f"is not JSON ({error})"
    return "is not a JSON object" if flag.keys and not isinstance(data, dict) else None


def _json_or_string(flag: Flag, value: str) -> str | None:
    return _json(flag, value) if value.strip().startswith("{") else None


def _with_plain_numbers(text: str) -> str:
    """Strip size suffixes (80m) outside of quotes, which vLLM accepts inside a configuration object."""
    parts = _QUOTED.split(text)
    return "".join(part if i % 2 else _BARE_SIZE.sub(r"\1", part) for i, part in enumerate(parts))


def _anything(flag: Flag, value: str) -> str | None:
    return None


_CHECKS: dict[ValueType, Callable[[Flag, str], str | None]] = {
    ValueType.STRING: _anything,
    ValueType.INTEGER: _integer,
    ValueType.NUMBER: _number,
    ValueType.BOOLEAN: _boolean,
    ValueType.JSON: _json,
    ValueType.JSON_OR_STRING: _json_or_string,
    ValueType.SIZE: _size,
    ValueType.SIZE_OR_AUTO: _size_or_auto,
    ValueType.DURATION: _duration,
}

_WORDS: dict[ValueType, str] = {
    ValueType.STRING: "text",
    ValueType.INTEGER: "an integer",
    ValueType.NUMBER: "a number",
    ValueType.BOOLEAN: "true or false",
    ValueType.JSON: "JSON",
    ValueType.JSON_OR_STRING: "text or a JSON object",
    ValueType.SIZE: "an integer, or 8k, 8K",
    ValueType.SIZE_OR_AUTO: "an integer, 8k, 8K or auto",
    ValueType.DURATION: "a duration such as 100ms",
}
