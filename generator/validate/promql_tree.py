"""PromQL as a tree: what a query reads, which labels its answer carries, and what it says when nothing is scraped.

This file knows the language and nothing of a release. `scrapes` says what Prometheus stores of one, `promql` and
`replicas` hold the two against each other.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

SETS = frozenset(("and", "or", "unless"))
# functions whose answer has one element without labels, whatever they read
BARE = frozenset(("vector", "absent", "absent_over_time"))
RATES = frozenset(("rate", "irate", "increase", "resets"))
SLOPES = frozenset(("delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"))
# aggregations that keep whole elements
PICKS = frozenset(("topk", "bottomk", "limitk", "limit_ratio"))


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label."""

    name: str
    sign: str
    value: str

    def takes(self, value: str) -> bool:
        """Tell whether a series with this value of the label passes; a label that is missing is empty."""
        if self.sign in ("=", "!="):
            return (value == self.value) == (self.sign == "=")
        return (re.fullmatch(self.value, value) is not None) == (self.sign == "=~")

    def __str__(self) -> str:
        return f'{self.name}{self.sign}"{self.value}"'


class Series(msgspec.Struct, frozen=True):
    """What a query reads: a series by name and labels, over a window where it has one."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    window_seconds: float | None = None


class Number(msgspec.Struct, frozen=True):
    """A constant."""

    value: float


class Call(msgspec.Struct, frozen=True):
    """A function, a sign before an expression among them."""

    name: str
    arguments: tuple[Node, ...]
    text: str = ""


class Aggregation(msgspec.Struct, frozen=True):
    """Many elements to few: one for each value of the labels that are kept."""

    name: str
    inner: Node
    by: frozenset[str] | None = None
    without: frozenset[str] | None = None
    parameter: Node | None = None


class Binary(msgspec.Struct, frozen=True):
    """Two sides; elements of equal labels meet, but for what `on` and `ignoring` say."""

    sign: str
    left: Node
    right: Node
    on: frozenset[str] | None = None
    ignoring: frozenset[str] | None = None
    # the side with several elements for one of the other: "left", "right" or neither
    many: str = ""
    # labels that `many` takes over from the other side
    taken: frozenset[str] = frozenset()


Node: TypeAlias = Series | Number | Call | Aggregation | Binary
# the labels of a series, or None where nobody knows them
LabelsOf: TypeAlias = Callable[[Series], frozenset[str] | None]


class Reads(enum.Enum):
    """What an expression gives when some of its series are missing."""

    NOTHING = "nothing"
    CONSTANT = "constant"
    SERIES = "series"


@functools.lru_cache(maxsize=4096)
def parse(query: str) -> Node:
    """Read an expression with its types.

    Raises: ValueError with the parser's words.
    """
    # a build without a query need not load it
    import promql_parser

    return _node(promql_parser.parse(query))


def _node(found: Any) -> Node:
    return _KINDS[type(found).__name__](found)


def _selector(found: Any, window: Any = None) -> Series:
    matchers = [Matcher(m.name, _SIGNS[str(m.op).rpartition(".")[2]], m.value) for m in found.matchers.matchers]
    name = found.name or next((m.value for m in matchers if m.name == "__name__" and m.sign == "="), "")
    labels = tuple(m for m in matchers if m.name != "__name__")
    return Series(name, labels, None if window is None else window.total_seconds())


def _aggregation(found: Any) -> Aggregation:
    by = without = None
    if found.modifier is not None:
        labels = frozenset(found.modifier.labels)
        by, without = (labels, None) if str(found.modifier.type).endswith("By") else (None, labels)
    parameter = found.param if found.param is None or isinstance(found.param, str) else _node(found.param)
    kept = parameter if not isinstance(parameter, str) else None
    return Aggregation(str(found.op), _node(found.expr), by, without, kept)


def _binary(found: Any) -> Binary:
    on = ignoring = None
    many, taken = "", frozenset[str]()
    if found.modifier is not None:
        matching = found.modifier.matching
        if matching is not None:
            labels = frozenset(matching.labels)
            on, ignoring = (labels, None) if str(matching.type).endswith("Include") else (None, labels)
        many = {"ManyToOne": "left", "OneToMany": "right"}.get(str(found.modifier.card).rpartition(".")[2], "")
        taken = frozenset(found.modifier.group_labels or ())
    return Binary(str(found.op), _node(found.lhs), _node(found.rhs), on, ignoring, many, taken)


def _call(found: Any) -> Call:
    texts = [item.val for item in found.args if type(item).__name__ == "StringLiteral"]
    nodes = tuple(_node(item) for item in found.args if type(item).__name__ != "StringLiteral")
    return Call(found.func.name, nodes, texts[0] if texts else "")


_SIGNS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_KINDS: dict[str, Callable[[Any], Node]] = {
    "VectorSelector": _selector,
    "MatrixSelector": lambda found: _selector(found.vector_selector, found.range),
    "NumberLiteral": lambda found: Number(found.val),
    "StringLiteral": lambda found: Call("text", (), found.val),
    "ParenExpr": lambda found: _node(found.expr),
    "UnaryExpr": lambda found: Call("-", (_node(found.expr),)),
    "SubqueryExpr": lambda found: Call("subquery", (_node(found.expr),)),
    "Call": _call,
    "AggregateExpr": _aggregation,
    "BinaryExpr": _binary,
}


# ---- what it reads -----------------------------------------------------------------------------------------


def inside(node: Node) -> list[Node]:
    """List an expression and everything in it, from outside in and from left to right."""
    found: list[Node] = []
    left = [node]
    while left:
        found.append(left.pop())
        left += reversed(children(found[-1]))
    return found


def children(node: Node) -> tuple[Node, ...]:
    """The parts of one expression."""
    if isinstance(node, Binary):
        return node.left, node.right
    if isinstance(node, Aggregation):
        return (node.inner,)
    return node.arguments if isinstance(node, Call) else ()


def series_of(node: Node) -> list[Series]:
    """Everything that an expression reads, in its order."""
    return [part for part in inside(node) if isinstance(part, Series)]


def around(node: Node) -> list[tuple[Series, tuple[str, ...]]]:
    """Everything that an expression reads, each with the functions and aggregations around it, from outside in."""
    if isinstance(node, Series):
        return [(node, ())]
    name = (node.name,) if isinstance(node, Aggregation | Call) else ()
    return [(series, (*name, *names)) for child in children(node) for series, names in around(child)]


def is_scalar(node: Node) -> bool:
    """Tell whether an expression is a bare number, which has no labels and is no element."""
    if isinstance(node, Binary):
        return is_scalar(node.left) and is_scalar(node.right)
    if isinstance(node, Call):
        if node.name == "-":
            return is_scalar(node.arguments[0])
        return node.name in ("scalar", "time", "pi", "text")
    return isinstance(node, Number)


# ---- what comes out ----------------------------------------------------------------------------------------


def labels_of(node: Node, known: LabelsOf) -> frozenset[str] | None:
    """The labels that an answer's elements can carry, or None where nobody knows."""
    if isinstance(node, Series):
        return known(node)
    if isinstance(node, Aggregation):
        inner = labels_of(node.inner, known)
        if node.name in PICKS:
            return inner
        if node.by is not None:
            return node.by if inner is None else node.by & inner
        if node.without is not None:
            return None if inner is None else inner - node.without
        return frozenset({node.parameter.text}) if isinstance(node.parameter, Call) else frozenset()
    if isinstance(node, Binary):
        return _labels_of_binary(node, known)
    if isinstance(node, Call):
        return _labels_of_call(node, known)
    return frozenset()


