"""The source of a package as a tree, and what an expression in it stands for, where that is a literal."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path
from typing import Any


def parsed(file: Path) -> ast.Module:
    """Read a file of somebody else's source; what Python finds odd in it is not ours to say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(file.read_text(encoding="utf-8"))


def plain(node: ast.expr | None, otherwise: Any = None) -> Any:
    """Read a literal as JSON holds it; `otherwise` where it is none."""
    if node is None:
        return otherwise
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return otherwise
    return _json(value)


def _json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_json(item) for item in value)
    return value


def strings(node: ast.expr | None) -> list[str]:
    """Read a string, or a list of them."""
    value = plain(node)
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def called(node: ast.expr, name: str) -> ast.Call | None:
    """Give a call of something of this name, however it is reached."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
        return node
    return None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Find an argument by its name."""
    return next((argument.value for argument in call.keywords if argument.arg == name), None)
