"""Typed references to Helm values that travel through any tree as ordinary strings.

A reference is a marker `⟦kind|expression|label⟧`. The expression is a Go template expression in which `@`
stands for the root context; the kind, taken from the declared type, decides how the writer spells it.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints, overload

import msgspec

OPEN, CLOSE = "\u27e6", "\u27e7"
TOKEN = re.compile(f"{OPEN}(\\w+)\\|([^{CLOSE}|]*)(?:\\|[^{CLOSE}]*)?{CLOSE}")

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_SCALARS: dict[object, str] = {int: "int", float: "number", bool: "bool", str: "str"}


class Ref(str):
    """One expression over the values, carrying its declared type."""

    type: Any
    expr: str

    def __new__(cls, type_: Any, expr: str, kind: str = "") -> Ref:
        if OPEN in expr or "|" in expr:
            raise ValueError(f"{expr!r}: an expression holds no marker and no pipe")
        self = super().__new__(cls, f"{OPEN}{kind or kind_of(type_)}|{expr}{CLOSE}")
        self.type = bare(type_)
        self.expr = expr
        return self

    def __bool__(self) -> bool:
        raise TypeError(f"{self.expr} is known only to Helm: use when()")


def bare(type_: Any) -> Any:
    """Strip `Annotated`."""
    return get_args(type_)[0] if get_origin(type_) is Annotated else type_


def kind_of(type_: Any) -> str:
    """Say how a value of this type is written: int, number, bool, str, list or map."""
    plain = bare(type_)
    origin = get_origin(plain) or plain
    if origin is Literal:
        return "str"
    if origin in (list, tuple, Sequence):
        return "list"
    if origin in (types.UnionType, typing.Union):
        raise TypeError(f"{plain}: a value has one type; say absence with an empty value")
    return _SCALARS.get(origin, "map")


def refs(model: type[T], path: str) -> T:
    """Mirror a struct of values below `path`: every leaf is a `Ref`, a checker sees the struct itself."""
    hints = get_type_hints(model, include_extras=True)
    fields = msgspec.structs.fields(cast(Any, model))
    return cast(
        T,
        types.SimpleNamespace(**{f.name: _member(hints[f.name], f"{path}.{f.encode_name}") for f in fields}),
    )


def _member(type_: Any, path: str) -> Any:
    plain = bare(type_)
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return refs(plain, path)
    return Ref(type_, path)


def ref(value: object) -> Ref:
    """Take a typed value of a mirrored struct back as the reference that it is."""
    if not isinstance(value, Ref):
        raise TypeError(f"{value!r} is not a reference to a value")
    return value


def when(condition: object, body: Any) -> dict[str, Any]:
    """Keys (`**when(c, {...})`) or list items (`when(c, [...])`) that stand only if the condition holds."""
    return {_control("if", ref(condition).expr, body): body}


@overload
def each(items: Mapping[K, V], body: Callable[[K, V], Any]) -> dict[str, Any]: ...
@overload
def each(items: Sequence[V], body: Callable[[V], Any]) -> dict[str, Any]: ...
def each(items: object, body: Callable[..., Any]) -> dict[str, Any]:
    """Repeat list items over a list or map of values; over a map the body takes key and value."""
    source = ref(items)
    variable = "$" + source.expr.rpartition(".")[2]
    element = get_args(source.type)[-1]
    if kind_of(source.type) == "list":
        out = body(_member(element, variable))
        return {_control("range", f"$_, {variable} := {source.expr}", out): out}
    out = body(Ref(str, f"{variable}Key"), _member(element, variable))
    return {_control("range", f"{variable}Key, {variable} := {source.expr}", out): out}


def spread(items: object) -> dict[str, Any]:
    """Merge the entries of a values map into the surrounding map."""
    return {str(ref(items)): ""}


def _control(word: str, expr: str, body: Any) -> str:
    # the first key tells two blocks on one condition in one map apart
    first = next(iter(body)) if isinstance(body, Mapping) else ""
    label = TOKEN.sub(lambda mark: mark[2], first) if isinstance(first, str) else ""
    return f"{OPEN}{word}|{expr}|{label}{CLOSE}"


def text(value: object) -> str:
    """Spell a number as text, where the API wants text."""
    source = ref(value)
    expr = f"int64 {_operand(source.expr)}" if source.type is int else source.expr
    return Ref(str, expr, "str")


def _operand(expr: str) -> str:
    return f"({expr})" if " " in expr else expr


def _literal(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def filled(value: object) -> bool:
    """Hold if a text, list or map is not empty, a number not zero."""
    return cast(bool, Ref(bool, ref(value).expr))


def equals(value: object, other: str | int | bool) -> bool:
    """Hold if the value is exactly this."""
    left = ref(value)
    expr = f"int64 {_operand(left.expr)}" if left.type is int else _operand(left.expr)
    return cast(bool, Ref(bool, f"eq {_operand(expr)} {_literal(other)}"))


def negate(condition: object) -> bool:
    """Hold if the condition does not."""
    return cast(bool, Ref(bool, f"not {_operand(ref(condition).expr)}"))


def both(*conditions: object) -> bool:
    """Hold if all conditions do."""
    return cast(bool, Ref(bool, "and " + " ".join(f"({ref(c).expr})" for c in conditions)))


def either(*conditions: object) -> bool:
    """Hold if one condition does."""
    return cast(bool, Ref(bool, "or " + " ".join(f"({ref(c).expr})" for c in conditions)))


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) else f"int64 {_operand(ref(value).expr)}"


def add(*terms: object) -> int:
    """Add whole numbers."""
    return cast(int, Ref(int, "add " + " ".join(_operand(_number(t)) for t in terms)))


def ceil_div(value: object, divisor: int) -> int:
    """Divide a whole number, rounding up."""
    return cast(int, Ref(int, f"div ({ref(add(value, divisor - 1)).expr}) {divisor}"))


def or_else(value: object, fallback: object) -> str:
    """Take the value, or the fallback where the value is empty."""
    return cast(str, Ref(str, f"or {_operand(ref(value).expr)} {_operand(ref(fallback).expr)}", "str"))


RELEASE_NAMESPACE = Ref(str, "@.Release.Namespace")
