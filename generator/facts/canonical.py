"""The one byte form of a facts file: sorted keys, one entry a line, so that a diff shows what changed."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from generator.facts.model import Facts


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _section(value: Any) -> str:
    """Write a list one entry a line, a mapping one key a line, anything else on one line."""
    if isinstance(value, list | tuple) and value:
        entries = [_line(entry) for entry in value]
        return "[\n" + ",\n".join(f"  {entry}" for entry in entries) + "\n ]"
    if isinstance(value, dict) and value:
        keys = [f"{_line(key)}: {_line(value[key])}" for key in sorted(value)]
        return "{\n" + ",\n".join(f"  {key}" for key in keys) + "\n }"
    return _line(value)


def encode(facts: Facts) -> bytes:
    """Write facts in their canonical form."""
    data = msgspec.to_builtins(facts)
    sections = [f" {_line(key)}: {_section(data[key])}" for key in sorted(data)]
    return ("{\n" + ",\n".join(sections) + "\n}\n").encode()


def decode(data: bytes) -> Facts:
    """Read facts; unknown keys and wrong types are refused."""
    return msgspec.json.decode(data, type=Facts)
