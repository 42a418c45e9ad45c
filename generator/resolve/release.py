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
from generator.resolve.context import NO_ACCELERATOR, Context, RoleContext
from generator.resolve.derive import FIGURES, Figure
from generator.resolve.layers import (
    Layer,
    Origin,
    Path,
    Row,
    Tree,
    find,
    merge,
    merged,
    of_rows,
    of_tree,
    origins,
)
from generator.sources.catalog import EngineFile, Image, Model, StackFile, Variant
from generator.sources.check import Schema, violations
from generator.sources.document import Document
from generator.sources.load import Sourced, Sources
from generator.values import schema as values_schema
from generator.values.common import API_PATHS

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


def standing_layers(
    recipe: Recipe, engine: Sourced[EngineFile], stack: Sourced[StackFile], version: str | None
) -> list[Layer]:
    """The layers that hold whatever the model: stack, engine."""
    number, image, document, source = engine_image(recipe, engine, stack, version)
    runtime = recipes.STACKS[recipe.stack].runtime(recipes.ENGINES[recipe.engine])
    rows = list(_image_rows(("image",), image, document, source))
    for key, number_of in (("runAsUser", runtime.user), ("runAsGroup", runtime.group), ("fsGroup", runtime.fs_group)):
        rows.append(
            Row(("security", key), number_of, rule=f"the user that the image of {recipe.engine.value} {number} brings")
        )
    return [
        of_rows("stack", _stack_rows(recipe, stack)),
        of_tree("stack", dict(stack.value.values), stack.document, ("values",)),
        of_rows("engine", rows),
        of_tree("engine", dict(engine.value.values), engine.document, ("values",)),
    ]


def engine_image(
    recipe: Recipe, engine: Sourced[EngineFile], stack: Sourced[StackFile], version: str | None
) -> tuple[str, Image, Document, Path]:
    """The engine's version and image: the stack's own build where it carries one, else the engine's."""
    release_index = next(i for i, r in enumerate(stack.value.releases) if r.version == stack.value.default)
    carried = stack.value.releases[release_index]
    runtime_image = f"{recipe.engine.value}-runtime"
    if recipe.engine.value in carried.engines and runtime_image in carried.images:
        path: Path = ("releases", release_index, "images", runtime_image)
        return carried.engines[recipe.engine.value], carried.images[runtime_image], stack.document, path
    wanted = version or engine.value.default
    index = next((i for i, r in enumerate(engine.value.releases) if r.version == wanted), 0)
    name, image = next(iter(engine.value.releases[index].images.items()))
    return engine.value.releases[index].version, image, engine.document, ("releases", index, "images", name)


def _image_rows(path: Path, image: Image, document: Document, source: Path) -> Iterator[Row]:
    yield Row((*path, "repository"), image.repository, document, (*source, "repository"))
    yield Row((*path, "tag"), image.tag, document, (*source, "tag"))
    if image.digest is not None:
        yield Row((*path, "digest"), image.digest, document, (*source, "digest"))


def _stack_rows(recipe: Recipe, stack: Sourced[StackFile]) -> Iterator[Row]:
    """Images of the stack's own programs, wherever its slot has one."""
    index = next(i for i, r in enumerate(stack.value.releases) if r.version == stack.value.default)
    release = stack.value.releases[index]
    standing = _standing_options(recipe)
    if "version" in standing:
        yield Row(("stack", "version"), release.version, stack.document, ("releases", index, "version"))
    for program, tree in standing.items():
        image = tree.get("image") if isinstance(tree, dict) else None
        if not isinstance(image, dict) or "repository" not in image:
            continue
        for name, found in release.images.items():
            if found.repository.rpartition("/")[2] == image["repository"].rpartition("/")[2]:
                source: Path = ("releases", index, "images", name)
                yield from _image_rows(("stack", program, "image"), found, stack.document, source)


def _model_rows(context: Context) -> Iterator[Row]:
    model, document = context.model.value, context.model.document
    engine = recipes.ENGINES[context.recipe.engine]
    yield Row(("model", "id"), model.source.id, document, ("source", "id"))
    yield Row(("model", "servedName"), model.served_name, document, ("servedName",))
    if model.source.revision is not None:
        yield Row(("model", "revision"), model.source.revision, document, ("source", "revision"))
    yield Row(
        ("model", "contextTokens"), model.architecture.context_tokens, document, ("architecture", "contextTokens")
    )
    yield Row(("model", "trustRemoteCode"), model.trust_remote_code, document, ("trustRemoteCode",))
    task = model.capabilities.task
    yield Row(("route", "paths"), list(API_PATHS[task]), document, ("capabilities", "task"), "API paths of the task")
    for key, value in engine.task_options(task).items():
        yield Row(("engine", key), value, document, ("capabilities", "task"), "the task")
    yield from _parser_rows(context)


