"""What a container really runs: the build that its image is in the catalog, and the facts of that version."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from generator import facts, recipes
from generator.contract import Runtime
from generator.errors import ProblemsFound
from generator.resolve.context import Context
from generator.resolve.platform import mirrored
from generator.resolve.release import Resolved
from generator.sources.catalog import Image, StackRelease
from generator.validate.pods import Manifest, Pod


class Program(msgspec.Struct, frozen=True):
    """One container's program; without facts a message says why."""

    name: str
    engine: bool = False
    image: Image | None = None
    facts: facts.Facts | None = None
    message: str = ""
    hint: str = ""


class Build(msgspec.Struct, frozen=True):
    """One image of the catalog as this environment pulls it, and the facts of what is inside."""

    repository: str
    image: Image
    facts: tuple[str, str]


def runtime_of(context: Context) -> Runtime:
    """The engine as the release's stack runs it."""
    return recipes.STACKS[context.recipe.stack].runtime(recipes.ENGINES[context.recipe.engine])


def program_of(resolved: Resolved, pod: Pod, container: Manifest) -> Program:
    """Find the program of a container: the engine, or one of the stack's own by the container's name or component."""
    context = resolved.context
    carried = _stack_release(context)
    runtime = runtime_of(context)
    if container["name"] == runtime.container and any(role.name == pod.component for role in context.roles):
        return _known(resolved, container, list(_engine_builds(context, carried)), name=runtime.program, engine=True)
    name = next((key for key in (container["name"], pod.component) if key in carried.facts), None)
    if name is None:
        stack = context.stack
        message = f'nothing is known of the program in container "{container["name"]}": it cannot be checked'
        hint = f"name its facts under releases.facts in {stack.file}, by the container or its component"
        return Program(container["name"], message=message, hint=hint)
    builds = [_build(context, image, _named(carried.facts[name])) for image in carried.images.values()]
    return _known(resolved, container, builds, name=name, engine=False)


def _stack_release(context: Context) -> StackRelease:
    stack = context.stack.value
    return next(release for release in stack.releases if release.version == stack.default)


def _engine_builds(context: Context, carried: StackRelease) -> Iterator[Build]:
    """The engine's images: the stack's own build where it carries one, else every release of the engine."""
    engine = context.recipe.engine.value
    runtime = carried.images.get(f"{engine}-runtime")
    if runtime is not None and engine in carried.facts:
        yield _build(context, runtime, _named(carried.facts[engine]))
        return
    for release in context.engine.value.releases:
        for image in release.images.values():
            yield _build(context, image, (engine, release.facts.removesuffix(".json")))


def _named(file: str) -> tuple[str, str]:
    engine, _, version = file.removesuffix(".json").rpartition("/")
    return engine, version


def _build(context: Context, image: Image, of: tuple[str, str]) -> Build:
    mirrors = tuple(context.environment.value.mirrors.items())
    return Build(_through_mirror(image.repository, mirrors), image, of)


@functools.lru_cache(maxsize=4096)
def _through_mirror(repository: str, mirrors: tuple[tuple[str, str], ...]) -> str:
    found = mirrored(repository, dict(mirrors))
    return repository if found is None else found[0]


def _known(resolved: Resolved, container: Manifest, builds: list[Build], *, name: str, engine: bool) -> Program:
    reference = container.get("image", "")
    build = next((b for b in builds if _is(resolved, reference, b)), None)
    if build is None:
        context = resolved.context
        catalog = (context.engine if engine and builds and _own(context, builds) else context.stack).file
        message = f"the image {reference} is none of the catalog, so nobody knows which flags its {name} takes"
        tags = ", ".join(dict.fromkeys(f"{b.repository}:{b.image.tag}" for b in builds))
        hint = f"use one of {catalog} ({tags}), describe it there, or name its registry under `mirrors`"
        return Program(name, engine=engine, message=message, hint=hint)
    try:
        return Program(name, engine=engine, image=build.image, facts=facts.load(*build.facts))
    except ProblemsFound as missing:
        problem = missing.problems[0]
        return Program(name, engine=engine, image=build.image, message=problem.message, hint=problem.hint)


def _own(context: Context, builds: list[Build]) -> bool:
    return builds[0].facts[0] == context.recipe.engine.value


def _is(resolved: Resolved, reference: str, build: Build) -> bool:
    repository, at, digest = reference.partition("@")
    if at:
        if repository != build.repository:
            return False
        # the object shows no tag beside a digest; the values do
        return digest == build.image.digest or _tag_of_digest(resolved, repository, digest) == build.image.tag
    return reference == f"{build.repository}:{build.image.tag}"


def _tag_of_digest(resolved: Resolved, repository: str, digest: str) -> str | None:
    slots = [resolved.values, *(part for part in resolved.values.get("stack", {}).values() if isinstance(part, dict))]
    for slot in slots:
        image = slot.get("image")
        if isinstance(image, dict) and image.get("repository") == repository and image.get("digest") == digest:
            tag: str = image.get("tag", "")
            return tag
    return None
