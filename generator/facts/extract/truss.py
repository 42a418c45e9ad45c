"""Facts of a Truss release, from its wheel: what `truss push` takes after these words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from generator.facts.extract.literals import called, keyword, parsed, plain, strings
from generator.facts.extract.package import wheel
from generator.facts.model import Facts, Flag, Positional, Provenance, Syntax, ValueType

_COMMAND = "push"
_TYPES = {
    "int": ValueType.INTEGER,
    "float": ValueType.NUMBER,
    "bool": ValueType.BOOLEAN,
    "click.INT": ValueType.INTEGER,
    "click.FLOAT": ValueType.NUMBER,
    "click.BOOL": ValueType.BOOLEAN,
}


def extract(version: str, work: Path) -> Facts:
    """Read the options that decorate the command in the source."""
    package = wheel("truss", version, work)
    folder = package.folder / "truss" / "cli"
    flags = {flag.name: flag for flag in (*_common(folder / "utils" / "common.py"), *_options(folder / "cli.py"))}
    return Facts(
        engine="truss",
        version=version,
        provenance=Provenance(
            sources=(package.source,),
            methods={"flags": f"AST of the options of `truss {_COMMAND}`", "metrics": "none: a client"},
        ),
        syntax=Syntax(parser="click"),
        positionals=(Positional("target directory", optional=True),),
        flags=tuple(flags[name] for name in sorted(flags)),
    )


def _options(file: Path) -> Iterator[Flag]:
    for node in parsed(file).body:
        if isinstance(node, ast.FunctionDef) and node.name == _COMMAND:
            yield from (_flag(call) for call in map(_option, node.decorator_list) if call)


def _common(file: Path) -> Iterator[Flag]:
    """Read the options that every command shares: made once, and given a name."""
    for node in ast.walk(parsed(file)):
        call = _option(node.value) if isinstance(node, ast.Assign | ast.Return) and node.value else None
        if call:
            yield _flag(call)


def _option(node: ast.expr) -> ast.Call | None:
    while isinstance(node, ast.Call) and not called(node, "option"):
        node = node.func
    return called(node, "option")


def _flag(call: ast.Call) -> Flag:
    spellings = [text for argument in call.args for text in strings(argument) if text.startswith("-")]
    positive = [part.partition("/")[0] for part in spellings]
    name = next((text for text in positive if text.startswith("--")), positive[0])
    kind = keyword(call, "type")
    choice = called(kind, "Choice") if kind else None
    text = plain(keyword(call, "help"))
    is_switch = plain(keyword(call, "is_flag")) is True
    return Flag(
        name=name,
        type=ValueType.BOOLEAN if is_switch else _TYPES.get(ast.unparse(kind) if kind else "", ValueType.STRING),
        nargs="1" if not is_switch and kind is not None and ast.unparse(kind) == "bool" else "",
        aliases=tuple(text for text in positive if text != name),
        negations=tuple(part.partition("/")[2] for part in spellings if "/" in part),
        default=plain(keyword(call, "default")),
        choices=tuple(sorted(strings(choice.args[0]))) if choice else (),
        repeatable=plain(keyword(call, "multiple")) is True,
        required=plain(keyword(call, "required")) is True,
        deprecated=isinstance(text, str) and text.startswith("[DEPRECATED]"),
    )