def _parser_rows(context: Context) -> Iterator[Row]:
    """Parsers by the name that each program gives them: the engine's, and the stack's where it parses itself."""
    recipe = context.recipe
    slots = (
        ("engine", recipe.engine.value, recipes.ENGINES[recipe.engine].Options),
        ("stack", recipe.stack.value, recipes.STACKS[recipe.stack].options(recipe.engine, recipe.topology)),
    )
    for slot, program, options in slots:
        parsers = context.model.value.parsers.get(program)
        if parsers is None:
            continue
        known = _keys(options)
        for key, word, parser in (
            ("toolParser", "tool", parsers.tool),
            ("reasoningParser", "reasoning", parsers.reasoning),
        ):
            if parser is not None and key in known:
                yield Row((slot, key), parser, context.model.document, ("parsers", program, word))


@functools.cache
def _keys(options: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(info.encode_name for info in msgspec.structs.fields(options))


@functools.cache
def _standing_options(recipe: Recipe) -> Tree:
    """What the stack's slot holds before any layer."""
    return values_schema.defaults(recipes.STACKS[recipe.stack].options(recipe.engine, recipe.topology))


def _variant_rows(context: Context) -> Iterator[Row]:
    document, here = context.model.document, context.variant_path
    variant = context.variant
    if variant.checkpoint is not None:
        yield Row(("model", "id"), variant.checkpoint.id, document, (*here, "checkpoint", "id"))
        revision = variant.checkpoint.revision or ""
        yield Row(("model", "revision"), revision, document, (*here, "checkpoint", "revision"))
    if variant.context_tokens is not None:
        yield Row(("model", "contextTokens"), variant.context_tokens, document, (*here, "contextTokens"))
    for role in context.roles:
        yield from _role_rows(context, role, document, (*here, "roles", role.name))
    pods = {role.needs.pods_per_replica for role in context.roles}
    if recipes.TOPOLOGIES[context.recipe.topology].SEVERAL_PODS:
        name = context.roles[0].name
        yield Row(("topology", "podsPerReplica"), max(pods), document, (*here, "roles", name, "podsPerReplica"))


def _role_rows(context: Context, role: RoleContext, document: Document, here: Path) -> Iterator[Row]:
    path: Path = ("roles", role.name)
    needs = role.needs
    count = 0 if needs.accelerator == NO_ACCELERATOR else needs.gpus_per_pod
    yield Row((*path, "accelerator", "count"), count, document, (*here, "gpusPerPod"))
    split = needs.parallelism
    for key, value in (
        ("tensor", split.tensor),
        ("pipeline", split.pipeline),
        ("data", split.data),
        ("expert", split.expert),
    ):
        yield Row((*path, "parallelism", key), value, document, (*here, "parallelism", key))
    if role.accelerator is not None:
        facts = context.accelerators.document
        source: Path = ("accelerators", needs.accelerator)
        yield Row((*path, "accelerator", "resource"), role.accelerator.resource, facts, (*source, "resource"))
        yield Row((*path, "accelerator", "products"), list(role.accelerator.products), facts, (*source, "products"))


def _release_rows(context: Context) -> Iterator[Row]:
    release = context.release
    yield Row(("name",), context.name, release.document, (), "the file's name")
    yield Row(("namespace",), release.value.namespace, release.document, ("namespace",))
    if release.value.served_name is not None:
        yield Row(("model", "servedName"), release.value.served_name, release.document, ("servedName",))


def layers(context: Context, defaults: Tree) -> list[Layer]:
    """All layers of a release, lowest first."""
    model, release = context.model, context.release
    below = standing_layers(context.recipe, context.engine, context.stack, context.variant.engine_version)
    below += [
        of_rows("model", _model_rows(context)),
        of_tree("model", dict(model.value.values), model.document, ("values",)),
        of_rows("variant", _variant_rows(context)),
        of_tree("variant", dict(context.variant.values), model.document, (*context.variant_path, "values")),
    ]
    standing = merge(defaults, merged(below))
    environment = [*platform.rows(context, standing), *platform.token_rows(context)]
    return [
        *below,
        of_rows("environment", environment),
        of_rows("release", _release_rows(context)),
        of_tree("release", dict(release.value.values), release.document, ("values",)),
    ]


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
