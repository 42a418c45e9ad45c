"""Every point of the axes has one outcome, and the sets that must agree do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from generator import contract, recipes
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology

CODE = Path(recipes.__file__).parent
GOLDEN = Path(__file__).parents[1] / "golden"
AXES: dict[str, tuple[Any, Any]] = {
    "engines": (Engine, recipes.ENGINES),
    "stacks": (Stack, recipes.STACKS),
    "topologies": (Topology, recipes.TOPOLOGIES),
    "scaling": (Scaling, recipes.SCALINGS),
}


@pytest.mark.parametrize("axis", AXES)
def test_files_words_and_registry_of_an_axis_agree(axis: str) -> None:
    words, registry = AXES[axis]
    files = {path.stem for path in (CODE / axis).glob("*.py")} - {"__init__"}
    assert files == {module.__name__.rpartition(".")[2] for module in registry.values()}
    assert list(registry) == list(words)
    assert all(part.NAME is word for word, part in registry.items())


def test_every_chart_has_its_golden_folder_and_no_other_is_there() -> None:
    folders = {path.name for path in GOLDEN.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {recipe.chart for recipe in recipes.charts()} | {"environment"}


def test_every_point_is_a_chart_or_a_refusal() -> None:
    cells = recipes.cells()
    assert len(cells) == len(Engine) * len(Stack) * len(Topology) * len(Scaling)
    for cell in cells:
        if cell.refusal is None:
            assert recipes.objects(cell.recipe), cell.recipe.chart


def test_every_refusal_has_one_sentence_and_a_source() -> None:
    for cell in recipes.cells():
        if cell.refusal is not None:
            assert cell.refusal.reason and not cell.refusal.reason.endswith("."), cell.recipe.chart
            assert ". " not in cell.refusal.reason and cell.refusal.source, cell.recipe.chart


def test_every_refusal_refuses_something() -> None:
    rows = [row for registry in (recipes.STACKS, recipes.ENGINES, recipes.SCALINGS) for part in registry.values()
            for row in part.REFUSALS]  # fmt: skip
    for row in rows:
        assert any(row.covers(cell.recipe) for cell in recipes.cells()), row.reason


def test_no_two_recipes_share_a_chart() -> None:
    names = [recipe.chart for recipe in recipes.charts()]
    assert len(set(names)) == len(names)


def test_the_stack_stands_in_front_of_the_name_unless_it_is_plain() -> None:
    point = Recipe(Engine.VLLM, Stack.KUBERNETES, Topology.AGGREGATED, Scaling.ZERO)
    assert point.chart == "vllm-aggregated-zero"
    assert Recipe(Engine.VLLM, Stack.DYNAMO, Topology.AGGREGATED, Scaling.FIXED).chart.startswith("dynamo-vllm-")


def test_an_axis_sees_the_options_of_its_own_slot_only() -> None:
    for recipe in recipes.charts():
        plan = recipes.plan(recipe)
        assert set(vars(plan.scaling_options)) == set(recipes.SCALINGS[recipe.scaling].Options.__struct_fields__)
        assert set(vars(plan.engine_options)) == set(recipes.ENGINES[recipe.engine].Options.__struct_fields__)


def test_every_object_of_a_recipe_has_a_file_of_its_own() -> None:
    for recipe in recipes.charts():
        titles = [item.title or item.kind.lower() for item in recipes.objects(recipe)]
        assert len(set(titles)) == len(titles), recipe.chart


@pytest.mark.parametrize("engine", recipes.ENGINES.values(), ids=lambda engine: engine.NAME.value)
def test_the_options_that_decide_on_memory_are_options_of_the_engine(engine: contract.Engine) -> None:
    memory = engine.MEMORY
    assert (memory is not None) is engine.NEEDS_GPU
    if memory is not None:
        of_role = {field.encode_name for field in msgspec.structs.fields(engine.RoleOptions)}
        assert {memory.share, memory.batched_tokens} <= of_role
        assert memory.cache_type in {field.encode_name for field in msgspec.structs.fields(engine.Options)}
