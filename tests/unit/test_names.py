"""Names: what is a label, how long a name may be, and that every derived name of a release fits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from generator import recipes
from generator.charts.build import Chart, minimal
from generator.model import names
from generator.model.axes import Recipe
from generator.template.expand import expand


@pytest.mark.parametrize("text", ["a", "a-b", "0", "x" * 63])
def test_a_label_is_taken(text: str) -> None:
    assert names.is_label(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a.b", "x" * 64, "a\n"])
def test_what_is_no_label_is_refused(text: str) -> None:
    assert not names.is_label(text)


def test_a_kind_whose_controller_derives_longer_names_has_a_lower_limit() -> None:
    assert names.limit("ScaledObject") < names.limit("Service") == names.LABEL_LIMIT


def test_the_file_of_an_object_says_kind_and_name() -> None:
    assert names.filename("ScaledObject", "llama") == "scaledobject-llama.yaml"


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_every_object_of_the_longest_release_keeps_to_the_limit_of_its_kind(
    recipe: Recipe, charts: Mapping[str, Chart]
) -> None:
    chart = charts[recipe.chart]
    given = minimal(recipe)
    values = recipes_values(chart, {**given, "name": "x" * names.RELEASE_LIMIT})
    for part in chart.skeleton:
        data = expand(part.manifest, values, "team").data
        assert len(data["metadata"]["name"]) <= names.limit(data["kind"]), part.file


def recipes_values(chart: Chart, given: dict[str, object]) -> dict[str, object]:
    from generator.values.tree import merge

    return merge(chart.defaults, given)
