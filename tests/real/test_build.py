"""`build` and `check` on copies of the real repository: same bytes, small differences, nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from generator.charts.build import Chart
from generator.cli import main
from generator.write import PART
from tests.conftest import copy_inputs

Copy = Callable[..., Path]
Files = dict[str, bytes]

FEW = {"staging": ("llama-8b", "bge-m3", "qwen3-8b-sglang"), "dev": ("llama-8b",), "prod": ("phi-4-mini",)}


@pytest.fixture(autouse=True)
def _not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    # there `check` would make every chart again
    monkeypatch.delenv("CI", raising=False)


def files(place: Path) -> Files:
    """All files of a repository, its cache left out."""
    found = (path for path in place.rglob("*") if path.is_file() and ".cache" not in path.relative_to(place).parts)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> set[str]:
    return {file for file in one.keys() | other.keys() if one.get(file) != other.get(file)}


def build(place: Path, *options: str) -> int:
    return main(["--root", str(place), "build", *options])


def check(place: Path, *options: str) -> int:
    return main(["--root", str(place), "check", *options])


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, home: Path, charts: Mapping[str, Chart]) -> Path:
    """A small repository, built once."""
    place = copy_inputs(tmp_path_factory.mktemp("pristine") / "repository", home, FEW)
    assert build(place) == 0
    return place


@pytest.fixture
def built(pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A copy of it that a test may spoil."""
    capsys.readouterr()
    return Path(shutil.copytree(pristine, tmp_path / "built"))


