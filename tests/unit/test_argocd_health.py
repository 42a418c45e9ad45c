"""Health of our kinds, told by the real Argo CD from sample objects in `tests/argocd/`.

The first line of a sample holds the health expected, then the message. Samples of kinds that Argo CD knows
itself pin what the waves and the derived deadlines rest on.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from generator.argocd import health, settings
from generator.argocd.health import Check
from generator.sources.environment import Cluster, Environment, Git, Namespace, Pool, Versions
from generator.tools import find

SAMPLES = sorted((Path(__file__).parents[1] / "argocd").rglob("*.yaml"))
OWN = {kind.lower() for _, kind in health.CHECKS}
ENVIRONMENT = Environment(
    name="prod",
    description="GPUs",
    versions=Versions(kubernetes="1.37", argocd="3.6.1"),
    cluster=Cluster(name="prod", server="https://prod.example.com"),
    git=Git(url="https://git.example.com/models.git"),
    domain="models.example.com",
    namespaces={"chat": Namespace(team="chat")},
    pools={"cpu": Pool(nodes=1, cpus_per_node=8, memory_per_node="32Gi")},
)


@pytest.fixture(scope="session")
def argocd_cm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("argocd") / "argocd-cm.yaml"
    file.write_text(yaml.safe_dump(settings.fragment(ENVIRONMENT)))
    return file


def told(sample: Path, argocd_cm: Path, zone: str = "UTC") -> str:
    overrides = ["admin", "settings", "resource-overrides", "health", str(sample)]
    done = subprocess.run(
        [find("argocd"), *overrides, "--argocd-cm-path", str(argocd_cm)],
        capture_output=True,
        text=True,
        env={"TZ": zone, "HOME": str(argocd_cm.parent), "PATH": ""},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("STATUS: ", "").replace("\nMESSAGE: ", ": ").rstrip(": \n")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_sample_has_the_health_that_its_first_line_says(sample: Path, argocd_cm: Path) -> None:
    expected = sample.read_text().splitlines()[0].removeprefix("# ")
    assert told(sample, argocd_cm) == expected


@pytest.mark.parametrize("kind", sorted(OWN))
def test_every_own_check_has_samples_of_each_health(kind: str) -> None:
    told_by_name = {path.stem.partition("-")[0] for path in SAMPLES if path.parent.name == kind}
    assert {"healthy", "progressing", "degraded"} <= told_by_name


@pytest.mark.parametrize("kind", sorted(OWN))
def test_every_own_check_has_a_sample_with_a_status_of_an_older_generation(kind: str) -> None:
    assert any(path.stem == "progressing-stale" for path in SAMPLES if path.parent.name == kind)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Honolulu", "Pacific/Auckland"])
@pytest.mark.parametrize(("age", "expected"), [(1700, "Progressing"), (1900, "Degraded")])
def test_a_deadline_counts_seconds_in_every_time_zone(
    zone: str, age: int, expected: str, argocd_cm: Path, tmp_path: Path
) -> None:
    stuck = next(path for path in SAMPLES if path.match("leaderworkerset/degraded-stuck.yaml"))
    since = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sample = tmp_path / "sample.yaml"
    sample.write_text(stuck.read_text().replace("2020-01-01T00:00:00Z", since))
    assert told(sample, argocd_cm, zone).startswith(expected)


def test_argo_cd_accepts_the_fragment(argocd_cm: Path) -> None:
    done = subprocess.run(
        [find("argocd"), "admin", "settings", "validate", "--argocd-cm-path", str(argocd_cm)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "resource overrides" in done.stdout


def test_a_broken_script_is_noticed(tmp_path: Path, argocd_cm: Path) -> None:
    broken = yaml.safe_load(argocd_cm.read_text())
    key = "resource.customizations.health.leaderworkerset.x-k8s.io_LeaderWorkerSet"
    broken["data"][key] = "return {"
    file = tmp_path / "argocd-cm.yaml"
    file.write_text(yaml.safe_dump(broken))
    sample = next(path for path in SAMPLES if path.match("leaderworkerset/healthy.yaml"))
    with pytest.raises(AssertionError, match="syntax error"):
        told(sample, file)


def test_a_check_is_left_out_from_the_version_that_brings_its_own() -> None:
    table = {("example.com", "Widget"): Check(("interceptorroute",), (3, 7, 0))}
    assert health.checks("3.6.1", table)
    assert not health.checks("v3.7.0", table)
    assert not health.checks("3.7", table)


def test_every_lua_file_belongs_to_a_check() -> None:
    files = {path.stem for path in (Path(health.__file__).parent / "lua").glob("*.lua")}
    assert files == {part for check in health.CHECKS.values() for part in check.parts}
