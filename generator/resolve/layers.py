"""Layers of values, and the answer to "who set this"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from generator.errors import Location
from generator.sources.document import Document
from generator.values.tree import merge

Path = tuple[str | int, ...]
Tree = dict[str, Any]


class Row(msgspec.Struct, frozen=True):
    """One value that a layer sets, and the place that it was read from, or the rule that made it."""

    path: Path
    value: Any
    document: Document | None = None
    source: Path = ()
    rule: str = ""

    def locate(self, below: Path) -> Location | None:
        """Find the line of a part of the value: its own where the value was taken over as it stands."""
        if self.document is None:
            return None
        part = (*self.source, *below)
        return self.document.locate(part if self.document.has(part) else self.source)


class Origin(msgspec.Struct, frozen=True):
    """Where one value comes from."""

    layer: str
    value: Any
    location: Location | None = None
    rule: str = ""

    @property
    def place(self) -> str:
        """Write the place: file:line:column, the rule, or both."""
        parts = [str(self.location)] if self.location else []
        return " ".join([*parts, *([f"({self.rule})"] if self.rule else [])]) or "chart default"


class Layer(msgspec.Struct, frozen=True):
    """What one source sets: single rows, or a whole tree that a person wrote."""

    name: str
    tree: Tree
    rows: Mapping[Path, Row] = {}
    document: Document | None = None
    prefix: Path = ()

    def origin(self, path: Path) -> Origin | None:
        """Say where this layer took the value at a path from, or None if it does not set it."""
        found, value = find(self.tree, path)
        if not found:
            return None
        for end in range(len(path), 0, -1):
            row = self.rows.get(path[:end])
            if row is not None:
                return Origin(self.name, value, row.locate(path[end:]), row.rule)
        if any(row[: len(path)] == path for row in self.rows):
            return Origin(self.name, value, rule="each of its keys comes from a place of its own")
        if self.document is None:
            # a map of which this layer sets a part: the first of its rows there
            below = next((row for key, row in self.rows.items() if key[: len(path)] == path), None)
            if below is None:
                return Origin(self.name, value)
            location = below.document.locate(below.source) if below.document is not None else None
            return Origin(self.name, value, location, below.rule)
        return Origin(self.name, value, self.document.locate((*self.prefix, *path)))


def of_rows(name: str, rows: Iterable[Row]) -> Layer:
    """Make a layer of single values."""
    tree: Tree = {}
    known: dict[Path, Row] = {}
    for row in rows:
        node = tree
        for key in row.path[:-1]:
            node = node.setdefault(str(key), {})
        node[str(row.path[-1])] = row.value
        known[row.path] = row
    return Layer(name, tree, known)


def of_tree(name: str, tree: Tree, document: Document, prefix: Path) -> Layer:
    """Make a layer of the `values` that stand in a document."""
    return Layer(name, tree, {}, document, prefix)


def find(tree: Any, path: Path) -> tuple[bool, Any]:
    """Look a path up: whether it is there, and what it holds."""
    for key in path:
        if isinstance(tree, dict) and key in tree:
            tree = tree[key]
            continue
        if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
            continue
        return False, None
    return True, tree


def merged(layers: Iterable[Layer]) -> Tree:
    """Lay all layers over each other, the last on top."""
    out: Tree = {}
    for layer in layers:
        out = merge(out, layer.tree)
    return out


def origins(layers: Iterable[Layer], path: Path) -> list[Origin]:
    """List every layer that sets a path, the one that wins last."""
    return [origin for layer in layers if (origin := layer.origin(path)) is not None]
