"""Real releases as checks see them: resolved and rendered once a process, and copies with one thing changed."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from generator import pipeline, schemas
from generator.charts.build import Chart
from generator.errors import Problem
from generator.resolve.context import Context
from generator.resolve.release import resolve
from generator.sources.check import convert
from generator.sources.document import read
from generator.sources.environment import Environment, Release
from generator.sources.load import Sourced, Sources, load
from generator.template.expand import expand, holds
from generator.validate.registry import RELEASE_CHECKS
from generator.validate.scope import EnvironmentScope, Finding, Manifest, ReleaseScope
from generator.validate.scope import Path as Place

ROOT = schemas.ROOT
REMOVED = object()

# one of each kind of workload and scaling
PLAIN = "staging/llama-8b"
ZERO = "prod/gpt-oss-20b"
GROUP = "prod/deepseek-r1"
PAIR = "staging/llama-70b-pd"
GRAPH = "prod/gpt-oss-120b-dynamo"
SGLANG = "staging/qwen3-8b-sglang"


@functools.cache
def sources() -> Sources:
    """The catalog and the environments of this repository."""
    found, problems = load(ROOT)
    assert not problems
    return found


@functools.cache
def charts() -> dict[str, Chart]:
    """The charts of every recipe."""
    return pipeline.charts_step(pipeline.Options(root=ROOT), sources())


@functools.cache
def scopes() -> dict[str, ReleaseScope]:
    """Every release of every environment, by `<environment>/<release>`."""
    resolved, problems = pipeline.resolve_step(pipeline.Options(root=ROOT), charts(), sources())
    assert not problems
    made, _, problems = pipeline.render_step(charts(), resolved, sources(), [])
    assert not problems
    return pipeline.scopes_of(charts(), made)


def environment(name: str, *releases: ReleaseScope, facts: Environment | None = None) -> EnvironmentScope:
    """One environment, with its own releases or with others, with its own facts or with others."""
    inside = releases or tuple(scope for key, scope in scopes().items() if key.startswith(f"{name}/"))
    source = sources().environments[name].environment
    return EnvironmentScope(source if facts is None else Sourced(facts, source.document), inside)


def facts_of(name: str, **changes: Any) -> Environment:
    """An environment's facts with some fields replaced."""
    return msgspec.structs.replace(sources().environments[name].environment.value, **changes)


def changed(scope: ReleaseScope, file: str, path: Place, value: object) -> ReleaseScope:
    """Copy a release with one place of one object set or removed; a list is inserted into by its length."""
    objects = {name: copy.deepcopy(manifest) if name == file else manifest for name, manifest in scope.objects.items()}
    target: Any = objects[file]
    for part in path[:-1]:
        target = target.setdefault(part, {}) if isinstance(target, dict) else target[part]
    if value is REMOVED:
        del target[path[-1]]
    elif isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value
    return ReleaseScope(scope.resolved, scope.chart, objects)


def with_object(scope: ReleaseScope, file: str, manifest: Manifest) -> ReleaseScope:
    """Copy a release with one more object."""
    return ReleaseScope(scope.resolved, scope.chart, {**scope.objects, file: manifest})


def without(scope: ReleaseScope, file: str) -> ReleaseScope:
    """Copy a release without one of its objects."""
    assert file in scope.objects
    return ReleaseScope(scope.resolved, scope.chart, {k: v for k, v in scope.objects.items() if k != file})


def in_context(scope: ReleaseScope, **changes: Any) -> ReleaseScope:
    """Copy a release as if its inputs were others; the objects stay."""
    context = msgspec.structs.replace(scope.resolved.context, **changes)
    return ReleaseScope(msgspec.structs.replace(scope.resolved, context=context), scope.chart, scope.objects)


def in_environment(scope: ReleaseScope, **changes: Any) -> ReleaseScope:
    """Copy a release as if its environment had other facts; the objects stay."""
    source = scope.resolved.context.environment
    facts = msgspec.structs.replace(source.value, **changes)
    return in_context(scope, environment=Sourced(facts, source.document))


def overridden(key: str, values: str) -> ReleaseScope:
    """Resolve and expand a release again, with `values` (YAML) written under its own file's text."""
    base = scopes()[key].resolved.context
    text = (ROOT / base.release.file).read_text(encoding="utf-8")
    assert "\nvalues:" not in text
    body = "".join(f"  {line}\n" for line in values.strip("\n").splitlines())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / base.release.file
        file.parent.mkdir(parents=True)
        file.write_text(f"{text}values:\n{body}", encoding="utf-8")
        document, problems = read(Path(folder), base.release.file)
    assert document is not None and not problems
    return _expanded(msgspec.structs.replace(base, release=Sourced(convert(document, Release), document)))


def _expanded(context: Context) -> ReleaseScope:
    resolved, problems = resolve(context)
    assert resolved is not None, [problem.text() for problem in problems]
    chart = charts()[resolved.chart]
    objects = {
        part.file: expand(part.manifest, resolved.values, resolved.namespace).data
        for part in chart.skeleton
        if holds(part.condition, resolved.values, resolved.namespace)
    }
    return ReleaseScope(resolved, chart, objects)


def found(check: Callable[[ReleaseScope], Iterator[Finding]], scope: ReleaseScope) -> list[Problem]:
    """Run a check as the pipeline does, places included."""
    return [scope.problem(finding, "test") for finding in check(scope)]


def texts(check: Callable[[ReleaseScope], Iterable[Finding]], scope: ReleaseScope) -> list[str]:
    """Run a check and give its messages."""
    return [finding.message for finding in check(scope)]


def complaints(scope: ReleaseScope) -> list[str]:
    """Run every check of a release and give all messages."""
    return [text for check in RELEASE_CHECKS.values() for text in texts(check, scope)]
