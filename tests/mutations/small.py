"""A repository of four releases, and everything that one run says of it; without Helm, a mistake costs little."""

from __future__ import annotations

import shutil
from pathlib import Path

from generator import pipeline
from generator.errors import Problem, ordered
from generator.resolve.release import Resolved
from generator.template.expand import expand, holds
from generator.validate.registry import CATALOG_CHECKS, ENVIRONMENT_CHECKS, RELEASE_CHECKS
from generator.validate.scope import EnvironmentScope, ReleaseScope
from tests.support.scopes import ROOT, charts

MODELS = ("llama-3-1-8b-instruct", "gpt-oss-20b", "gpt-oss-120b", "deepseek-r1-0528")
RELEASES = {"staging": ("llama-8b",), "prod": ("gpt-oss-20b", "deepseek-r1", "gpt-oss-120b-dynamo")}


def copy(place: Path) -> Path:
    """Copy what people wrote for a few releases, one of each kind of workload."""
    for folder in ("engines", "stacks"):
        shutil.copytree(ROOT / "catalog" / folder, place / "catalog" / folder)
    shutil.copy(ROOT / "catalog/accelerators.yaml", place / "catalog")
    (place / "catalog/models").mkdir()
    for model in MODELS:
        shutil.copy(ROOT / f"catalog/models/{model}.yaml", place / "catalog/models")
    for environment, releases in RELEASES.items():
        target = place / "environments" / environment
        (target / "releases").mkdir(parents=True)
        shutil.copy(ROOT / "environments" / environment / "environment.yaml", target)
        for release in releases:
            shutil.copy(ROOT / "environments" / environment / "releases" / f"{release}.yaml", target / "releases")
    return place


def problems_of(root: Path) -> tuple[Problem, ...]:
    """Say everything that a run would say, but for the schemas of Kubernetes."""
    options = pipeline.Options(root=root)
    sources, problems = pipeline.load_step(options)
    resolved, found = pipeline.resolve_step(options, charts(), sources)
    problems += found
    whole = not problems
    scopes = {key: expanded(item) for key, item in resolved.items()}
    problems += [
        scope.problem(finding, name)
        for scope in scopes.values()
        for name, check in RELEASE_CHECKS.items()
        for finding in check(scope)
    ]
    problems += [problem for check in CATALOG_CHECKS.values() for problem in check(sources)]
    for name, source in sources.environments.items() if whole else ():
        inside = tuple(scope for key, scope in scopes.items() if key.startswith(f"{name}/"))
        everything = EnvironmentScope(source.environment, inside)
        problems += [problem for check in ENVIRONMENT_CHECKS.values() for problem in check(everything)]
    return ordered(problems)


def expanded(resolved: Resolved) -> ReleaseScope:
    """A release with its objects, as Helm would render them."""
    chart = charts()[resolved.chart]
    objects = {
        part.file: expand(part.manifest, resolved.values, resolved.namespace).data
        for part in chart.skeleton
        if holds(part.condition, resolved.values, resolved.namespace)
    }
    return ReleaseScope(resolved, chart, objects)


def scopes_of(root: Path) -> dict[str, ReleaseScope]:
    """Every release of a small repository, with its objects."""
    options = pipeline.Options(root=root)
    sources, problems = pipeline.load_step(options)
    resolved, found = pipeline.resolve_step(options, charts(), sources)
    assert not problems and not found, [problem.text() for problem in (*problems, *found)]
    return {key: expanded(item) for key, item in resolved.items()}
