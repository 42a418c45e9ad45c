"""Every point of the four axes: a chart, a set of files, or a refusal with its reason."""

from __future__ import annotations

import functools
import itertools
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from generator import contract
from generator.engines import sglang, simulator, vllm
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology
from generator.scaling import fixed, queue, zero
from generator.stacks import dynamo, kubernetes
from generator.template.refs import refs
from generator.topologies import aggregated, disaggregated, multinode
from generator.values.base import Values
from generator.values.common import Common, Role

ENGINES: dict[Engine, contract.Engine] = {
    Engine.VLLM: vllm,
    Engine.SGLANG: sglang,
    Engine.SIMULATOR: simulator,
}
TOPOLOGIES: dict[Topology, contract.Topology] = {
    Topology.AGGREGATED: aggregated,
    Topology.MULTINODE: multinode,
    Topology.DISAGGREGATED: disaggregated,
}
SCALINGS: dict[Scaling, contract.Scaling] = {
    Scaling.FIXED: fixed,
    Scaling.QUEUE: queue,
    Scaling.ZERO: zero,
}
STACKS: dict[Stack, contract.Stack] = {Stack.KUBERNETES: kubernetes, Stack.DYNAMO: dynamo}


class Cell(msgspec.Struct, frozen=True):
    """What one recipe comes to: a chart, or the reason why there is none."""

    recipe: Recipe
    refusal: contract.Refusal | None = None


def refusal(recipe: Recipe) -> contract.Refusal | None:
    """Find the reason why a recipe cannot be, or None."""
    rows = [
        *STACKS[recipe.stack].REFUSALS,
        *ENGINES[recipe.engine].REFUSALS,
        *SCALINGS[recipe.scaling].REFUSALS,
    ]
    return next((row for row in rows if row.covers(recipe)), None)


def cells() -> tuple[Cell, ...]:
    """Walk every point of the axes."""
    points = itertools.product(ENGINES, STACKS, TOPOLOGIES, SCALINGS)
    return tuple(Cell(recipe, refusal(recipe)) for recipe in itertools.starmap(Recipe, points))


def charts() -> tuple[Recipe, ...]:
    """The recipes that become charts."""
    return tuple(cell.recipe for cell in cells() if cell.refusal is None)


@functools.cache
def values_type(recipe: Recipe) -> type[msgspec.Struct]:
    """Put the slots of the four axes into the common values: the closed type of a chart's values."""
    engine, scaling = ENGINES[recipe.engine], SCALINGS[recipe.scaling]
    topology, stack = TOPOLOGIES[recipe.topology], STACKS[recipe.stack]
    role = _struct(
        "RoleValues",
        [
            ("engine", _described(engine.RoleOptions), engine.RoleOptions()),
            ("scaling", _described(scaling.RoleOptions), scaling.RoleOptions()),
        ],
        base=Role,
    )
    parts = [(name, Annotated[role, Meta(description=f"Role {name}")]) for name in topology.ROLES]
    roles = _struct("Roles", parts)
    stack_options = stack.options(recipe.engine, recipe.topology)
    slots: list[Any] = [("roles", Annotated[roles, Meta(description="The parts of the topology, by name")])]
    for name, options in (
        ("engine", engine.Options),
        ("stack", stack_options),
        ("topology", topology.Options),
        ("scaling", scaling.Options),
    ):
        slots.append((name, _described(options), options()))
    return _struct("ChartValues", slots, base=stack.COMMON)


def _described(options: type[msgspec.Struct]) -> Any:
    line = (options.__doc__ or "").strip().splitlines()[0].rstrip(".")
    return Annotated[options, Meta(description=line)]


def _struct(name: str, fields: list[Any], *, base: type[msgspec.Struct] | None = None) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        name,
        fields,
        bases=(base or Values,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        rename="camel",
        namespace={"__doc__": (base or Values).__doc__},
    )


@functools.cache
def plan(recipe: Recipe) -> contract.Plan:
    """Put a recipe's parts and the references to its values together."""
    values = cast(Any, refs(values_type(recipe), "@.Values"))
    topology = TOPOLOGIES[recipe.topology]
    views = []
    for name in topology.ROLES:
        role = getattr(values.roles, name)
        views.append(contract.RoleView(name, cast(Role, role), role.engine, role.scaling))
    return contract.Plan(
        recipe,
        ENGINES[recipe.engine],
        STACKS[recipe.stack],
        topology,
        SCALINGS[recipe.scaling],
        cast(Common, values),
        values.engine,
        values.stack,
        values.topology,
        values.scaling,
        tuple(views),
    )


def objects(recipe: Recipe) -> list[contract.Object]:
    """All objects of a recipe, the scaling's own last."""
    whole = plan(recipe)
    return [*whole.stack.objects(whole), *whole.scaling.objects(whole)]
