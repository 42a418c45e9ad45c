"""Describes a built argparse parser as JSON: spellings, types, defaults, choices; never a help text.

Runs inside the probe process, beside the engine's unpacked package; imports nothing of modelyard.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import json
import re
import types
from collections.abc import Callable
from typing import Any

# The flag itself is deprecated, not something that its help mentions.
_DEPRECATED = re.compile(
    r"^\W*(deprecated|(--[\w-]+|this \w+) is deprecated)\b|\bdeprecated:"
    r"|\bthis \w+ is deprecated\b|\bwill be deprecated\b",
    re.IGNORECASE,
)
_REMOVED_IN = re.compile(r"removed in v?(\d+(?:\.\d+)+)")


def describe(parser: argparse.ArgumentParser, *, only_server: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """Describe every flag, in the parser's own order."""
    spellings = _spellings(parser)
    marked: set[argparse.Action] = getattr(parser, "_deprecated", set())
    return [
        _flag(action, spellings[action], only_server, is_marked=action in marked)
        for action in parser._actions
        if spellings.get(action) and not isinstance(action, argparse._HelpAction | argparse._VersionAction)
    ]


def names(parser: argparse.ArgumentParser) -> frozenset[str]:
    """List the destinations of a parser's flags."""
    return frozenset(action.dest for action in parser._actions)


def _spellings(parser: argparse.ArgumentParser) -> dict[argparse.Action, list[str]]:
    """List what the parser accepts for each action: more than the action shows in its help."""
    found: dict[argparse.Action, list[str]] = {}
    for spelling, action in parser._option_string_actions.items():
        found.setdefault(action, []).append(spelling)
    return found


def _flag(
    action: argparse.Action, spellings: list[str], only_server: frozenset[str], *, is_marked: bool
) -> dict[str, Any]:
    negative = _negative(action, spellings)
    positive = [s for s in spellings if s not in negative]
    name = next((s for s in positive if s.startswith("--")), positive[0])
    flag = {
        "name": name,
        "aliases": [s for s in positive if s != name],
        "negations": sorted(negative),
        "default": plain(action.default),
        "choices": _choices(action),
        "nargs": _nargs(action),
        "repeatable": isinstance(action, argparse._AppendAction),
        "required": action.required,
        "server_only": action.dest in only_server,
        **_type(action),
        **_deprecation(action, is_marked),
    }
    return {key: value for key, value in flag.items() if _is_said(key, value)}


def _is_said(key: str, value: Any) -> bool:
    """Leave out what every flag would say: no aliases, not required, no default."""
    return value is not None if key == "default" else bool(value)


def _choices(action: argparse.Action) -> list[Any]:
    """Sort the choices: engines keep some in sets, and their order says nothing."""
    choices = [plain(choice) for choice in action.choices or () if choice is not None]
    return sorted(choices, key=lambda choice: (isinstance(choice, str), choice))


def _negative(action: argparse.Action, spellings: list[str]) -> list[str]:
    if not isinstance(action, argparse.BooleanOptionalAction):
        return []
    declared = getattr(action, "negative_option_strings", None)
    return [s for s in spellings if (s in declared if declared is not None else s.startswith("--no-"))]


def _nargs(action: argparse.Action) -> str:
    return "" if action.nargs in (None, 0) else str(action.nargs)


def _deprecation(action: argparse.Action, is_marked: bool) -> dict[str, Any]:
    text = " ".join((action.help or "").split())
    named = "Deprecated" in type(action).__name__
    if not (is_marked or named or _DEPRECATED.search(text) or getattr(action, "deprecated", False)):
        return {}
    removal = _REMOVED_IN.search(text)
    return {"deprecated": True, "removed_in": removal.group(1) if removal else ""}


def plain(value: Any) -> Any:
    """Turn a default into JSON; an object of the engine's own (a whole configuration) becomes None."""
    if value == argparse.SUPPRESS:
        return None
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, set | frozenset | tuple):
        return [plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return None


# --- what a converter accepts, found by calling it ---


def _type(action: argparse.Action) -> dict[str, Any]:
    if action.nargs == 0:
        return {"type": "boolean"}
    convert = action.type or str
    if not callable(convert):
        raise TypeError(f"{action.option_strings}: the converter {convert!r} cannot be called")
    choices = list(action.choices or ())
    if choices and all(isinstance(c, int) and not isinstance(c, bool) for c in choices if c is not None):
        return {"type": "integer", "nullable": _accepts(convert, "None") is None}
    result: dict[str, Any] = {"type": _kind(convert), "nullable": _accepts(convert, "None") is None}
    dataclass = _dataclass_of(convert)
    if dataclass is not None:
        result |= {"type": "json", "keys": _keys(dataclass)}
    if choices and _accepts(convert, "Fold-Me") == "fold_me":
        result["folded"] = True
    return result


class _Refused:
    """Stands for "the converter refused the word"."""


_REFUSED = _Refused()


def _accepts(convert: Callable[[str], Any], word: str) -> Any:
    try:
        return convert(word)
    except Exception:  # whatever a foreign converter raises, it has refused the word
        return _REFUSED


def _kind(convert: Callable[[str], Any]) -> str:
    """Name a converter by what it makes of a few words."""
    as_object = _accepts(convert, '{"a": 1}')
    if _accepts(convert, "x") is not _REFUSED:
        return "json-or-string" if isinstance(as_object, dict) else "string"
    if isinstance(as_object, dict):
        return "json"
    if _accepts(convert, "{}") is not _REFUSED:
        return "json"
    if _accepts(convert, "1k") == 1000:
        return "size-or-auto" if _accepts(convert, "auto") is not _REFUSED else "size"
    if _accepts(convert, "true") is True and _accepts(convert, "false") is False:
        return "boolean"
    if _accepts(convert, "1.5") == 1.5:
        return "number"
    if _accepts(convert, "8") == 8:
        return "integer"
    return "string"  # a converter with rules of its own (an enum, a list of pairs): any text may be right


def _dataclass_of(convert: Any) -> Any:
    """Find the configuration class that a converter validates JSON against."""
    for inner in _inner(convert):
        if dataclasses.is_dataclass(inner):
            return inner
        found = _dataclass_of(inner) if isinstance(inner, types.FunctionType) else None
        if found is not None:
            return found
    return None


def _inner(convert: Any) -> list[Any]:
    cells = getattr(convert, "__closure__", None) or ()
    return [cell.cell_contents for cell in cells] + list(getattr(convert, "__defaults__", None) or ())


def _keys(dataclass: Any) -> list[str]:
    """List the keys that a configuration class takes, if it forbids all others."""
    config = getattr(dataclass, "__pydantic_config__", None) or {}
    if config.get("extra") != "forbid":
        return []
    return sorted(field.name for field in dataclasses.fields(dataclass) if field.init)
