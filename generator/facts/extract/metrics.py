"""Finds the Prometheus metrics that a Python package declares, by reading its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from generator.facts.extract.literals import parsed
from generator.facts.model import Metric, MetricType

_KINDS = ("gauge", "counter", "histogram", "summary")


class Reading(msgspec.Struct, frozen=True):
    """What a package's own code leaves to be said: names of parameters and what they stand for."""

    prefixes: tuple[str, ...]  # a name that starts otherwise is not a metric of the engine
    labels: Mapping[str, tuple[str, ...]]  # variables that hold label names
    class_labels: Mapping[str, tuple[str, ...]] = {}  # what a class is given when it is made; more may come
    factories: tuple[str, ...] = ()  # methods of the package that make a metric and take the same arguments
    metadata_labels: tuple[str, ...] = ()  # labels that every `...CounterMetadata(...)` gets besides its own


def read(package: Path, reading: Reading) -> list[Metric]:
    """Find every metric that the files of a package declare, in order of name."""
    trees = [parsed(file) for file in sorted(package.rglob("*.py")) if _mentions(file)]
    constants = dict(item for tree in trees for item in _constants(tree))
    found: dict[str, Metric] = {}
    for tree in trees:
        for metric in _Finder(tree, constants, reading).metrics():
            found[metric.name] = _merged(found.get(metric.name), metric)
    return [found[name] for name in sorted(found)]


def exposed(name: str, kind: MetricType) -> str:
    """Name a metric as the Python client exposes it: counters get `_total`."""
    return f"{name}_total" if kind is MetricType.COUNTER and not name.endswith("_total") else name


def _mentions(file: Path) -> bool:
    text = file.read_text(encoding="utf-8").lower()
    return any(kind in text for kind in _KINDS) or "metric" in text


