"""One release: its layers, its derived figures, its complete values."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from generator import facts, recipes
from generator.errors import Location, Problem, dotted
from generator.model import units
from generator.model.axes import Recipe
from generator.resolve import platform
from generator.resolve.context import Context, RoleContext
from generator.resolve.derive import FIGURES, Figure
from generator.resolve.layers import (
    Layer,
    Origin,
    Path,
    Row,
    Tree,
    find,
    merged,
    of_rows,
    of_tree,
    origins,
)
from generator.resolve.rows import engine_image, layers
from generator.sources.catalog import Model, Variant
from generator.sources.check import Schema, violations
from generator.sources.load import Sourced, Sources
from generator.values import schema as values_schema
from generator.values.tree import merge

CHECK = "values"


class Resolved(msgspec.Struct, frozen=True):
    """A release with complete values, and the layers that explain them."""

    context: Context
    layers: tuple[Layer, ...]
    values: Tree

    @property
    def environment(self) -> str:
        """Name of the environment."""
        return self.context.environment_name

    @property
    def name(self) -> str:
        """Name of the release."""
        return self.context.name

    @property
    def chart(self) -> str:
        """Name of the chart."""
        return self.context.recipe.chart

    @property
    def namespace(self) -> str:
        """Namespace of the release."""
        return self.context.release.value.namespace

    def origins(self, path: Path) -> list[Origin]:
        """List every layer that sets a value, the one that wins last."""
        return origins(self.layers, path)

    def locate(self, path: Path) -> Location:
        """Find the line that set a value; without one, the release's file."""
        for end in range(len(path), 0, -1):
            for origin in reversed(self.origins(path[:end])):
                if origin.location is not None:
                    return origin.location
        return self.context.release.document.locate(())


def recipe_of(variant: Variant, scaling: Any) -> Recipe:
    """The recipe of a variant, with the scaling that a release may choose."""
    return Recipe(variant.engine, variant.stack, variant.topology, scaling or variant.scaling)


class Interface(msgspec.Struct, frozen=True):
    """A recipe's values as its chart takes them: what a layer may set, what must stand, what stands anyway."""

    overlay: Schema
    complete: Schema
    defaults: Tree
    quantities: tuple[tuple[str, ...], ...]


@functools.cache
def interface_of(recipe: Recipe) -> Interface:
    """Make the interface from the types; a chart that is at hand has it ready."""
    type_ = recipes.values_type(recipe)
    return Interface(
        Schema(values_schema.overlay_schema(type_)),
        Schema(values_schema.chart_schema(type_)),
        values_schema.defaults(type_),
        tuple(values_schema.quantities(type_)),
    )


def written_problems(recipe: Recipe, overlay: Schema, layer: Layer) -> Iterator[Problem]:
    """Check what a person wrote against the recipe's overlay schema, where it stands."""
    document = layer.document
    if document is None or not layer.tree:
        return
    label = f"values of {recipe.chart}"

    def spelling(path: Path) -> str | None:
        return document.spelling((*layer.prefix, *path))

    for path, message, hint, at_key in violations(overlay, layer.tree, label=label, spelling=spelling):
        if find(layer.tree, path) == (True, None):
            # said of every document, whatever its chart
            continue
        whole = (*layer.prefix, *path)
        location = document.locate_key(whole) if at_key else document.locate(whole)
        yield Problem(location, dotted(whole), message, hint, CHECK)


def _paths(context: Context, figure: Figure) -> Iterator[tuple[Path, str]]:
    if "*" not in figure.path:
        yield figure.path, ""
        return
    for role in context.roles:
        yield tuple(role.name if key == "*" else key for key in figure.path), role.name


def derived(context: Context, stack: list[Layer], defaults: Tree) -> list[Layer]:
    """Compute the figures that no layer sets; each later one sees the earlier ones."""
    found: list[Layer] = []
    values = merge(defaults, merged(stack))
    for figure in FIGURES:
        for path, role in _paths(context, figure):
            if any(find(layer.tree, path)[0] for layer in stack):
                continue
            layer = of_rows("derived", [Row(path, figure.compute(context, values, role), rule=figure.rule)])
            values = merge(values, layer.tree)
            found.append(layer)
    return found


