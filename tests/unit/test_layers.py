"""Layers: maps merge, everything else replaces, and each knows the line it came from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import Location
from generator.resolve.layers import Origin, Row, find, merged, of_rows, of_tree, origins
from generator.sources.document import Document, parse
from generator.values.tree import merge

KEY = st.sampled_from(["a", "b", "c"])


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(KEY, inner, max_size=3)


TREE = st.recursive(st.integers() | st.lists(st.integers(), max_size=2), nested, max_leaves=8)
MAP = st.dictionaries(KEY, TREE, max_size=3)


def document(text: str, file: str = "a.yaml") -> Document:
    found, problems = parse(text.encode(), file)
    assert found is not None and not problems
    return found


def test_maps_merge_and_lists_replace() -> None:
    below = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert merge(below, {"a": {"y": [3]}, "c": 2}) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": 2}


@given(MAP, MAP)
def test_merging_changes_neither_of_the_two(below: dict[str, Any], over: dict[str, Any]) -> None:
    before = repr((below, over))
    merge(below, over)
    assert repr((below, over)) == before


@given(MAP, MAP, MAP)
def test_merging_is_associative_where_maps_stay_maps(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    if any(mixed(x, y) for x, y in ((a, b), (b, c), (a, c))):
        return
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def mixed(a: Any, b: Any) -> bool:
    both = isinstance(a, dict) and isinstance(b, dict)
    return (
        any(mixed(a[key], b[key]) for key in a.keys() & b.keys())
        if both
        else isinstance(a, dict) != isinstance(b, dict)
    )


@given(MAP)
def test_a_tree_laid_over_itself_or_nothing_stays_as_it_is(tree: dict[str, Any]) -> None:
    assert merge(tree, tree) == merge(tree, {}) == merge({}, tree) == tree


@pytest.mark.parametrize(
    ("path", "found"),
    [((), True), (("a",), True), (("a", 1), True), (("a", 2), False), (("b",), False), (("a", "x"), False)],
)
def test_a_path_is_looked_up_through_maps_and_lists(path: tuple[str | int, ...], found: bool) -> None:
    assert find({"a": [1, 2]}, path)[0] is found


def test_the_last_layer_wins_and_all_are_listed() -> None:
    stack = [of_rows("low", [Row(("a", "b"), 1, rule="r")]), of_rows("high", [Row(("a", "b"), 2)])]
    assert merged(stack) == {"a": {"b": 2}}
    assert [(o.layer, o.value) for o in origins(stack, ("a", "b"))] == [("low", 1), ("high", 2)]


def test_a_value_that_a_person_wrote_knows_its_line() -> None:
    text = document("model: m\nvalues:\n  engine:\n    dtype: half\n")
    layer = of_tree("release", {"engine": {"dtype": "half"}}, text, ("values",))
    assert layer.origin(("engine", "dtype")) == Origin("release", "half", Location("a.yaml", 4, 12))


def test_a_row_knows_the_place_it_was_read_from() -> None:
    text = document("pools:\n  h100: {architecture: arm64}\n", "env.yaml")
    row = Row(("roles", "server", "architecture"), "arm64", text, ("pools", "h100", "architecture"), "the pool's")
    found = of_rows("environment", [row]).origin(("roles", "server", "architecture"))
    assert found is not None and found.place == "env.yaml:2:24 (the pool's)"


def test_a_part_of_what_was_taken_over_as_it_stands_knows_its_own_line() -> None:
    text = document("labels:\n  a: x\n  b: z\n")
    layer = of_rows("environment", [Row(("monitoring", "labels"), {"a": "x", "b": "z"}, text, ("labels",))])
    found = layer.origin(("monitoring", "labels", "b"))
    assert found is not None and found.location == Location("a.yaml", 3, 6)


def test_a_place_below_a_row_leads_to_the_row() -> None:
    layer = of_rows("environment", [Row(("tolerations",), [{"key": "a"}], rule="taints")])
    found = layer.origin(("tolerations", 0, "key"))
    assert found is not None and found.value == "a" and found.place == "(taints)"


def test_a_layer_says_nothing_of_what_it_does_not_set() -> None:
    assert of_rows("a", [Row(("x",), 1)]).origin(("y",)) is None


def test_what_no_line_and_no_rule_set_is_the_charts() -> None:
    assert Origin("engine", 1).place == "chart default"
