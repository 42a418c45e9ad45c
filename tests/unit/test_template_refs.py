"""References: strings that carry a type and an expression, and refuse what only Helm can know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from generator.template.refs import (
    Ref,
    add,
    both,
    ceil_div,
    each,
    either,
    equals,
    filled,
    kind_of,
    negate,
    or_else,
    ref,
    refs,
    spread,
    text,
    when,
)
from generator.values.base import Values


class Inner(Values, frozen=True, kw_only=True):
    max_seqs: Annotated[int, Meta(ge=1)] = 1
    words: list[str] = []


class Outer(Values, frozen=True, kw_only=True):
    name: str = ""
    on: bool = False
    inner: Inner = Inner()
    labels: dict[str, str] = {}
    items: list[Inner] = []


V: Any = refs(Outer, "@.Values")


def test_a_field_is_a_marker_under_its_name_in_the_values() -> None:
    assert str.__str__(V.inner.max_seqs) == "⟦int|@.Values.inner.maxSeqs⟧"


def test_a_misspelt_field_fails_where_it_is_written() -> None:
    with pytest.raises(AttributeError, match="max_sqs"):
        _ = V.inner.max_sqs


def test_the_truth_of_a_reference_is_refused() -> None:
    with pytest.raises(TypeError, match=r"@\.Values\.on is known only to Helm: use when\(\)"):
        if V.on:
            pass


def test_python_arithmetic_on_a_reference_fails() -> None:
    with pytest.raises(TypeError):
        _ = V.inner.max_seqs + 1


def test_a_plain_value_is_no_reference() -> None:
    with pytest.raises(TypeError, match="3 is not a reference"):
        ref(3)


@pytest.mark.parametrize("expression", ["a | quote", "⟦int|x⟧"])
def test_an_expression_holds_no_pipe_and_no_marker(expression: str) -> None:
    with pytest.raises(ValueError, match="no marker and no pipe"):
        Ref(str, expression)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (int, "int"),
        (Annotated[int, Meta(ge=0)], "int"),
        (float, "number"),
        (bool, "bool"),
        (Literal["a", "b"], "str"),
        (list[str], "list"),
        (dict[str, Any], "map"),
        (Inner, "map"),
    ],
)
def test_the_declared_type_decides_the_kind(type_: object, kind: str) -> None:
    assert kind_of(type_) == kind


def test_a_value_that_may_be_absent_has_no_kind() -> None:
    with pytest.raises(TypeError, match="say absence with an empty value"):
        kind_of(int | None)


@pytest.mark.parametrize(
    ("made", "expression"),
    [
        (filled(V.name), "@.Values.name"),
        (equals(V.name, "a"), 'eq @.Values.name "a"'),
        (equals(V.inner.max_seqs, 2), "eq (int64 @.Values.inner.maxSeqs) 2"),
        (equals(V.on, True), "eq @.Values.on true"),
        (negate(filled(V.name)), "not @.Values.name"),
        (negate(equals(V.name, "a")), 'not (eq @.Values.name "a")'),
        (both(V.on, filled(V.name)), "and (@.Values.on) (@.Values.name)"),
        (either(V.on, filled(V.name)), "or (@.Values.on) (@.Values.name)"),
        (add(V.inner.max_seqs, 5), "add (int64 @.Values.inner.maxSeqs) 5"),
        (ceil_div(V.inner.max_seqs, 10), "div (add (int64 @.Values.inner.maxSeqs) 9) 10"),
        (text(V.inner.max_seqs), "int64 @.Values.inner.maxSeqs"),
        (or_else(V.name, V.name), "or @.Values.name @.Values.name"),
    ],
)
def test_a_function_over_references_writes_the_expression_of_helm(made: object, expression: str) -> None:
    assert ref(made).expr == expression


def test_text_of_a_number_is_written_as_text() -> None:
    assert str.__str__(text(V.inner.max_seqs)).startswith("⟦str|")


def test_a_condition_must_be_a_reference() -> None:
    with pytest.raises(TypeError, match="True is not a reference"):
        when(True, {"a": 1})


def test_two_blocks_on_one_condition_in_one_map_both_stay() -> None:
    body = {**when(V.on, {"a": 1}), **when(V.on, {"b": 2})}
    assert list(body.values()) == [{"a": 1}, {"b": 2}]


def test_two_spreads_on_one_condition_in_one_map_both_stay() -> None:
    more = Ref(dict[str, str], "@.Values.more")
    assert len({**when(V.on, spread(V.labels)), **when(V.on, spread(more))}) == 2


def test_a_loop_over_a_list_gives_its_element_with_all_fields() -> None:
    (key, body), *_ = each(V.items, lambda item: [{"n": item.max_seqs}]).items()
    assert key == "⟦range|$_, $items := @.Values.items|⟧"
    assert str.__str__(body[0]["n"]) == "⟦int|$items.maxSeqs⟧"


def test_a_loop_over_a_map_gives_key_and_value() -> None:
    (key, body), *_ = each(V.labels, lambda name, value: [{"k": name, "v": value}]).items()
    assert key == "⟦range|$labelsKey, $labels := @.Values.labels|⟧"
    assert [str.__str__(word) for word in body[0].values()] == ["⟦str|$labelsKey⟧", "⟦str|$labels⟧"]


def test_a_reference_inside_text_keeps_its_marker() -> None:
    assert f"--n={V.inner.max_seqs}" == "--n=⟦int|@.Values.inner.maxSeqs⟧"
