"""The values as a person reads them: a commented values.yaml, and a table."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import msgspec

from generator.dump import dump, scalar
from generator.values.schema import Field, fields

WIDTH = 100

Tree = dict[str, Any]


def _comment(field: Field, pad: str) -> list[str]:
    text = field.description
    if field.required:
        text = f"REQUIRED. {text}"
    if field.derived:
        text += " (computed by modelyard; this default is a safe constant)"
    return [f"{pad}# {line}" for line in textwrap.wrap(text, WIDTH - len(pad) - 2)] if text else []


def _value(default: Any, pad: str) -> str:
    if isinstance(default, (dict, list)):
        if not default:
            return " {}" if isinstance(default, dict) else " []"
        lines = dump({"x": default}, keep_order=True).splitlines()[1:]
        return "\n" + "\n".join(f"{pad}{line}" for line in lines)
    return f" {scalar(default)}"


def values_yaml(type_: type[msgspec.Struct], standing: Tree, header: str) -> str:
    """Write values.yaml: every key with its comment, required ones as a comment to fill in."""
    lines = [f"# {line}" for line in header.splitlines()]
    for field in fields(type_):
        pad = "  " * (len(field.path) - 1)
        name = field.path[-1]
        if len(field.path) == 1:
            lines.append("")
        lines += _comment(field, pad)
        if field.type_name == "section":
            empty = not _has_content(lookup(standing, field.path))
            lines.append(f"{pad}{name}:{' {}' if empty else ''}")
        elif field.required:
            lines.append(f"{pad}# {name}:")
        else:
            lines.append(f"{pad}{name}:{_value(lookup(standing, field.path), pad)}")
    return "\n".join(lines) + "\n"


def lookup(tree: Any, path: tuple[str, ...]) -> Any:
    """Find what stands at a path."""
    for word in path:
        tree = tree[word]
    return tree


def _has_content(tree: Tree) -> bool:
    return any(_has_content(value) if isinstance(value, dict) and value else True for value in tree.values())


def table(type_: type[msgspec.Struct], standing: Tree) -> str:
    """Write the values as a Markdown table."""
    rows = ["| key | meaning | default |", "|---|---|---|"]
    for field in fields(type_):
        if field.type_name == "section":
            continue
        default = "**required**"
        if not field.required:
            default = f"`{json.dumps(lookup(standing, field.path), ensure_ascii=False)}`"
        note = " *(computed)*" if field.derived else ""
        meaning = field.description.replace("|", "\\|") or field.type_name
        rows.append(f"| `{'.'.join(field.path)}` | {meaning}{note} | {default} |")
    return "\n".join(rows) + "\n"
