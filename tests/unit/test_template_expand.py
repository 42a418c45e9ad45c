"""The same expansion in Python, and the values path behind every leaf."""

from __future__ import annotations

from typing import Any

import pytest

from generator.template.expand import expand, go_number, holds
from generator.template.refs import RELEASE_NAMESPACE, Ref, add, ceil_div, each, equals, or_else, spread, text, when

VALUES: dict[str, Any] = {
    "name": "m",
    "namespace": "",
    "count": 1048576,
    "share": 0.92,
    "on": True,
    "words": ["a", "b"],
    "labels": {"y": "2", "x": "1"},
    "empty": {},
    "pools": [{"name": "p", "size": 2}, {"name": "q", "size": 3}],
}
NAME = Ref(str, "@.Values.name")
COUNT = Ref(int, "@.Values.count")
LABELS = Ref(dict[str, str], "@.Values.labels")
WORDS = Ref(list[str], "@.Values.words")


def data(skeleton: dict[str, Any]) -> Any:
    return expand(skeleton, VALUES, "team").data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (COUNT, 1048576),
        (text(COUNT), "1048576"),
        (text(Ref(float, "@.Values.share")), "0.92"),
        (f"n={COUNT}", "n=1048576"),
        (f"{NAME}-{Ref(bool, '@.Values.on')}", "m-true"),
        (add(COUNT, 1), 1048577),
        (ceil_div(COUNT, 1000), 1049),
        (or_else(Ref(str, "@.Values.namespace"), RELEASE_NAMESPACE), "team"),
        (equals(NAME, "m"), True),
        ("plain", "plain"),
        (7, 7),
    ],
)
def test_a_leaf_is_what_helm_prints(value: object, expected: object) -> None:
    assert data({"a": str.__str__(value) if isinstance(value, str) else value}) == {"a": expected}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((1, "1"), (0.5, "0.5"), (999999, "999999"), (0.0001, "0.0001"), (0, "0"), (-2.5, "-2.5")),
        *((1e6, "1e+06"), (1234567, "1.234567e+06"), (1e-5, "1e-05"), (1e21, "1e+21")),
    ],
)
def test_a_number_is_printed_as_go_does(number: float, shown: str) -> None:
    assert go_number(number) == shown


def test_a_condition_that_fails_leaves_nothing() -> None:
    assert data({"a": 1, **when(equals(NAME, "n"), {"b": 2})}) == {"a": 1}


def test_an_empty_value_takes_its_key_along() -> None:
    assert data({"a": {"b": str(Ref(dict[str, str], "@.Values.empty"))}, "c": 1}) == {"c": 1}


def test_a_loop_over_a_map_runs_in_the_order_of_its_keys() -> None:
    found = data({"a": [each(LABELS, lambda key, value: [f"{key}={value}"])]})  # type: ignore[arg-type]
    assert found == {"a": ["x=1", "y=2"]}


def test_a_leaf_knows_its_value() -> None:
    assert expand({"a": {"b": str(COUNT)}}, VALUES, "team").origin(("a", "b")) == (("count",),)


def test_text_of_two_values_knows_both() -> None:
    assert expand({"a": f"{NAME}-{COUNT}"}, VALUES, "team").origin(("a",)) == (("name",), ("count",))


def test_what_a_list_brings_knows_its_item() -> None:
    found = expand({"a": ["first", str(WORDS)]}, VALUES, "team")
    assert found.origin(("a", 2)) == (("words", 1),)


def test_what_a_spread_brings_knows_its_entry() -> None:
    assert expand({"a": {**spread(LABELS)}}, VALUES, "team").origin(("a", "y")) == (("labels", "y"),)


def test_what_a_loop_makes_knows_its_element() -> None:
    pools = Ref(list[dict[str, Any]], "@.Values.pools")
    body = each(pools, lambda pool: [{"n": Ref(int, "$pools.size"), "of": NAME}])
    found = expand({"a": [body]}, VALUES, "team")
    assert found.origin(("a", 1, "n")) == (("pools", 1, "size"),)
    assert found.origin(("a", 1, "of")) == (("name",),)


def test_a_place_below_a_leaf_leads_to_the_leaf() -> None:
    assert expand({"a": str(COUNT)}, VALUES, "team").origin(("a", "b", 0)) == (("count",),)


def test_what_the_chart_writes_under_a_condition_leads_to_the_condition() -> None:
    body = {**when(equals(NAME, "m"), {"a": "fixed", "b": [1, str(COUNT)], **when(Ref(bool, "@.Values.on"), {"c": 2})})}
    found = expand(body, VALUES, "team")
    assert found.origin(("a",)) == found.origin(("b", 0)) == (("name",),)
    assert found.origin(("b", 1)) == (("count",),) and found.origin(("c",)) == (("on",),)


def test_a_container_knows_the_values_of_everything_below() -> None:
    found = expand({"a": {"b": str(COUNT), "c": [str(NAME), "x"]}}, VALUES, "team")
    assert found.below(("a",)) == (("count",), ("name",)) and found.below(("a", "c")) == (("name",),)


def test_what_the_chart_writes_itself_has_no_value_behind_it() -> None:
    assert expand({"a": "fixed"}, VALUES, "team").origin(("a",)) == ()


def test_an_object_without_a_condition_always_stands() -> None:
    assert holds("", VALUES, "team")


def test_the_condition_of_an_object_is_read() -> None:
    assert not holds(str.__str__(equals(NAME, "n")), VALUES, "team")


def test_an_expression_of_another_world_is_refused() -> None:
    with pytest.raises(ValueError, match="not a value"):
        expand({"a": "⟦str|@.Chart.Name⟧"}, VALUES, "team")