def test_folder_locale_and_hash_seed_never_change_a_byte(repository: Copy, root: Path) -> None:
    places = [repository("one"), repository("a folder, ünlike the other")]
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    worlds = [{**plain, "PYTHONHASHSEED": "1", "TZ": "UTC"}, {**os.environ, "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"}]
    worlds[1]["TZ"] = "Asia/Kolkata"
    for place, world, folder in zip(places, worlds, (root, places[1]), strict=True):
        command = [sys.executable, "-m", "generator.cli", "--root", str(place), "build"]
        done = subprocess.run(command, cwd=folder, env=world, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert not differing(files(places[0]), files(places[1]))


def test_what_is_committed_is_what_would_be_made(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(root) == 0, capsys.readouterr().out


def test_a_second_build_changes_nothing(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*.yaml")}
    assert build(built) == 0
    assert "nothing changed in" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*.yaml")} == before


def test_a_build_says_how_many_files_of_how_many_releases_it_wrote(
    repository: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    place = repository(**FEW)
    before = files(place)
    assert build(place) == 0
    written = len(differing(before, files(place)))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"wrote {written} files of 5 releases, deleted 0 files in ")


def test_a_release_that_is_removed_takes_only_its_own_files_along(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(built)
    (built / "environments/staging/releases/bge-m3.yaml").unlink()
    assert build(built) == 0
    here = "environments/staging"
    own = (f"{here}/releases/bge-m3", f"{here}/values/bge-m3", f"{here}/rendered/bge-m3/")
    shared = (f"{here}/argocd/application-bge-m3.yaml", f"{here}/argocd/project-releases.yaml")
    assert all(file.startswith((*own, *shared)) for file in differing(before, files(built)))
    assert "deleted" in capsys.readouterr().out and not (built / here / "rendered/bge-m3").exists()


def test_a_model_that_changes_touches_only_its_own_releases(built: Path) -> None:
    before = files(built)
    model = built / "catalog/models/llama-3-1-8b-instruct.yaml"
    assert build(built) == 0
    text = model.read_text(encoding="utf-8")
    model.write_text(f"{text}values:\n  timing:\n    preStopSeconds: 21\n", encoding="utf-8")
    assert yaml.safe_load(text).get("values") is None
    assert build(built) == 0
    changed = differing(before, files(built)) - {model.relative_to(built).as_posix()}
    folders = {"/".join(file.split("/")[:4]).removesuffix(".yaml") for file in changed}
    assert folders == {
        f"environments/{environment}/{part}/llama-8b"
        for environment in ("dev", "staging")
        for part in ("values", "rendered")
    }


def test_a_build_with_problems_writes_nothing(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = built / "environments/staging/releases/bge-m3.yaml"
    release.write_text(f"{release.read_text(encoding='utf-8')}values:\n  rolout: surge\n", encoding="utf-8")
    (built / "environments/staging/rendered/bge-m3/stale.yaml").write_text("kind: A\n")
    before = files(built)
    assert build(built) == 1
    assert files(built) == before
    said = capsys.readouterr().out
    assert "environments/staging/releases/bge-m3.yaml:" in said and "rollout" in said
    assert said.endswith("1 problem; nothing was written\n")


def test_problems_of_several_files_and_steps_come_in_one_run(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = built / "environments/staging/releases"
    (here / "bge-m3.yaml").write_text("model: bge-m33\nvariant: l40s\nnamespace: speech\n")
    broken = here / "llama-8b.yaml"
    broken.write_text(f"{broken.read_text(encoding='utf-8')}values:\n  rolout: surge\n", encoding="utf-8")
    assert build(built) == 1
    said = capsys.readouterr().out
    assert "bge-m3.yaml:1:8" in said and "llama-8b.yaml:" in said


GOOD = b"model: llama-3-1-8b-instruct\nvariant: h100\nnamespace: assistants\n"
BROKEN: dict[str, bytes] = {
    "not-utf-8": b"model: \xff\n",
    "empty": b"",
    "tabs": b"model:\n\tx: 1\n",
    "control": b"model: a\x07b\nvariant: h100\nnamespace: assistants\n",
    "wrong-yaml": b"model: [a\n",
    "twice": b"model: llama-3-1-8b-instruct\nmodel: llama-3-1-8b-instruct\nvariant: h100\nnamespace: assistants\n",
    "bomb": b"a: &a [x, x]\nb: &b [*a, *a]\nmodel: *b\n",
    "no-model": b"model: llama-9\nvariant: h100\nnamespace: assistants\n",
    "null": b"model: llama-3-1-8b-instruct\nvariant: h100\nnamespace: null\n",
    "misspelt": b"model: llama-3-1-8b-instruct\nvariant: h100\nnamspace: assistants\n",
    "float": GOOD + b"values: {service: {port: 8.5}}\n",
    "key": GOOD + b"values: {scaling: {heldRequests: 1}}\n",
    "flag": GOOD + b"values: {roles: {server: {extraArgs: [--dtype=half]}}}\n",
    "a-name-that-is-too-long-for-its-objects": GOOD,
}


def test_every_broken_file_has_its_own_problem_in_one_run(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in BROKEN.items():
        (built / f"environments/staging/releases/{name}.yaml").write_bytes(content)
    before = files(built)
    assert main(["--root", str(built), "build", "--format", "json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    for name in BROKEN:
        own = [p for p in problems if p["file"] == f"environments/staging/releases/{name}.yaml"]
        assert own and all(p["message"] and p["hint"] for p in own), name
        assert all(p["line"] for p in own) or name in ("empty", "a-name-that-is-too-long-for-its-objects"), own
    assert files(built) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from generator.write import PART
left, real = {after}, Path.replace
def replace(self, target):
    global left
    if self.name.endswith(PART):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(self, target)
Path.replace = replace
from generator.cli import main
sys.exit(main(["--root", {place!r}, "build"]))
"""


@pytest.mark.parametrize("after", [0, 40])
def test_what_a_killed_build_leaves_the_next_one_repairs(after: int, repository: Copy, built: Path) -> None:
    place = repository("killed", **FEW)
    script = KILLED.format(after=after, place=str(place))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    half = files(place)
    assert sum(file.endswith(PART) for file in half) == 1 and len(half) < len(files(built))
    assert build(place) == 0
    assert not differing(files(place), files(built))


def test_a_stale_file_is_deleted_and_counted(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(built)
    (built / "environments/dev/rendered/llama-8b/configmap-old.yaml").write_text("kind: ConfigMap\n")
    (built / "charts/old-chart/templates").mkdir(parents=True)
    (built / "charts/old-chart/Chart.yaml").write_text("name: old-chart\n")
    assert build(built) == 0
    assert "wrote 0 files, deleted 2 files of 1 release in" in capsys.readouterr().out
    assert files(built) == before


def test_a_released_chart_is_never_touched(built: Path) -> None:
    released = built / "charts/released/vllm-aggregated-fixed/0.0.9/Chart.yaml"
    released.parent.mkdir(parents=True)
    released.write_text("name: vllm-aggregated-fixed\n")
    assert build(built) == 0 and released.exists()


def test_a_release_alone_leaves_the_stale_files_of_others(built: Path) -> None:
    own, other = (built / f"environments/staging/rendered/{name}/old.yaml" for name in ("bge-m3", "llama-8b"))
    for file in (own, other):
        file.write_text("kind: A\n")
    assert build(built, "--release", "bge-m3") == 0
    assert not own.exists() and other.exists()


def test_an_environment_alone_leaves_the_stale_files_of_others(built: Path) -> None:
    own, other = (built / f"environments/{name}/argocd/old.yaml" for name in ("staging", "dev"))
    for file in (own, other):
        file.write_text("kind: A\n")
    assert build(built, "--env", "staging") == 0
    assert not own.exists() and other.exists()


def test_a_release_alone_writes_what_a_whole_build_would(built: Path) -> None:
    before = files(built)
    for file in ("rendered/bge-m3/service-bge-m3.yaml", "values/bge-m3.yaml", "argocd/application-bge-m3.yaml"):
        (built / "environments/staging" / file).write_text("kind: A\n")
    assert build(built, "--env", "staging", "--release", "bge-m3") == 0
    assert files(built) == before


def test_an_environment_that_is_gone_takes_its_made_files_along(built: Path) -> None:
    for file in ("environment.yaml", "releases/llama-8b.yaml"):
        (built / "environments/dev" / file).unlink()
    assert build(built) == 0
    assert not [file for file in files(built) if file.startswith("environments/dev/")]


def test_check_names_every_kind_of_difference_and_writes_nothing(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = built / "environments/staging/rendered/bge-m3"
    (here / "service-bge-m3.yaml").unlink()
    (here / "by-hand.yaml").write_text("kind: ConfigMap\n")
    (built / "environments/staging/values/bge-m3.yaml").write_text("name: x\n")
    before = files(built)
    assert check(built) == 1
    said = capsys.readouterr().out
    assert f"{(here / 'service-bge-m3.yaml').relative_to(built)}: is missing\n" in said
    assert f"{(here / 'by-hand.yaml').relative_to(built)}: is no longer made\n" in said
    assert "environments/staging/values/bge-m3.yaml: differs from what would be made now\n" in said
    assert "would write 2 files of 1 release, would delete 1 file of 1 release" in said
    assert files(built) == before


def test_check_of_a_fresh_build_is_clean(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(built) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_check_lists_the_first_of_many_differences_and_counts_the_rest(
    repository: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(repository(**FEW)) == 1
    said = capsys.readouterr().out
    assert said.count("is missing") == 20 and "more files differ" in said


def test_a_broken_cache_is_made_again(built: Path) -> None:
    (cached,) = (built / ".cache/charts").glob("*.json")
    good = cached.read_bytes()
    cached.write_bytes(b"[{")
    assert build(built) == 0
    (made,) = (built / ".cache/charts").iterdir()
    assert made.read_bytes() == good
