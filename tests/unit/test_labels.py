"""Labels and selectors: the release and the role, nothing that changes with a chart."""

from __future__ import annotations

from typing import Any, cast

import pytest

from generator import recipes
from generator.model.axes import Recipe
from generator.objects.labels import COMPONENT, INSTANCE, object_name, of_component, of_release, selector
from generator.template.refs import refs
from generator.values.common import Common

COMMON = cast(Any, refs(Common, "@.Values"))
FIXED = {INSTANCE, COMPONENT, "leaderworkerset.sigs.k8s.io/worker-index", "kubernetes.io/metadata.name"}


def test_the_one_role_of_a_replica_bears_the_name_of_the_release() -> None:
    assert object_name(COMMON, "server") == str.__str__(COMMON.name)


def test_any_other_component_is_named_behind_the_release() -> None:
    assert object_name(COMMON, "decode") == f"{COMMON.name}-decode"


def test_a_selector_is_part_of_the_labels() -> None:
    assert selector(COMMON, "decode").items() <= of_component(COMMON, "decode").items()


def test_what_belongs_to_the_whole_release_names_no_component() -> None:
    assert COMPONENT not in of_release(COMMON)


def selectors(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        found = [node["matchLabels"]] if "matchLabels" in node else []
        return found + [item for value in node.values() for item in selectors(value)]
    return [item for value in node for item in selectors(value)] if isinstance(node, (list, tuple)) else []


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_no_selector_holds_more_than_release_and_component(recipe: Recipe) -> None:
    found = [labels for item in recipes.objects(recipe) for labels in selectors(item.body)]
    assert found
    for labels in found:
        assert {str.__str__(key) for key in labels} <= FIXED | {key for key in labels if key.startswith("nvidia.com/")}