def resolve(context: Context, interface: Interface | None = None) -> tuple[Resolved | None, list[Problem]]:
    """Give a release's complete values, or everything that keeps it from having them."""
    interface = interface or interface_of(context.recipe)
    stack = layers(context, interface.defaults)
    problems = [p for layer in stack for p in written_problems(context.recipe, interface.overlay, layer)]
    if problems:
        return None, problems
    whole = (*stack, *derived(context, stack, interface.defaults))
    values = merge(interface.defaults, merged(whole))
    values = spell_quantities(interface.quantities, values)
    spell_flags(context, values)
    resolved = Resolved(context, whole, values)
    label = f"values of {context.recipe.chart}"
    for path, message, hint, _ in violations(interface.complete, values, label=label):
        problems.append(Problem(resolved.locate(path), dotted(path), message, hint, CHECK))
    return (None, problems) if problems else (resolved, [])


def context_of(sources: Sources, environment: str, name: str) -> Context | Problem:
    """Put everything together that a release's values depend on, or say why there is no recipe for it."""
    facts = sources.environments[environment]
    release = facts.releases[name]
    model = sources.models[release.value.model]
    variant = model.value.variants[release.value.variant]
    recipe = recipe_of(variant, release.value.scaling)
    refusal = recipes.refusal(recipe)
    if refusal is not None:
        return Problem(
            release.document.locate(("scaling",) if release.value.scaling else ("variant",)),
            "variant",
            f"there is no chart {recipe.chart}: {refusal.reason}",
            f"choose another variant or scaling; `modelyard matrix` lists what there is ({refusal.source})",
            CHECK,
        )
    engine, stack = sources.engines[recipe.engine], sources.stacks[recipe.stack]
    number, image, document, source = engine_image(recipe, engine, stack, variant.engine_version)
    roles = []
    for role, needs in variant.roles.items():
        pool_name, pool = platform.pool_for(facts.environment.value, release.value.pools.get(role), needs)
        accelerator = sources.accelerators.value.accelerators.get(needs.accelerator)
        roles.append(RoleContext(role, needs, accelerator, pool_name, pool))
    return Context(
        environment,
        name,
        recipe,
        model,
        variant,
        facts.environment,
        release,
        sources.accelerators,
        engine,
        stack,
        number,
        image,
        (document, source),
        recipes.ENGINES[recipe.engine].NEEDS_GPU,
        recipes.SCALINGS[recipe.scaling].HOLDS_REQUESTS,
        recipes.STACKS[recipe.stack].runtime(recipes.ENGINES[recipe.engine]).longest_drain_seconds,
        tuple(roles),
    )


def spell_quantities(paths: Iterable[tuple[str, ...]], values: Tree) -> Tree:
    """Write every quantity as the API server would: Argo CD compares the text of custom resources."""
    for path in paths:
        found, quantity = find(values, path)
        if found and isinstance(quantity, str) and units.is_quantity(quantity):
            values = merge(values, of_rows("", [Row(path, units.canonical(quantity))]).tree)
    return values


def spell_flags(context: Context, values: Tree) -> None:
    """Write a person's own flags as the engine's list has them, where the engine takes underscores for hyphens."""
    for role in context.roles:
        found, args = find(values, ("roles", role.name, "extraArgs"))
        if found and args and context.engine_version in facts.known(context.recipe.engine.value):
            spelled = facts.hyphenated_arguments(facts.load(context.recipe.engine.value, context.engine_version), args)
            values["roles"][role.name] = {**values["roles"][role.name], "extraArgs": spelled}


def variant_problems(source: Sourced[Model], interfaces: Mapping[Recipe, Interface]) -> Iterator[Problem]:
    """Check the values of a model and of each of its variants against the charts that they are for."""
    model = source.value
    for name, variant in model.variants.items():
        recipe = recipe_of(variant, None)
        if refusal := recipes.refusal(recipe):
            path: Path = ("variants", name)
            message = f"there is no chart {recipe.chart}: {refusal.reason}"
            yield Problem(
                source.document.locate(path), dotted(path), message, f"choose another recipe ({refusal.source})"
            )
            continue
        for prefix, tree in ((("values",), model.values), (("variants", name, "values"), variant.values)):
            yield from written_problems(
                recipe, interfaces[recipe].overlay, of_tree("", dict(tree), source.document, prefix)
            )
