"""One YAML dumper: sorted keys, one spelling for every value, the same bytes on every machine."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Sequence
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
    kind = value.__class__
    if kind is str:
        return scalar_text(str(value))
    if kind is int:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written")
    if isinstance(value, str):
        return scalar_text(value)
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


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    return scalar(value)


class _Writer:
    """Appends lines to one list: a generator at every level costs more than the text itself."""

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.lines: list[str] = []

    def entry(self, head: str, value: Any, indent: int) -> None:
        kind = value.__class__
        if kind is str:
            self.text(head, value, indent)
        elif kind is dict and value:
            self.lines.append(head)
            self.mapping(value, sorted(value) if not self.keep else value, indent + 2)
        elif (kind is list or kind is tuple) and value:
            self.lines.append(head)
            self.sequence(value, indent)
        else:
            self.lines.append(f"{head} {_inline(value)}")

    def text(self, head: str, value: str, indent: int) -> None:
        if "\n" not in value or not _block(value):
            self.lines.append(f"{head} {scalar(value)}")
            return
        self.lines.append(f"{head} |{'' if value.endswith(chr(10)) else '-'}")
        pad = " " * (indent + 2)
        self.lines += [f"{pad}{line}" if line else "" for line in value.removesuffix("\n").split("\n")]

    def mapping(self, data: dict[str, Any], keys: Iterable[str], indent: int) -> None:
        pad = " " * indent
        for key in keys:
            self.entry(f"{pad}{scalar_text(key)}:", data[key], indent)

    def sequence(self, items: Sequence[Any], indent: int) -> None:
        pad = " " * indent
        for item in items:
            kind = item.__class__
            if item and (kind is dict or kind is list or kind is tuple):
                first = len(self.lines)
                if kind is dict:
                    self.mapping(item, sorted(item) if not self.keep else item, indent + 2)
                else:
                    self.sequence(item, indent + 2)
                self.lines[first] = f"{pad}- {self.lines[first][indent + 2 :]}"
            else:
                self.lines.append(f"{pad}- {_inline(item)}")


def dump(data: dict[str, Any], *, header: str = "", keep_order: bool = False) -> str:
    """Write one document; apiVersion, kind and metadata first, every other key in order of the alphabet."""
    writer = _Writer(keep=keep_order)
    writer.lines = [f"# {line}" for line in header.splitlines()]
    keys = data if keep_order else sorted(data, key=lambda key: (_TOP.get(key, 3), key))
    writer.mapping(data, keys, 0)
    return "\n".join(writer.lines) + "\n"