def _labels_of_binary(node: Binary, known: LabelsOf) -> frozenset[str] | None:
    left, right = labels_of(node.left, known), labels_of(node.right, known)
    if node.many:
        many = left if node.many == "left" else right
        return None if many is None else many | node.taken
    if is_scalar(node.left):
        return right
    if is_scalar(node.right) or node.sign in ("and", "unless"):
        return left
    if node.sign == "or":
        return None if left is None or right is None else left | right
    if node.on is not None:
        return node.on
    return None if left is None else left - (node.ignoring or frozenset())


def _labels_of_call(node: Call, known: LabelsOf) -> frozenset[str] | None:
    vectors = [item for item in node.arguments if not is_scalar(item)]
    if node.name in BARE or not vectors:
        return frozenset()
    inner = labels_of(vectors[0], known)
    if node.name in ("label_replace", "label_join"):
        return None if inner is None else inner | {node.text}
    return None if inner is None else inner - ({"le"} if node.name == "histogram_quantile" else set())


def is_single(node: Node) -> bool:
    """Tell whether an answer can never have two elements."""
    if _bare(node):
        return True
    if isinstance(node, Aggregation):
        first = node.name in ("topk", "bottomk", "limitk")
        return is_single(node.inner) or (first and not node.by and node.without is None and node.parameter == Number(1))
    if isinstance(node, Call):
        return all(is_single(item) for item in node.arguments if not is_scalar(item))
    if isinstance(node, Binary):
        return _is_single_binary(node)
    return False


def _is_single_binary(node: Binary) -> bool:
    if is_scalar(node.left) or is_scalar(node.right):
        return is_single(node.right if is_scalar(node.left) else node.left)
    left, right = is_single(node.left), is_single(node.right)
    if node.sign == "or":
        # the right one is left out only where its labels are those of the left one
        alike = node.on == frozenset() or _bare(node.left) == _bare(node.right) is True
        return left and right and alike
    if node.many or node.sign in SETS:
        return right if node.many == "right" else left
    return left or right


def _bare(node: Node) -> bool:
    """Tell whether an answer's elements have no labels at all."""
    return labels_of(node, lambda _: None) == frozenset()


def when_missing(node: Node, missing: Callable[[Series], bool]) -> Reads:
    """Say what an expression gives while some series have no sample."""
    if isinstance(node, Series):
        return Reads.NOTHING if missing(node) else Reads.SERIES
    if isinstance(node, Call) and node.name in BARE:
        return Reads.CONSTANT
    if isinstance(node, Number) or is_scalar(node):
        return Reads.CONSTANT
    found = [when_missing(child, missing) for child in children(node) if not is_scalar(child)]
    if isinstance(node, Binary) and node.sign == "or":
        return found[1] if found[0] is Reads.NOTHING else found[0]
    if isinstance(node, Binary) and node.sign == "unless":
        return found[0]
    if Reads.NOTHING in found:
        return Reads.NOTHING
    return Reads.SERIES if Reads.SERIES in found else Reads.CONSTANT
