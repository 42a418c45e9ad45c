"""Variants of the catalog that no release runs yet, against the engine's very release: they are the next to be chosen.

What a release runs is checked as it is rendered. A variant that only stands there would show its mistake on the day
it is needed: a class of weights that the engine does not know, a parser of another engine, a context beyond the
checkpoint, a precision that the GPU does not compute.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from generator import recipes
from generator.errors import Problem, Severity, dotted
from generator.facts import Facts, known, load
from generator.facts.model import nearest
from generator.model.axes import Engine
from generator.sources.catalog import Model, Variant
from generator.sources.load import Sourced, Sources
from generator.sources.references import running_version
from generator.validate.fit import CAPABILITIES
from generator.validate.models import LONGER, STRETCHES
from generator.validate.pods import Path

CHECK = "variants"
REGISTRIES = {"tool": "tool_parsers", "reasoning": "reasoning_parsers"}
# A worker of Dynamo takes tool calls and reasoning apart itself: its parsers are the choices of these flags.
CHOICES = {"tool": "--dyn-tool-call-parser", "reasoning": "--dyn-reasoning-parser"}


def check(sources: Sources) -> Iterator[Problem]:
    """Find variants that nobody runs and that could not run."""
    released = {
        (release.value.model, release.value.variant)
        for environment in sources.environments.values()
        for release in environment.releases.values()
    }
    for name, source in sources.models.items():
        spare = {key: v for key, v in source.value.variants.items() if (name, key) not in released}
        served = frozenset(v.engine for key, v in source.value.variants.items() if key not in spare)
        yield from _architectures(sources, source, spare)
        yield from _parsers(sources, source, served)
        yield from _parsers_of_stacks(sources, source, spare)
        for key, variant in spare.items():
            yield from _context(source, key, variant)
            yield from _precision(sources, source, key, variant)

    yield from _without_class(sources)


def _without_class(sources: Sources) -> Iterator[Problem]:
    """Say once which models no engine was asked about: their class stands nowhere."""
    unread = {
        name: source
        for name, source in sorted(sources.models.items())
        if source.value.architecture.name is None
        and any(facts_of(sources, variant) is not None for variant in source.value.variants.values())
    }
    if unread:
        names = list(unread)
        message = f"of {len(names)} models nobody said the class, so no engine was asked for it: {', '.join(names)}"
        hint = "write architecture.name as the checkpoint's config.json has it"
        yield _problem(unread[names[0]], ("architecture",), message, hint, Severity.WARNING)


def _problem(
    source: Sourced[Model], path: Path, message: str, hint: str, severity: Severity = Severity.ERROR
) -> Problem:
    return Problem(source.document.locate(path), dotted(path), message, hint, CHECK, severity)


def facts_of(sources: Sources, variant: Variant) -> Facts | None:
    """Load what is known of the program that a variant would run; None for one without weights or without facts."""
    engine, stack = sources.engines.get(variant.engine), sources.stacks.get(variant.stack)
    if engine is None or stack is None or recipes.ENGINES[variant.engine].MEMORY is None:
        return None
    carried = next((r for r in stack.value.releases if r.version == stack.value.default), None)
    own = carried.facts.get(variant.engine.value) if carried is not None else None
    if own is None:
        version = running_version(variant, engine.value, stack.value)
        release = next((r for r in engine.value.releases if r.version == version), None)
        own = f"{variant.engine.value}/{release.facts}" if release is not None else None
    return _loaded(own)


def _loaded(file: str | None) -> Facts | None:
    engine, _, version = (file or "").removesuffix(".json").partition("/")
    return load(engine, version) if version in known(engine) else None


def _architectures(sources: Sources, source: Sourced[Model], spare: dict[str, Variant]) -> Iterator[Problem]:
    """Say it once for an engine's release, at the class, and name the variants."""
    name = source.value.architecture.name
    lacking: dict[tuple[str, str], list[str]] = {}
    for key, variant in source.value.variants.items():
        facts = facts_of(sources, variant)
        registry = facts.registry("architectures") if facts is not None else ()
        if facts is not None and registry and name is not None and name not in registry:
            if key not in spare:
                # the release says it already
                return
            lacking.setdefault((facts.engine, facts.version), []).append(key)
    # the code of the checkpoint may bring the class along
    severity = Severity.WARNING if source.value.trust_remote_code else Severity.ERROR
    for (engine, version), keys in lacking.items():
        message = f"{engine} {version} knows no architecture {name} (variants {', '.join(keys)})"
        near = difflib.get_close_matches(str(name), load(engine, version).registry("architectures"), cutoff=0.8)
        said = f"did the checkpoint's config.json say {' or '.join(near)}?"
        hint = said if near else "serve it with another engine or release"
        yield _problem(source, ("architecture", "name"), message, hint, severity)


