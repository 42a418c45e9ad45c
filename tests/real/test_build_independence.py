"""No release depends on another: taking one away changes its own files and its environment's whitelist only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from generator import pipeline
from generator.charts.build import Chart
from generator.output import owned_by_release
from generator.pipeline import Made, Options
from generator.resolve.release import Resolved
from generator.sources.load import Sources

Tree = dict[str, Any]
replace = msgspec.structs.replace


def tree(
    environment: str,
    root: Path,
    charts: Mapping[str, Chart],
    sources: Sources,
    made: Mapping[str, Made],
    bases: Mapping[str, list[Tree]],
) -> dict[str, str]:
    options = Options(root=root, environments=frozenset({environment}))
    own = {key: item for key, item in made.items() if key.startswith(f"{environment}/")}
    whole = pipeline.own_objects(charts, sources, environment, own, bases[environment])
    folders = pipeline.folders_of(own)
    return dict(pipeline.tree_of(options, charts, own, {environment: whole}, folders))


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_release_that_is_gone_changes_its_own_files_and_the_whitelist_only(
    environment: str,
    root: Path,
    charts: Mapping[str, Chart],
    sources: Sources,
    made: Mapping[str, Made],
    bases: Mapping[str, list[Tree]],
) -> None:
    whole = tree(environment, root, charts, sources, made, bases)
    names = list(sources.environments[environment].releases)
    for name in names[:: 4 if len(names) > 40 else 1]:
        rest = {key: item for key, item in made.items() if key != f"{environment}/{name}"}
        without = tree(environment, root, charts, sources, rest, bases)
        changed = {file for file in whole.keys() | without.keys() if whole.get(file) != without.get(file)}
        project = f"environments/{environment}/argocd/project-releases.yaml"
        own = [file for file in changed if file != project]
        assert own and all(file.startswith(owned_by_release(environment, name)) for file in own), name
        assert not any(file.startswith(owned_by_release(environment, name)) for file in without if file not in whole)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_values_of_a_release_depend_on_no_other_release(
    environment: str, root: Path, charts: Mapping[str, Chart], sources: Sources, resolved: Mapping[str, Resolved]
) -> None:
    here = sources.environments[environment]
    # every second one is gone, then the others
    for part in (0, 1):
        left = dict(list(here.releases.items())[part::2])
        fewer = replace(sources, environments={environment: replace(here, releases=left)})
        found, problems = pipeline.resolve_step(Options(root=root), charts, fewer)
        assert not problems and set(found) == {f"{environment}/{name}" for name in left}
        assert all(item.values == resolved[key].values for key, item in found.items())


def test_no_release_is_in_the_files_of_two(made: Mapping[str, Made]) -> None:
    owners: dict[tuple[str, str, str, str], str] = {}
    for key, item in made.items():
        for manifest in item.objects.values():
            environment, namespace = item.resolved.environment, item.resolved.namespace
            identity = (environment, namespace, manifest["kind"], manifest["metadata"]["name"])
            assert owners.setdefault(identity, key) == key