def _merged(first: Metric | None, second: Metric) -> Metric:
    """Join two declarations of one name, such as one with and one without an optional label."""
    if first is None:
        return second
    labels = dict.fromkeys((*first.labels, *second.labels))
    return msgspec.structs.replace(first, labels=tuple(labels), more_labels=first.more_labels or second.more_labels)


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """List constants of a module as NAME, and of its classes as Class.NAME."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield from ((f"{node.name}.{name}", value) for name, value in _assigned(inner))
        yield from _assigned(node)


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((ast.unparse(target), node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value


class _Finder:
    """Finds the declarations in one file."""

    def __init__(self, tree: ast.Module, constants: Mapping[str, ast.expr], reading: Reading) -> None:
        self.tree = tree
        self.constants = constants
        self.reading = reading

    def metrics(self) -> Iterator[Metric]:
        for scope, owner in self._scopes():
            local = _Local(scope, self.constants, self.reading, self.reading.class_labels.get(owner))
            for node in _own_nodes(scope):
                yield from self._declared(node, local)

    def _scopes(self) -> Iterator[tuple[ast.AST, str]]:
        """List the module and every function, with the name of the class it belongs to."""
        yield self.tree, ""
        for owner in ast.walk(self.tree):
            name = owner.name if isinstance(owner, ast.ClassDef) else ""
            for node in ast.iter_child_nodes(owner):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node, name

    def _declared(self, node: ast.AST, local: _Local) -> Iterator[Metric]:
        if isinstance(node, ast.Call):
            yield from self._called(node, local)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield from self._described(key, value, local)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            yield from self._described(node.targets[0].slice, node.value, local)

    def _called(self, call: ast.Call, local: _Local) -> Iterator[Metric]:
        """Read `Gauge("name", "text", ["label"])` and `self._gauge_cls(name=..., labelnames=...)`."""
        function = _last_name(call.func)
        kind = _kind(function)
        makes = function[:1].isupper() or function.endswith("_cls") or function in self.reading.factories
        if kind is None or not makes:
            return
        labels, more = local.labels(_argument(call, "labelnames", 2))
        for name in local.strings(_argument(call, "name", 0)):
            if name.startswith(self.reading.prefixes):
                yield Metric(exposed(name, kind), kind, labels, more_labels=more)

    def _described(self, key: ast.expr | None, value: ast.expr, local: _Local) -> Iterator[Metric]:
        """Read `{NAME: SomeCounterMetadata(labelnames=...)}`: a table that metrics are made from later."""
        if key is None or not isinstance(value, ast.Call) or not _last_name(value.func).endswith("Metadata"):
            return
        kind = _kind(_last_name(value.func).removesuffix("Metadata"))
        labels, more = local.labels(_argument(value, "labelnames", 9))
        for name in local.strings(key) if kind else ():
            if kind and name.startswith(self.reading.prefixes):
                every = dict.fromkeys((*self.reading.metadata_labels, *labels))
                yield Metric(exposed(name, kind), kind, tuple(every), more_labels=more)


class _Local:
    """Resolves expressions inside one function: names, labels."""

    def __init__(
        self,
        scope: ast.AST,
        constants: Mapping[str, ast.expr],
        reading: Reading,
        given: tuple[str, ...] | None,
    ) -> None:
        self.constants = constants
        self.reading = reading
        self.given = given or ()
        self.assigned: dict[str, list[ast.expr]] = {}
        for node in _own_nodes(scope):
            for name, value in _assigned(node):
                self.assigned.setdefault(name, []).append(value)
            for name, value in _unpacked(node):
                self.assigned.setdefault(name, []).append(value)

    def strings(self, node: ast.expr | None, depth: int = 0) -> list[str]:
        """List the strings that an expression may stand for."""
        if node is None or depth > 4:
            return []
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.strings(node.left, depth + 1), self.strings(node.right, depth + 1)
            return [a + b for a in left for b in right]
        if isinstance(node, ast.JoinedStr):
            return self._joined(node, depth)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return self._column(node, node.slice.value, depth)
        return [text for value in self._meant(node) for text in self.strings(value, depth + 1)]

    def _column(self, node: ast.Subscript, position: object, depth: int) -> list[str]:
        """List one position of every tuple in a table."""
        tables = [node.value] if isinstance(node.value, ast.List | ast.Tuple) else self._meant(node.value)
        rows = [row for table in tables for row in getattr(table, "elts", ())]
        cells = [row.elts[position] for row in rows if isinstance(row, ast.Tuple) and isinstance(position, int)]
        return [text for cell in cells for text in self.strings(cell, depth + 1)]

    def _joined(self, node: ast.JoinedStr, depth: int) -> list[str]:
        texts = [""]
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            texts = [text + more for text in texts for more in self.strings(inner, depth + 1)]
        return texts

    def labels(self, node: ast.expr | None, depth: int = 0) -> tuple[tuple[str, ...], bool]:
        """Give the label names an expression holds, and whether there are more than the source says."""
        if node is None:
            return (), False
        if isinstance(node, ast.List | ast.Tuple):
            parts = [self._label(element, depth) for element in node.elts]
            return tuple(dict.fromkeys(n for names, _ in parts for n in names)), any(more for _, more in parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.labels(node.left, depth + 1), self.labels(node.right, depth + 1)
            return (*left[0], *right[0]), left[1] or right[1]
        if isinstance(node, ast.Dict):
            return tuple(text for key in node.keys for text in self.strings(key)), None in node.keys
        return self._labels_of_name(node, depth)

    def _label(self, node: ast.expr, depth: int) -> tuple[tuple[str, ...], bool]:
        if isinstance(node, ast.Starred):
            return self.labels(node.value, depth + 1)
        texts = self.strings(node)
        return tuple(texts), not texts

    def _labels_of_name(self, node: ast.expr, depth: int) -> tuple[tuple[str, ...], bool]:
        while isinstance(node, ast.Call) and _last_name(node.func) in ("list", "tuple", "keys", "sorted"):
            if isinstance(node.func, ast.Attribute):
                node = node.func.value
            elif node.args:
                node = node.args[0]
            else:
                break
        given = self.reading.labels.get(_last_name(node))
        if given is not None:
            return given, False
        values = self._meant(node) if depth < 4 else []
        found = [self.labels(value, depth + 1) for value in values]
        names = dict.fromkeys(name for labels, _ in found for name in labels)
        return (tuple(names), any(more for _, more in found)) if found else (self.given, True)

    def _meant(self, node: ast.expr) -> list[ast.expr]:
        """Look an expression up: a local name, a constant of the package, or a class's attribute."""
        text = ast.unparse(node)
        if text in self.assigned:
            return self.assigned[text]
        for name in (text, ".".join(text.split(".")[-2:]), f"{text.split('.')[-1]}"):
            if name in self.constants:
                return [self.constants[name]]
        return []


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Walk a scope without entering the functions inside it."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += ast.iter_child_nodes(node)


def _unpacked(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Follow `for name, text in [("a", "x"), ...]`: the name stands for every first element."""
    if not isinstance(node, ast.For | ast.comprehension) or not isinstance(node.target, ast.Tuple):
        return
    for position, target in enumerate(node.target.elts):
        if isinstance(target, ast.Name):
            yield target.id, ast.Subscript(node.iter, ast.Constant(position))


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _kind(name: str) -> MetricType | None:
    """Read the type of a metric off the name of what makes it: Gauge, _gauge_cls, OffloadingGauge."""
    lowered = name.lower().removesuffix("_cls")
    return next((MetricType(kind) for kind in _KINDS if lowered.endswith(kind)), None)


def _argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if len(call.args) > position else None
