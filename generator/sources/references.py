"""What one document says of another: names that exist, sizes that fit, reasons that are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from generator.errors import Location, Problem, nearest
from generator.model.axes import Basis, Engine, Stack, Topology
from generator.model.names import LABEL_LIMIT, SERVED_NAME
from generator.sources.base import Closed
from generator.sources.catalog import EngineFile, Image, Model, Parallelism, StackFile, Variant, VariantRole
from generator.sources.document import Path
from generator.sources.environment import Environment, Pool, Release
from generator.sources.load import (
    ACCELERATORS,
    ENGINES,
    ENVIRONMENTS,
    MODELS,
    STACKS,
    EnvironmentSource,
    Sourced,
    Sources,
)
from generator.sources.secrets import place, shown

CHECK = "references"
NO_ACCELERATOR = "none"
LISTED = 12

Problems: TypeAlias = Iterator[Problem]


def check(sources: Sources) -> list[Problem]:
    """Say everything that does not hold between the documents of a repository.

    Files that could not be read are not held against those that name them.
    """
    problems: list[Problem] = []
    for engine in sources.engines.values():
        problems += _engine(engine)
    for stack in sources.stacks.values():
        problems += _stack(stack)
    for model in sources.models.values():
        problems += _model(sources, model)
    for environment in sources.environments.values():
        problems += _environment(sources, environment.environment)
        problems += _releases(sources, environment)
        problems += _exceptions(sources, environment)
    problems += _promotion_cycles(sources)
    return problems


def roles(topology: Topology) -> tuple[str, ...]:
    """Name the roles of a topology; leader and worker are positions inside one, never roles."""
    return ("prefill", "decode") if topology.value.startswith("disaggregated") else ("server",)


# ---- engines and stacks ----------------------------------------------------------------------------------


def _engine(source: Sourced[EngineFile]) -> Problems:
    yield from _versions(source, source.value.default, [release.version for release in source.value.releases])
    for index, release in enumerate(source.value.releases):
        for platform, image in release.images.items():
            yield from _image(source, ("releases", index, "images", platform), image)
    yield from _nulls(source, ("values",), source.value.values)


def _stack(source: Sourced[StackFile]) -> Problems:
    yield from _versions(source, source.value.default, [release.version for release in source.value.releases])
    for index, release in enumerate(source.value.releases):
        yield from _engine_names(source, ("releases", index, "engines"), release.engines)
        for name, image in release.images.items():
            yield from _image(source, ("releases", index, "images", name), image)
    yield from _nulls(source, ("values",), source.value.values)


def _versions(source: Sourced[Any], default: str, versions: list[str]) -> Problems:
    if default not in versions:
        message = f"the default version {shown(default)} is not among the releases"
        yield _problem(source, ("default",), message, _choose(default, versions))
    for index, version in enumerate(versions):
        if version in versions[:index]:
            message = f"the version {shown(version)} stands twice"
            yield _problem(source, ("releases", index, "version"), message, "delete one of the two releases")


def _image(source: Sourced[Any], path: Path, image: Image) -> Problems:
    yield from _reasons(source, path, image, ("digest",))


# ---- models ----------------------------------------------------------------------------------------------


def _model(sources: Sources, source: Sourced[Model]) -> Problems:
    model = source.value
    yield from _served_name(source, ("servedName",), model.served_name)
    yield from _reasons(source, ("source",), model.source, ("revision", "license", "gated"), model)
    yield from _engine_names(source, ("minimumEngine",), model.minimum_engine)
    yield from _engine_names(source, ("parsers",), model.parsers, stacks=True)
    yield from _nulls(source, ("values",), model.values)
    for name, variant in model.variants.items():
        path = ("variants", name)
        yield from _variant_engine(sources, source, path, variant)
        yield from _variant_roles(sources, source, path, variant)
        yield from _nulls(source, (*path, "values"), variant.values)
        if variant.checkpoint is not None:
            yield from _reasons(source, (*path, "checkpoint"), variant.checkpoint, ("revision",))
        if variant.sizing.basis is Basis.UNKNOWN and variant.engine is not Engine.SIMULATOR:
            message = f"the size of this variant rests on nothing; {variant.engine.value} needs real memory"
            hint = "state a basis, or serve it with the simulator only"
            yield _problem(source, (*path, "sizing", "basis"), message, hint)


def _served_name(source: Sourced[Any], path: Path, name: str) -> Problems:
    if SERVED_NAME.fullmatch(name) and len(name) <= LABEL_LIMIT:
        return
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:LABEL_LIMIT].strip("-.")
    hint = f"write for example `{plain}`" if plain else "write small letters, digits, `-` and `.`"
    message = f"{shown(name)} cannot begin a host name, and releases answer at <servedName>.<domain>"
    yield _problem(source, path, message, hint)


def _reasons(
    source: Sourced[Any], path: Path, part: Closed, needed: tuple[str, ...], root: Closed | None = None
) -> Problems:
    """Check that every null has a reason and every reason a null; `root`: where dotted reasons begin."""
    reasons: Mapping[str, str] = getattr(part, "unknown", {})
    for field in needed:
        if getattr(part, field) is None and field not in reasons:
            hint = f"write the value, or `unknown: {{{field}: why nobody knows it}}` beside it"
            yield _problem(source, (*path, field), f"`{field}` is null without a reason", hint)
    for field in reasons:
        where: Path = (*path, "unknown", field)
        known, value = _field(root if "." in field and root is not None else part, field)
        if not known:
            names = [_camel(name) for name in part.__struct_fields__ if name != "unknown"]
            message = f"a reason is given for `{field}`, which is no key here"
            yield _problem(source, where, message, _choose(field, names), at_key=True)
        elif value not in (None, [], {}):
            message = f"a reason is given for `{field}`, but its value is known: {shown(value, field)}"
            yield _problem(source, where, message, "delete the reason", at_key=True)


def _field(part: Any, dotted_name: str) -> tuple[bool, Any]:
    for name in dotted_name.split("."):
        if part is None:
            return True, None
        names = {_camel(field): field for field in getattr(part, "__struct_fields__", ())}
        if name not in names:
            return False, None
        part = getattr(part, names[name])
    return True, part


def _engine_names(source: Sourced[Any], path: Path, names: Iterable[str], *, stacks: bool = False) -> Problems:
    # a stack that parses answers itself has names of its own
    known = [engine.value for engine in Engine] + [stack.value for stack in Stack if stacks]
    for name in names:
        if name not in known:
            yield _problem(source, (*path, name), f"unknown engine {shown(name)}", _choose(name, known), at_key=True)


def _variant_engine(sources: Sources, source: Sourced[Model], path: Path, variant: Variant) -> Problems:
    engine = sources.engines.get(variant.engine)
    stack = sources.stacks.get(variant.stack)
    yield from _in_catalog(sources, source, (*path, "engine"), variant.engine, ENGINES, engine)
    yield from _in_catalog(sources, source, (*path, "stack"), variant.stack, STACKS, stack)
    if engine is None or stack is None:
        return
    asked = variant.engine_version
    versions = _offered(variant, engine.value, stack.value)
    if asked is not None and asked not in versions:
        engine_name = variant.engine.value
        message = f"the catalog has no release {shown(asked)} of {engine_name}"
        if variant.stack is not Stack.KUBERNETES:
            message = f"{variant.stack.value} carries no {engine_name} {shown(asked)}"
        yield _problem(source, (*path, "engineVersion"), message, _choose(asked, versions))
        return
    runs = running_version(variant, engine.value, stack.value)
    least = source.value.minimum_engine.get(variant.engine.value)
    if least is not None and runs is not None and _older(runs, least):
        message = f"runs {variant.engine.value} {runs}, but the model needs {least} or newer (minimumEngine)"
        place = (*path, "engineVersion") if asked is not None else (*path, "engine")
        newer = [version for version in versions if not _older(version, least)]
        hint = f"set engineVersion: {newer[0]}" if newer else f"add a release of {variant.engine.value} >= {least}"
        yield _problem(source, place, message, hint)


def running_version(variant: Variant, engine: EngineFile, stack: StackFile) -> str | None:
    """Say which engine version a variant runs: its own, else its stack's, else the engine's default."""
    if variant.engine_version is not None:
        return variant.engine_version
    release = next((r for r in stack.releases if r.version == stack.default), None)
    carried = release.engines.get(engine.name.value) if release is not None else None
    return carried or engine.default


def _offered(variant: Variant, engine: EngineFile, stack: StackFile) -> list[str]:
    """List the versions that a variant may ask for: a stack that carries engines offers only those."""
    carried = [r.engines[engine.name.value] for r in stack.releases if engine.name.value in r.engines]
    return carried or [release.version for release in engine.releases]


def _in_catalog(
    sources: Sources, source: Sourced[Model], path: Path, name: Engine | Stack, folder: str, found: object
) -> Problems:
    file = f"{folder}/{name.value}.yaml"
    if found is None and file not in sources.broken:
        known = sources.engines if isinstance(name, Engine) else sources.stacks
        message = f"the catalog does not describe {name.value}"
        yield _problem(source, path, message, f"write {file}, or choose {_list(n.value for n in known)}")


# ---- roles of a variant ----------------------------------------------------------------------------------


def _variant_roles(sources: Sources, source: Sourced[Model], path: Path, variant: Variant) -> Problems:
    needed = roles(variant.topology)
    for name in needed:
        if name not in variant.roles:
            message = f"the topology {variant.topology.value} needs the role `{name}`"
            yield _problem(source, (*path, "roles"), message, f"write `{name}:` with what it runs on", at_key=True)
    for name, role in variant.roles.items():
        place = (*path, "roles", name)
        if name not in needed:
            message = f"the topology {variant.topology.value} has no role `{name}`"
            yield _problem(source, place, message, _choose(name, needed), at_key=True)
            continue
        yield from _accelerator(sources, source, (*place, "accelerator"), role.accelerator)
        yield from _gpus(source, place, role)


def _accelerator(sources: Sources, source: Sourced[Any], path: Path, name: str) -> Problems:
    known = sources.accelerators.value.accelerators
    if name != NO_ACCELERATOR and name not in known and ACCELERATORS not in sources.broken:
        message = f"unknown accelerator {shown(name)}"
        yield _problem(source, path, message, _choose(name, [*known, NO_ACCELERATOR]))


def _gpus(source: Sourced[Model], path: Path, role: VariantRole) -> Problems:
    gpus, pods, split = role.gpus_per_pod, role.pods_per_replica, role.parallelism
    if role.accelerator == NO_ACCELERATOR and gpus > 0:
        asked = f"{gpus} {_plural(gpus, 'GPU')} per pod asked of accelerator `none`"
        yield _problem(source, (*path, "gpusPerPod"), asked, "set gpusPerPod: 0, or name an accelerator")
        return
    if role.accelerator != NO_ACCELERATOR and gpus == 0:
        message = f"no GPU asked of the accelerator {role.accelerator}"
        yield _problem(source, (*path, "gpusPerPod"), message, "set gpusPerPod: 1 or more, or accelerator: none")
        return
    product = split.tensor * split.pipeline * split.data
    if product != max(gpus, 1) * (pods if gpus else 1):
        has = f"{gpus} per pod x {pods} {_plural(pods, 'pod')} = {gpus * pods}"
        message = f"{_arithmetic(split)} = {product} {_plural(product, 'GPU')}, but a replica has {has}"
        hint = f"make them equal: tensor x pipeline x data = {gpus * pods}" if gpus else "leave parallelism out"
        yield _problem(source, (*path, "parallelism"), message, hint)


def _arithmetic(split: Parallelism) -> str:
    return f"tensor {split.tensor} x pipeline {split.pipeline} x data {split.data}"


# ---- environments ----------------------------------------------------------------------------------------


def _environment(sources: Sources, source: Sourced[Environment]) -> Problems:
    environment = source.value
    storage = environment.storage
    if storage is not None and storage.default not in storage.classes:
        message = f"the default storage class {shown(storage.default)} is not among the classes"
        yield _problem(source, ("storage", "default"), message, _choose(storage.default, storage.classes))
    for name, pool in environment.pools.items():
        yield from _pool(sources, source, ("pools", name), pool)
    target = environment.promotes_to
    if target is not None and target not in sources.environments and _file(target) not in sources.broken:
        others = [name for name in sources.environments if name != environment.name]
        yield _problem(source, ("promotesTo",), f"unknown environment {shown(target)}", _choose(target, others))


def _pool(sources: Sources, source: Sourced[Environment], path: Path, pool: Pool) -> Problems:
    yield from _accelerator(sources, source, (*path, "accelerator"), pool.accelerator)
    if pool.accelerator == NO_ACCELERATOR:
        if pool.gpus_per_node > 0:
            message = f"{pool.gpus_per_node} GPUs per node, but the pool has no accelerator"
            yield _problem(source, (*path, "gpusPerNode"), message, "name the accelerator, or set gpusPerNode: 0")
        return
    if pool.gpus_per_node == 0:
        message = f"the pool has the accelerator {pool.accelerator}, but its nodes have no GPU"
        yield _problem(source, (*path, "gpusPerNode"), message, "write how many GPUs a node has")
    facts = sources.accelerators.value.accelerators.get(pool.accelerator)
    if facts is not None and facts.host_architecture != pool.architecture:
        message = f"nodes with {pool.accelerator} are {facts.host_architecture}, the pool says {pool.architecture}"
        hint = f"set architecture: {facts.host_architecture}"
        yield _problem(source, (*path, "architecture"), message, hint)


def _promotion_cycles(sources: Sources) -> Problems:
    """Report each circle of promotions once, at its first environment."""
    reported: set[str] = set()
    for name in sources.environments:
        walked = [name]
        while (following := _next(sources, walked[-1])) is not None and following not in walked:
            walked.append(following)
        if following != name or name in reported:
            continue
        reported.update(walked)
        circle = " -> ".join([*walked, name])
        source = sources.environments[name].environment
        hint = "remove promotesTo from the last environment of the line"
        yield _problem(source, ("promotesTo",), f"releases would be promoted in a circle: {circle}", hint)


def _next(sources: Sources, name: str) -> str | None:
    source = sources.environments.get(name)
    return source.environment.value.promotes_to if source is not None else None


# ---- releases --------------------------------------------------------------------------------------------


def _releases(sources: Sources, source: EnvironmentSource) -> Problems:
    served: dict[str, str] = {}
    for release in source.releases.values():
        yield from _release(sources, source.environment, release)
        name = _served_as(sources, release)
        if name is None:
            continue
        if name in served:
            message = f"the served name {shown(name)} is already taken by {served[name]}"
            path = ("servedName",) if release.value.served_name is not None else ("model",)
            yield _problem(release, path, message, "set another servedName in one of the two releases")
        served.setdefault(name, release.file)


def _exceptions(sources: Sources, source: EnvironmentSource) -> Problems:
    environment = source.environment.value
    for index, exception in enumerate(environment.policies.exceptions):
        name = exception.release
        if (
            name not in source.releases
            and f"{ENVIRONMENTS}/{environment.name}/releases/{name}.yaml" not in sources.broken
        ):
            message = f"{environment.name} has no release {shown(name)}"
            path = ("policies", "exceptions", index, "release")
            yield _problem(source.environment, path, message, _choose(name, source.releases))


def _served_as(sources: Sources, release: Sourced[Release]) -> str | None:
    model = sources.models.get(release.value.model)
    return release.value.served_name or (model.value.served_name if model is not None else None)


def _release(sources: Sources, environment: Sourced[Environment], release: Sourced[Release]) -> Problems:
    facts, value = environment.value, release.value
    if value.namespace not in facts.namespaces:
        message = f"the environment {facts.name} has no namespace {shown(value.namespace)}"
        yield _problem(release, ("namespace",), message, _choose(value.namespace, facts.namespaces))
    if value.served_name is not None:
        yield from _served_name(release, ("servedName",), value.served_name)
    yield from _nulls(release, ("values",), value.values)
    model = sources.models.get(value.model)
    if model is None:
        if f"{MODELS}/{value.model}.yaml" not in sources.broken:
            message = f"the catalog has no model {shown(value.model)}"
            yield _problem(release, ("model",), message, _choose(value.model, sources.models))
        yield from _unknown_pools(environment, release)
        return
    variant = model.value.variants.get(value.variant)
    if variant is None:
        message = f"the model {value.model} has no variant {shown(value.variant)}"
        yield _problem(release, ("variant",), message, _choose(value.variant, model.value.variants))
        yield from _unknown_pools(environment, release)
        return
    if model.value.source.gated and facts.hugging_face.token_secret is None and variant.engine is not Engine.SIMULATOR:
        message = f"the weights of {value.model} are gated, and the environment {facts.name} has no token for them"
        hint = f"name a Secret under huggingFace.tokenSecret in {environment.file}"
        yield _problem(release, ("model",), message, hint)
    yield from _placement(environment, release, variant)


def _unknown_pools(environment: Sourced[Environment], release: Sourced[Release]) -> Problems:
    for role, pool in release.value.pools.items():
        if pool not in environment.value.pools:
            yield _no_such_pool(environment.value, release, role, pool)


def _no_such_pool(facts: Environment, release: Sourced[Release], role: str, pool: str) -> Problem:
    message = f"the environment {facts.name} has no pool {shown(pool)}"
    return _problem(release, ("pools", role), message, _choose(pool, facts.pools))


def _placement(environment: Sourced[Environment], release: Sourced[Release], variant: Variant) -> Problems:
    pools = environment.value.pools
    for name, chosen in release.value.pools.items():
        if name not in variant.roles:
            message = f"the variant {release.value.variant} has no role `{name}`"
            yield _problem(release, ("pools", name), message, _choose(name, variant.roles), at_key=True)
        elif chosen not in pools:
            yield _no_such_pool(environment.value, release, name, chosen)
    for name, role in variant.roles.items():
        override = release.value.pools.get(name)
        if override is None:
            yield from _any_pool(environment.value, release, name, role)
        elif override in pools:
            yield from _one_pool(environment.value, release, name, role)


def _any_pool(facts: Environment, release: Sourced[Release], name: str, role: VariantRole) -> Problems:
    """Check a role that may run in any pool with its accelerator."""
    pools = {pool: facts.pools[pool] for pool in facts.pools if facts.pools[pool].accelerator == role.accelerator}
    if not pools:
        have = ", ".join(f"{pool}: {facts.pools[pool].accelerator}" for pool in facts.pools)
        wanted = "without accelerator" if role.accelerator == NO_ACCELERATOR else f"with {role.accelerator}"
        message = f"role `{name}` needs a pool {wanted}, and the environment {facts.name} has none ({have})"
        yield _problem(release, ("variant",), message, "choose a variant for what the pools have")
        return
    reasons = [reason for pool in pools if (reason := _lacks(pool, pools[pool], role)) is not None]
    if len(reasons) == len(pools):
        yield _problem(release, ("variant",), f"role `{name}`: {'; '.join(reasons)}", _pools_that_fit(facts, role))


def _one_pool(facts: Environment, release: Sourced[Release], name: str, role: VariantRole) -> Problems:
    """Check a role whose pool the release names."""
    chosen = release.value.pools[name]
    pool = facts.pools[chosen]
    path = ("pools", name)
    if pool.accelerator != role.accelerator:
        message = f'role `{name}` runs on {role.accelerator}, nodes of pool "{chosen}" have {pool.accelerator}'
        yield _problem(release, path, message, _pools_that_fit(facts, role))
    elif (reason := _lacks(chosen, pool, role)) is not None:
        yield _problem(release, path, f"role `{name}`: {reason}", _pools_that_fit(facts, role))


def _lacks(name: str, pool: Pool, role: VariantRole) -> str | None:
    """Say what keeps one replica (pods x GPUs) of a role out of a pool (nodes x GPUs), or None."""
    gpus, pods = role.gpus_per_pod, role.pods_per_replica
    if gpus > pool.gpus_per_node:
        return f'{gpus} {_plural(gpus, "GPU")} per pod asked, nodes of pool "{name}" have {pool.gpus_per_node}'
    room = pool.nodes * (pool.gpus_per_node // gpus) if gpus else None
    if room is not None and pods > room:
        nodes = f"{pool.nodes} {_plural(pool.nodes, 'node')} of {pool.gpus_per_node} GPUs"
        return f'{pods} pods of {gpus} GPUs per replica asked, pool "{name}" has room for {room} ({nodes})'
    return None


def _pools_that_fit(facts: Environment, role: VariantRole) -> str:
    fitting = [
        name
        for name, pool in facts.pools.items()
        if pool.accelerator == role.accelerator and _lacks(name, pool, role) is None
    ]
    if not fitting:
        return "no pool of this environment fits; choose another variant"
    return f"choose a pool that fits: {_list(fitting)}"


# ---- words -----------------------------------------------------------------------------------------------


def _nulls(source: Sourced[Any], path: Path, tree: Any) -> Problems:
    """Report nulls in chart values: Helm deletes a default where it meets one."""
    if tree is None:
        hint = "leave the key out instead" if isinstance(path[-1], str) else "delete the item"
        yield _problem(source, path, "null stands where a value belongs", hint)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _nulls(source, (*path, key), value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _nulls(source, (*path, index), value)


def _problem(source: Sourced[Any], path: Path, message: str, hint: str, *, at_key: bool = False) -> Problem:
    location: Location = source.document.locate_key(path) if at_key else source.document.locate(path)
    return Problem(location, place(path), message, hint, CHECK)


def _choose(name: str, known: Iterable[str]) -> str:
    names = list(known)
    meant = nearest(name, names)
    if meant and len(names) == 1:
        return f"did you mean `{meant}`?"
    asked = f"did you mean `{meant}`? " if meant else ""
    if len(names) <= LISTED:
        return f"{asked}choose {_list(names)}" if names else "there is none to choose"
    return asked.rstrip() or f"choose one of the {len(names)} that exist"


def _list(names: Iterable[str]) -> str:
    words = list(names)
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words) or "none"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _file(environment: str) -> str:
    return f"{ENVIRONMENTS}/{environment}/environment.yaml"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _older(version: str, than: str) -> bool:
    return _version(version) < _version(than)


def _version(text: str) -> tuple[tuple[int, ...], int, int]:
    """Order versions: numbers, then a pre-release (1.4.0rc0) before its release."""
    match = re.match(r"v?([0-9]+(?:\.[0-9]+)*)(?:[-.]?(?:rc|a|b|dev|alpha|beta)[-.]?([0-9]*))?", text)
    if match is None:
        return (0,), 0, 0
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    final = match.end(1) == match.end()
    return tuple(numbers), int(final), int(match[2] or 0) if not final else 0
