"""values.yaml and the table of values: every key, its meaning and its default."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator import recipes
from generator.values import schema, text
from generator.values.schema import fields
from generator.values.tree import merge


def standing(recipe: Any) -> dict[str, Any]:
    return schema.defaults(recipes.values_type(recipe))


def pruned(tree: Any) -> Any:
    """Leave out sections without content: values.yaml writes them as an empty map."""
    return {key: pruned(value) for key, value in tree.items() if value != {}} if isinstance(tree, dict) else tree


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_values_yaml_reads_back_as_the_defaults(recipe: Any) -> None:
    written = text.values_yaml(recipes.values_type(recipe), standing(recipe), "a header")
    assert pruned(yaml.load(written, Loader=yaml.CSafeLoader)) == pruned(standing(recipe))


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_every_key_has_its_comment_on_the_line_above(recipe: Any) -> None:
    lines = text.values_yaml(recipes.values_type(recipe), standing(recipe), "").splitlines()
    for field in fields(recipes.values_type(recipe)):
        if not field.description:
            continue
        pad = "  " * (len(field.path) - 1)
        keys = [
            i
            for i, line in enumerate(lines)
            if line.startswith((f"{pad}{field.path[-1]}:", f"{pad}# {field.path[-1]}:"))
        ]
        assert any(lines[i - 1].lstrip().startswith("#") for i in keys), field.path


def test_a_required_key_is_a_comment_to_fill_in() -> None:
    written = text.values_yaml(recipes.values_type(recipes.charts()[0]), standing(recipes.charts()[0]), "")
    assert "\n# REQUIRED. Name of the release and of its objects\n# name:\n" in written


def test_a_derived_key_says_that_its_default_is_only_safe() -> None:
    written = text.values_yaml(recipes.values_type(recipes.charts()[0]), standing(recipes.charts()[0]), "")
    assert "this default is a safe constant" in written


def test_no_line_of_a_comment_is_longer_than_the_width() -> None:
    for recipe in recipes.charts():
        written = text.values_yaml(recipes.values_type(recipe), standing(recipe), "")
        assert all(len(line) <= text.WIDTH for line in written.splitlines() if line.lstrip().startswith("#"))


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_the_table_has_a_row_for_every_key_that_takes_a_value(recipe: Any) -> None:
    rows = text.table(recipes.values_type(recipe), standing(recipe)).splitlines()[2:]
    keys = [row.split("`")[1] for row in rows]
    wanted = [".".join(f.path) for f in fields(recipes.values_type(recipe)) if f.type_name != "section"]
    assert keys == wanted
    assert all(row.count("|") - row.count("\\|") == 4 for row in rows)


def test_a_default_of_the_catalog_stands_in_the_text() -> None:
    recipe = recipes.charts()[0]
    over = merge(standing(recipe), {"image": {"tag": "v9"}})
    assert '| `image.tag` | Tag of the image | `"v9"` |' in text.table(recipes.values_type(recipe), over)
    assert "\n  tag: v9\n" in text.values_yaml(recipes.values_type(recipe), over, "")