def _parsers(sources: Sources, source: Sourced[Model], served: frozenset[Engine]) -> Iterator[Problem]:
    """Look at the parsers of engines that no release of the model runs; the others are flags of a release."""
    for engine in Engine:
        parsers = source.value.parsers.get(engine.value)
        file = sources.engines.get(engine)
        if parsers is None or file is None or engine in served:
            continue
        facts = _loaded(f"{engine.value}/{file.value.default}.json")
        for field, registry in REGISTRIES.items():
            name, names = getattr(parsers, field), facts.registry(registry) if facts is not None else ()
            if facts is not None and name is not None and names and name not in names:
                yield _unknown_parser(source, ("parsers", engine.value, field), facts, name, names)


def _parsers_of_stacks(sources: Sources, source: Sourced[Model], spare: dict[str, Variant]) -> Iterator[Problem]:
    """Look at the parsers of stacks that no release of the model runs on: by the stack's name, else by the engine's."""
    variants = source.value.variants
    served = {(v.engine, v.stack) for key, v in variants.items() if key not in spare}
    asked = {(v.engine, v.stack): v for v in spare.values() if (v.engine, v.stack) not in served}
    for variant in asked.values():
        facts = facts_of(sources, variant)
        for field, flag_name in CHOICES.items():
            flag = facts.flag(flag_name) if facts is not None else None
            programs = (variant.stack.value, variant.engine.value)
            written = ((p, getattr(source.value.parsers.get(p), field, None)) for p in programs)
            program, name = next(((p, name) for p, name in written if name is not None), ("", ""))
            names = [str(choice) for choice in flag.choices or ()] if flag is not None else []
            if facts is not None and name and names and name not in names:
                yield _unknown_parser(source, ("parsers", program, field), facts, name, names)


def _unknown_parser(source: Sourced[Model], path: Path, facts: Facts, name: str, names: Iterable[str]) -> Problem:
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else f"choose one of {', '.join(sorted(names))}"
    return _problem(source, path, f"{facts.engine} {facts.version} has no {path[-1]} parser {name}", hint)


def _context(source: Sourced[Model], key: str, variant: Variant) -> Iterator[Problem]:
    most, asked = source.value.architecture.context_tokens, variant.context_tokens
    written = f"{source.value.values} {variant.values}"
    if asked is None or asked <= most or any(word in written for word in (*STRETCHES, *LONGER)):
        return
    message = f"a context of {asked} tokens is asked of a checkpoint that has {most}: the engine refuses to start"
    hint = f"set {most} or less, or stretch it with {STRETCHES[0]} and see what the answers are worth"
    yield _problem(source, ("variants", key, "contextTokens"), message, hint)


def _precision(sources: Sources, source: Sourced[Model], key: str, variant: Variant) -> Iterator[Problem]:
    checkpoint = variant.checkpoint
    precision = checkpoint.precision if checkpoint else source.value.architecture.precision
    least = CAPABILITIES.get(precision)
    for name, role in variant.roles.items():
        gpu = sources.accelerators.value.accelerators.get(role.accelerator)
        if least is None or gpu is None or gpu.compute_capability >= least:
            continue
        message = f"the weights are {precision}, which {gpu.name} (sm {gpu.compute_capability}) does not compute"
        hint = f"use a GPU of sm {least} or above, or a checkpoint of another precision"
        yield _problem(source, ("variants", key, "roles", name, "accelerator"), message, hint)
