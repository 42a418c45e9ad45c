"""Facts of an AIPerf release, from its wheel: what `aiperf profile` takes after these words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from generator.facts.extract.literals import called, keyword, parsed, plain, strings
from generator.facts.extract.package import wheel
from generator.facts.model import Facts, Flag, Provenance, Syntax, ValueType

_TYPES = {
    "bool": ValueType.BOOLEAN,
    "int": ValueType.INTEGER,
    "float": ValueType.NUMBER,
}
_PACKAGE_WORDS = ("config", "flags", "cli_config.py")


def extract(version: str, work: Path) -> Facts:
    """Read the fields of the configuration class that the command line is made from."""
    package = wheel("aiperf", version, work)
    file = package.folder / "aiperf" / Path(*_PACKAGE_WORDS)
    flags = {flag.name: flag for flag in _flags(file)}
    return Facts(
        engine="aiperf",
        version=version,
        provenance=Provenance(
            sources=(package.source,),
            methods={
                "flags": "AST of the configuration of `aiperf profile`; values that may be lists are text",
                "metrics": "none: a client",
            },
        ),
        syntax=Syntax(parser="cyclopts", inline_booleans=True),
        flags=tuple(flags[name] for name in sorted(flags)),
    )


def _flags(file: Path) -> Iterator[Flag]:
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Subscript):
            yield from _flag(node.annotation, node.value)


def _flag(annotation: ast.Subscript, default: ast.expr | None) -> Iterator[Flag]:
    """Read `Annotated[type, Field(...), CLIParameter(name=("--x", "-y"))]`."""
    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
    calls = [call for part in parts if (call := called(part, "CLIParameter"))]
    spellings = [text for call in calls for text in strings(keyword(call, "name"))]
    if not spellings:
        return
    name = next((text for text in spellings if text.startswith("--")), spellings[0])
    words = {part.strip() for part in ast.unparse(parts[0]).split("|")}
    kinds = words - {"None"}
    only = kinds.pop() if len(kinds) == 1 else ""
    yield Flag(
        name=name,
        type=_TYPES.get(only, ValueType.STRING),
        aliases=tuple(text for text in spellings if text != name),
        default=plain(default),
        choices=_choices(parts[0]) if only.startswith("Literal[") else (),
        repeatable=any(word.startswith("list[") for word in words),
        nullable="None" in words,
    )


def _choices(node: ast.expr) -> tuple[str, ...]:
    literal = next(part for part in ast.walk(node) if isinstance(part, ast.Subscript))
    inside = literal.slice
    return tuple(sorted(strings(ast.List(list(inside.elts)) if isinstance(inside, ast.Tuple) else inside)))
