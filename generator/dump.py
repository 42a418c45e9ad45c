"""One YAML dumper: sorted keys, one spelling for every value, the same bytes on every machine."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# plain only if no YAML reader, of 1.1 or 1.2, could take it for anything but text
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*(?: [A-Za-z_/(][\w./()-]*)*")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TOP = {"apiVersion": 0, "kind": 1, "metadata": 2}


def quoted(text: str) -> str:
    """Double-quote a text for YAML."""
    return _HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


@functools.lru_cache(maxsize=65536)
def scalar_text(text: str) -> str:
    """Spell a text: plain where that is safe, else quoted."""
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return text if plain else quoted(text)


def scalar(value: object) -> str:
    """Spell a scalar."""
    if isinstance(value, str):
        return scalar_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written")
    text = json.dumps(value)
    # YAML 1.1 takes an exponent without a point for text
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


def _block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and lines[0][:1] not in ("", " ")
        and bool(lines[-1])
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


def _entry(head: str, value: object, indent: int, *, keep: bool) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, indent + 2, keep=keep)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield head
        yield from _sequence(value, indent, keep=keep)
    elif isinstance(value, str) and "\n" in value and _block(value):
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        pad = " " * (indent + 2)
        for line in value.removesuffix("\n").split("\n"):
            yield f"{pad}{line}" if line else ""
    else:
        yield f"{head} {_inline(value)}"


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    return scalar(value)


def _mapping(data: Mapping[str, Any], indent: int, *, keep: bool, top: bool = False) -> Iterator[str]:
    pad = " " * indent
    keys: Sequence[str] = list(data) if keep else sorted(data)
    if top and not keep:
        keys = sorted(data, key=lambda key: (_TOP.get(key, 3), key))
    for key in keys:
        yield from _entry(f"{pad}{scalar_text(key)}:", data[key], indent, keep=keep)


def _sequence(items: Sequence[Any], indent: int, *, keep: bool) -> Iterator[str]:
    pad = " " * indent
    for item in items:
        if isinstance(item, Mapping) and item:
            lines = _mapping(item, indent + 2, keep=keep)
            yield f"{pad}- {next(lines)[indent + 2 :]}"
            yield from lines
        elif isinstance(item, (list, tuple)) and item:
            lines = _sequence(item, indent + 2, keep=keep)
            yield f"{pad}- {next(lines)[indent + 2 :]}"
            yield from lines
        else:
            yield f"{pad}- {_inline(item)}"


def dump(data: Mapping[str, Any], *, header: str = "", keep_order: bool = False) -> str:
    """Write one document; apiVersion, kind and metadata first, every other key in order of the alphabet."""
    lines = [f"# {line}" for line in header.splitlines()]
    lines += _mapping(data, 0, keep=keep_order, top=True)
    return "\n".join(lines) + "\n"
