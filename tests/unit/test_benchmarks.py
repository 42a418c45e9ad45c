"""The synthetic repository of the benchmarks is a good one; nothing here is timed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from generator.pipeline import Options, load_step, resolve_step
from generator.sources.load import Sources

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


@pytest.fixture(scope="module")
def sources(repository: Path) -> Sources:
    return load_step(Options(root=repository))  # raises with every problem that it finds


def test_it_has_as_many_releases_as_asked(sources: Sources) -> None:
    assert sum(len(environment.releases) for environment in sources.environments.values()) == RELEASES


def test_its_releases_resolve_without_a_problem(repository: Path, sources: Sources) -> None:
    done, problems = resolve_step(Options(root=repository), sources)
    assert problems == []
    assert len(done) == RELEASES


def test_it_uses_every_chart_that_the_real_repository_uses(repository: Path, sources: Sources) -> None:
    real = Options(root=ROOT)
    used, _ = resolve_step(real, load_step(real))
    made, _ = resolve_step(Options(root=repository), sources)
    assert {item.chart for item in made.values()} == {item.chart for item in used.values()}
