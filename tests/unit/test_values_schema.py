"""From the types of the values to the schema of a chart, the schema of a layer, and the list of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from msgspec import Meta

from generator import recipes, schemas
from generator.charts.build import minimal
from generator.values import schema
from generator.values.base import Toleration, Values, derived
from generator.values.tree import merge

Tree = dict[str, Any]


class Part(Values, frozen=True, kw_only=True):
    """A part."""

    max_seqs: Annotated[int, Meta(ge=1, description="How many")] = 4
    kind: Annotated[Literal["a", "b"], Meta(description="Which")] = "a"


class Whole(Values, frozen=True, kw_only=True):
    """The whole."""

    name: Annotated[str, Meta(min_length=1, description="Who")]
    size: Annotated[str, derived("How big")] = "1Gi"
    part: Annotated[Part, Meta(description="Its part")] = Part()
    tolerations: Annotated[list[Toleration], Meta(description="Taints to bear")] = []


CHART = schema.chart_schema(Whole)
OVERLAY = schema.overlay_schema(Whole)


def accepts(made: Tree, values: Tree) -> bool:
    return bool(jsonschema_rs.validator_for(made).is_valid(values))


def nodes(node: Any) -> Iterator[Tree]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def test_the_dialect_is_stated() -> None:
    assert CHART["$schema"] == OVERLAY["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_helms_own_key_is_allowed_at_the_root_of_a_chart_only() -> None:
    assert "global" in CHART["properties"] and "global" not in OVERLAY["properties"]


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"name": "a"}, True),
        ({"name": "a", "global": {}}, True),
        ({}, False),
        ({"name": ""}, False),
        ({"name": "a", "naem": 1}, False),
        ({"name": "a", "part": {"maxSeqs": 0}}, False),
        ({"name": "a", "part": {"maxSeqs": "4"}}, False),
        ({"name": "a", "part": {"max_seqs": 4}}, False),
        ({"name": "a", "part": {"kind": "c"}}, False),
        ({"name": "a", "part": None}, False),
        ({"name": "a", "tolerations": [{"key": "k", "operator": "Exists"}]}, True),
        ({"name": "a", "tolerations": [{"key": "k", "oprator": "Exists"}]}, False),
        ({"name": "a", "tolerations": [{"key": 1}]}, False),
    ],
)
def test_a_chart_takes_complete_values_and_nothing_else(values: Tree, fits: bool) -> None:
    assert accepts(CHART, values) is fits


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({}, True),
        ({"part": {}}, True),
        ({"part": {"maxSeqs": 1}}, True),
        ({"part": {"maxSqs": 1}}, False),
        ({"size": 1}, False),
        ({"tolerations": [{"oprator": "Exists"}]}, False),
    ],
)
def test_a_layer_sets_what_it_likes_in_the_right_spelling(values: Tree, fits: bool) -> None:
    assert accepts(OVERLAY, values) is fits


def test_a_layer_knows_no_defaults() -> None:
    own = {name: node for name, node in OVERLAY["$defs"].items() if name not in schemas.FRAGMENTS}
    assert not any("default" in node and "type" in node for node in nodes([OVERLAY["properties"], own]))


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_every_map_with_named_keys_is_closed(recipe: Any) -> None:
    made = schema.chart_schema(recipes.values_type(recipe))
    for node in nodes(made):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            assert node.get("additionalProperties") is False, node


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_five_values_and_the_defaults_are_complete(recipe: Any) -> None:
    type_ = recipes.values_type(recipe)
    complete = merge(schema.defaults(type_), minimal(recipe))
    assert accepts(schema.chart_schema(type_), complete)
    for field in schema.fields(type_):
        if field.type_name != "section":
            here: Any = complete
            for word in field.path:
                here = here[word]


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_every_key_says_what_it_is_for_and_none_is_a_word_that_yaml_takes_for_a_boolean(recipe: Any) -> None:
    for field in schema.fields(recipes.values_type(recipe)):
        assert field.description, field.path
        assert field.path[-1] not in {"y", "n", "yes", "no", "on", "off"}


def test_a_field_knows_its_path_its_type_and_whether_it_is_derived() -> None:
    found = {field.path: field for field in schema.fields(Whole)}
    assert found[("part", "maxSeqs")].type_name == "whole number"
    assert found[("part", "kind")].type_name == "`a` or `b`"
    assert found[("size",)].derived and not found[("name",)].derived
    assert found[("name",)].required and found[("part",)].type_name == "section"


def test_defaults_leave_out_what_is_required() -> None:
    assert schema.defaults(Whole) == {"size": "1Gi", "part": {"maxSeqs": 4, "kind": "a"}, "tolerations": []}
