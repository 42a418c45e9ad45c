"""Expand an object with references in Python, keeping the values path behind every leaf.

A second opinion on Helm: what stands here must equal what `helm template` prints for the same values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from generator.template.emit import CONTROLS, control, whole
from generator.template.refs import TOKEN

Path = tuple[str | int, ...]

_LEXEME = re.compile(r'\s*(?:(\()|(\))|"([^"]*)"|(-?\d+)(?![\w.])|([^\s()"]+))')


class Whole(int):
    """A number that Go holds as int64: printed in full, while a plain value is a float64."""


class Found(msgspec.Struct, frozen=True):
    """A value with the paths below `.Values` that it was made of."""

    value: Any
    paths: tuple[Path, ...] = ()


class Expansion(msgspec.Struct, frozen=True):
    """An expanded object, and the values paths behind each of its leaves: read there, or in the condition around."""

    data: Any
    origins: dict[Path, tuple[Path, ...]]

    def origin(self, path: Path) -> tuple[Path, ...]:
        """Give the values paths behind a place, or behind the nearest place above it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        return ()

    def below(self, path: Path) -> tuple[Path, ...]:
        """Give the values paths behind everything below a place."""
        found = (paths for place, paths in self.origins.items() if place[: len(path)] == path)
        return tuple(dict.fromkeys(item for paths in found for item in paths))


def go_number(value: float | int) -> str:
    """Print a number as Go's `%v` prints a float64: shortest digits, an exponent from a million on."""
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    if -4 <= power < 6 or value == 0:
        return f"{Decimal(repr(float(value))).normalize():f}"
    head, tail = str(digits[0]), "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{head}{'.' if tail else ''}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"


def text_of(value: Any) -> str:
    """Print a value as Go's `%v` does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Whole):
        return str(int(value))
    return go_number(value) if isinstance(value, (int, float)) else str(value)


class Scope:
    """Values, the variables of the loops around, and what the nearest condition around was made of."""

    def __init__(
        self,
        values: Mapping[str, Any],
        namespace: str,
        variables: dict[str, Found] | None = None,
        given: tuple[Path, ...] = (),
    ) -> None:
        self.values = values
        self.namespace = namespace
        self.variables = variables or {}
        self.given = given

    def bind(self, **variables: Found) -> Scope:
        return Scope(self.values, self.namespace, {**self.variables, **variables}, self.given)

    def under(self, condition: Found) -> Scope:
        return Scope(self.values, self.namespace, self.variables, condition.paths or self.given)

    def lookup(self, path: str) -> Found:
        head, *rest = path.split(".")
        if head == "@":
            if rest == ["Release", "Namespace"]:
                return Found(self.namespace)
            head, *rest = rest
            if head != "Values":
                raise ValueError(f"{path}: not a value")
            found = Found(self.values, ((),))
        elif head.startswith("$"):
            found = self.variables[head[1:]]
        else:
            raise ValueError(f"{path}: not a value")
        data = found.value
        for word in rest:
            data = data.get(word) if isinstance(data, Mapping) else None
        return Found(data, tuple((*base, *rest) for base in found.paths))

    def evaluate(self, expr: str) -> Found:
        """Evaluate a Go template expression of the few functions that references use."""
        words = list(_LEXEME.finditer(expr))
        found, end = self._call(words, 0)
        if end != len(words):
            raise ValueError(f"{expr}: cannot be read")
        return found

    def _call(self, words: list[re.Match[str]], at: int) -> tuple[Found, int]:
        name = words[at][5]
        if name is None or name[0] in "@$" or name in ("true", "false"):
            return self._term(words, at)
        at += 1
        args: list[Found] = []
        while at < len(words) and words[at][2] is None:
            arg, at = self._term(words, at)
            args.append(arg)
        paths = tuple(dict.fromkeys(path for arg in args for path in arg.paths))
        return Found(_FUNCTIONS[name]([arg.value for arg in args]), paths), at

    def _term(self, words: list[re.Match[str]], at: int) -> tuple[Found, int]:
        match = words[at]
        if match[1]:
            found, at = self._call(words, at + 1)
            return found, at + 1
        if match[3] is not None:
            return Found(match[3]), at + 1
        if match[4]:
            return Found(int(match[4])), at + 1
        if match[5] in ("true", "false"):
            return Found(match[5] == "true"), at + 1
        return self.lookup(match[5]), at + 1


def truthy(value: Any) -> bool:
    """Tell what `if` makes of a value."""
    return bool(value)


def _first(args: list[Any], *, wanted: bool) -> Any:
    for arg in args[:-1]:
        if truthy(arg) is wanted:
            return arg
    return args[-1]


_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "not": lambda args: not truthy(args[0]),
    "and": lambda args: _first(args, wanted=False),
    "or": lambda args: _first(args, wanted=True),
    "eq": lambda args: args[0] == args[1],
    "int64": lambda args: Whole(args[0]),
    "add": lambda args: Whole(sum(int(arg) for arg in args)),
    "div": lambda args: Whole(int(args[0]) // int(args[1])),
}

_ABSENT = object()


def expand(skeleton: Mapping[str, Any], values: Mapping[str, Any], namespace: str) -> Expansion:
    """Expand one object of a chart's skeleton with complete values."""
    origins: dict[Path, tuple[Path, ...]] = {}
    data = _mapping(skeleton, Scope(values, namespace), (), origins)
    return Expansion(data, origins)


