"""Trees of values."""

from __future__ import annotations

from typing import Any

Tree = dict[str, Any]


def merge(base: Tree, over: Tree) -> Tree:
    """Lay one tree over another: maps merge, lists and everything else replace."""
    out = dict(base)
    for key, value in over.items():
        below = out.get(key)
        out[key] = merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return out
