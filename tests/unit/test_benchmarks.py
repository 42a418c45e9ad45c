"""The synthetic repository of the benchmarks is a good one; nothing here is timed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from generator.charts.build import Chart
from generator.pipeline import Options, load_step, resolve_step
from generator.resolve.release import Resolved

ROOT = Path(__file__).parents[2]
RELEASES = 200


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("synthetic", ROOT / "benchmarks" / "synthetic.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def repository(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    synthetic.copy_inputs(ROOT, root)
    synthetic.multiply(ROOT, root, RELEASES)
    return root


def test_it_has_as_many_releases_as_asked_and_no_problem(repository: Path) -> None:
    sources, problems = load_step(Options(root=repository))
    assert problems == []
    assert sum(len(environment.releases) for environment in sources.environments.values()) == RELEASES


def test_its_releases_resolve_and_use_every_chart_that_the_real_ones_use(
    repository: Path, charts: dict[str, Chart], resolved: dict[str, Resolved]
) -> None:
    options = Options(root=repository)
    done, problems = resolve_step(options, charts, load_step(options)[0])
    assert problems == []
    assert len(done) == RELEASES
    assert {item.chart for item in done.values()} == {item.chart for item in resolved.values()}
