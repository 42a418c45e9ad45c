"""What each source sets: stack, engine, model, variant, environment and release as layers of rows."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from generator import recipes
from generator.model.axes import Recipe
from generator.resolve import platform
from generator.resolve.context import NO_ACCELERATOR, Context, RoleContext
from generator.resolve.layers import Layer, Path, Row, Tree, merged, of_rows, of_tree
from generator.sources.catalog import EngineFile, Image, StackFile
from generator.sources.document import Document
from generator.sources.load import Sourced
from generator.values import schema as values_schema
from generator.values.common import API_PATHS
from generator.values.tree import merge


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