def holds(condition: str, values: Mapping[str, Any], namespace: str) -> bool:
    """Tell whether the condition on an object, a marker or nothing, holds."""
    mark = whole(condition)
    return mark is None or truthy(Scope(values, namespace).evaluate(mark[1]).value)


def _mapping(data: Mapping[str, Any], scope: Scope, at: Path, origins: dict[Path, tuple[Path, ...]]) -> Any:
    out: dict[str, Any] = {}
    for key, value in data.items():
        mark = whole(key)
        if mark and mark[0] == "if":
            condition = scope.evaluate(mark[1])
            if truthy(condition.value):
                out.update(_mapping(value, scope.under(condition), at, origins))
        elif mark and mark[0] == "range":
            for inner in _iterate(mark[1], scope):
                out.update(_mapping(value, inner, at, origins))
        elif mark and mark[0] == "map":
            found = scope.evaluate(mark[1])
            for name, item in (found.value or {}).items():
                out[name] = item
                _trace(item, (*at, name), tuple((*p, name) for p in found.paths), origins)
        else:
            name = _scalar(key, scope).value
            item = _entry(value, scope, (*at, name), origins)
            if item is not _ABSENT:
                out[name] = item
    return out


def _entry(value: Any, scope: Scope, at: Path, origins: dict[Path, tuple[Path, ...]]) -> Any:
    mark = whole(value)
    if mark and mark[0] in ("map", "list"):
        found = scope.evaluate(mark[1])
        if not truthy(found.value):
            return _ABSENT
        _trace(found.value, at, found.paths, origins)
        return found.value
    if isinstance(value, Mapping) and value:
        return _mapping(value, scope, at, origins) or _ABSENT
    if isinstance(value, list) and value:
        return _sequence(value, scope, at, origins) or _ABSENT
    return _leaf(value, scope, at, origins)


def _sequence(items: list[Any], scope: Scope, at: Path, origins: dict[Path, tuple[Path, ...]]) -> list[Any]:
    out: list[Any] = []
    _extend(items, scope, at, origins, out)
    return out


def _extend(items: list[Any], scope: Scope, at: Path, origins: dict[Path, tuple[Path, ...]], out: list[Any]) -> None:
    for item in items:
        block, mark = control(item), whole(item)
        if block and block[0] == "if":
            condition = scope.evaluate(block[1])
            if truthy(condition.value):
                _extend(block[2], scope.under(condition), at, origins, out)
        elif block:
            for inner in _iterate(block[1], scope):
                _extend(block[2], inner, at, origins, out)
        elif mark and mark[0] == "list":
            found = scope.evaluate(mark[1])
            for index, element in enumerate(found.value or []):
                _trace(element, (*at, len(out)), tuple((*p, index) for p in found.paths), origins)
                out.append(element)
        elif mark and mark[0] == "map":
            found = scope.evaluate(mark[1])
            _trace(found.value, (*at, len(out)), found.paths, origins)
            out.append(found.value)
        elif isinstance(item, Mapping) and item:
            out.append(_mapping(item, scope, (*at, len(out)), origins))
        elif isinstance(item, list) and item:
            out.append(_sequence(item, scope, (*at, len(out)), origins))
        else:
            out.append(_leaf(item, scope, (*at, len(out)), origins))


def _leaf(value: Any, scope: Scope, at: Path, origins: dict[Path, tuple[Path, ...]]) -> Any:
    found = _scalar(value, scope) if isinstance(value, str) else Found(value)
    # what the chart writes itself, but not always, is there because of the values in the condition
    if paths := found.paths or scope.given:
        origins[at] = paths
    return found.value


def _scalar(value: str, scope: Scope) -> Found:
    mark = whole(value)
    if mark and mark[0] not in CONTROLS:
        found = scope.evaluate(mark[1])
        if mark[0] == "str":
            return Found(text_of(found.value), found.paths)
        return Found(int(found.value), found.paths) if isinstance(found.value, Whole) else found
    parts = TOKEN.split(value)
    if len(parts) == 1:
        return Found(value)
    pieces = [parts[0]]
    paths: list[Path] = []
    for kind, expr, tail in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found = scope.evaluate(expr)
        pieces += [str(int(found.value)) if kind == "int" else text_of(found.value), tail]
        paths += found.paths
    return Found("".join(pieces), tuple(dict.fromkeys(paths)))


def _iterate(expr: str, scope: Scope) -> list[Scope]:
    names, _, source = expr.partition(" := ")
    key, item = (name.strip().removeprefix("$") for name in names.split(","))
    found = scope.evaluate(source)
    if isinstance(found.value, Mapping):
        # Helm ranges over a map in the order of its keys
        return [
            scope.bind(
                **{
                    key: Found(name, found.paths),
                    item: Found(element, tuple((*p, name) for p in found.paths)),
                }
            )
            for name, element in sorted(found.value.items())
        ]
    return [
        scope.bind(**{item: Found(element, tuple((*p, index) for p in found.paths))})
        for index, element in enumerate(found.value or [])
    ]


def _trace(data: Any, at: Path, paths: tuple[Path, ...], origins: dict[Path, tuple[Path, ...]]) -> None:
    origins[at] = paths
    if isinstance(data, Mapping):
        for key, value in data.items():
            _trace(value, (*at, key), tuple((*p, key) for p in paths), origins)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _trace(value, (*at, index), tuple((*p, index) for p in paths), origins)
