"""The real repository, made once a process: sources, charts, complete releases, rendered objects."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from generator import pipeline, tools
from generator.charts.build import Chart
from generator.resolve.release import Resolved
from generator.sources.load import Sources

ROOT = Path(__file__).resolve().parents[1]
# helpers below tests/ are imported as tests.<folder>.<module>, wherever pytest was started
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# the same examples in every run and on every machine; a slow machine is no failure
settings.register_profile("modelyard", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("modelyard")

Tree = dict[str, Any]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository itself; tests read it and write nothing there."""
    return ROOT


@pytest.fixture(scope="session")
def helm() -> Path:
    return tools.find("helm")


@pytest.fixture(scope="session")
def sources() -> Sources:
    """What people wrote, read from the real repository."""
    found, problems = pipeline.load_step(pipeline.Options(root=ROOT))
    assert not problems, problems
    return found


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, shared by its workers: the cache of charts lies there, Node starts once."""
    base = tmp_path_factory.getbasetemp()
    # a worker of pytest-xdist has a folder of its own inside the run's
    place = (base.parent if base.name.startswith("popen-") else base) / "home"
    place.mkdir(exist_ok=True)
    (place / "schemas").mkdir(exist_ok=True)
    for file in ("requirements.lock", "schemas/PROVENANCE.yaml"):
        shutil.copy(ROOT / file, place / file)
    return place


@pytest.fixture(scope="session")
def charts(sources: Sources, home: Path) -> dict[str, Chart]:
    """Every chart, made by cdk8s from the code as it is."""
    with (home / "lock").open("w") as lock:
        # the first worker makes them, the others read its cache
        fcntl.flock(lock, fcntl.LOCK_EX)
        return pipeline.charts_step(pipeline.Options(root=home), sources)


@pytest.fixture(scope="session")
def resolved(sources: Sources, charts: Mapping[str, Chart]) -> dict[str, Resolved]:
    """Every release of every real environment, by `environment/release`."""
    done, problems = pipeline.resolve_step(pipeline.Options(root=ROOT), charts, sources)
    assert not problems, problems
    return done


@pytest.fixture(scope="session")
def _rendered(
    charts: Mapping[str, Chart], resolved: Mapping[str, Resolved], sources: Sources
) -> tuple[dict[str, pipeline.Made], dict[str, list[Tree]]]:
    made, bases, problems = pipeline.render_step(charts, resolved, sources, list(sources.environments))
    assert not problems, problems
    return made, bases


@pytest.fixture(scope="session")
def made(_rendered: tuple[dict[str, pipeline.Made], Any]) -> dict[str, pipeline.Made]:
    """Every release, rendered by Helm."""
    return _rendered[0]


@pytest.fixture(scope="session")
def bases(_rendered: tuple[Any, dict[str, list[Tree]]]) -> dict[str, list[Tree]]:
    """What each environment itself needs, rendered."""
    return _rendered[1]


def copy_inputs(place: Path, home: Path, releases: Mapping[str, tuple[str, ...]]) -> Path:
    """Copy what people wrote and what was fetched; of an environment that is named, some releases only."""
    for folder in ("catalog", "schemas"):
        shutil.copytree(ROOT / folder, place / folder)
    shutil.copy(ROOT / "requirements.lock", place)
    for source in sorted((ROOT / "environments").iterdir()):
        target = place / "environments" / source.name
        (target / "releases").mkdir(parents=True)
        shutil.copy(source / "environment.yaml", target)
        for file in (source / "releases").iterdir():
            if file.stem in releases.get(source.name, (file.stem,)):
                shutil.copy(file, target / "releases")
    # charts are as they were for the real repository: Node need not start again
    shutil.copytree(home / ".cache", place / ".cache")
    return place


@pytest.fixture
def repository(tmp_path: Path, home: Path, charts: Mapping[str, Chart]) -> Callable[..., Path]:
    """Copy the inputs of the real repository; only some releases of an environment, if they are named."""

    def copy(name: str = "repository", **releases: tuple[str, ...]) -> Path:
        return copy_inputs(tmp_path / name, home, releases)

    return copy
