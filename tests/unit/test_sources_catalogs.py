"""Small repositories, each the base with one change; an invalid file begins with its problem and hint."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from generator.errors import Problem, ordered
from generator.sources import references
from generator.sources.load import load

CATALOGS = pathlib.Path(__file__).parents[1] / "catalogs"
INVALID = sorted(path for path in (CATALOGS / "invalid").glob("*/**/*") if path.is_file())
VALID = sorted(path for path in (CATALOGS / "valid").iterdir() if path.is_dir())


def problems_of(overlay: pathlib.Path, root: pathlib.Path) -> tuple[Problem, ...]:
    shutil.copytree(CATALOGS / "base", root, dirs_exist_ok=True)
    shutil.copytree(overlay, root, dirs_exist_ok=True)
    sources, problems = load(root)
    return ordered(problems + references.check(sources))


def overlay_of(file: pathlib.Path) -> pathlib.Path:
    return CATALOGS / "invalid" / file.relative_to(CATALOGS / "invalid").parts[0]


@pytest.mark.parametrize("file", INVALID, ids=lambda file: overlay_of(file).name)
def test_an_invalid_file_gives_the_problem_in_its_first_lines(file: pathlib.Path, tmp_path: pathlib.Path) -> None:
    lines = [line.decode().removeprefix("# ") for line in file.read_bytes().split(b"\n")[:2]]
    problems = problems_of(overlay_of(file), tmp_path)
    assert problems, "no problem was found"
    message, hint = problems[0].text().split("\n")
    assert message == lines[0]
    # a hint that lists every engine is left out of the file: it changes with each engine
    assert hint.strip() == lines[1] or not lines[1].startswith("hint: ")


@pytest.mark.parametrize("overlay", VALID, ids=lambda overlay: overlay.name)
def test_a_valid_repository_has_no_problem(overlay: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert problems_of(overlay, tmp_path) == ()


def test_every_problem_has_a_hint_and_names_its_check(tmp_path: pathlib.Path) -> None:
    for file in INVALID:
        root = tmp_path / overlay_of(file).name
        for problem in problems_of(overlay_of(file), root):
            assert problem.hint and problem.check, problem


def test_every_invalid_case_changes_one_file() -> None:
    assert len({overlay_of(file) for file in INVALID}) == len(INVALID)


def test_no_secret_of_an_invalid_file_is_echoed(tmp_path: pathlib.Path) -> None:
    for file in INVALID:
        if not overlay_of(file).name.startswith("secret"):
            continue
        for problem in problems_of(overlay_of(file), tmp_path / overlay_of(file).name):
            assert "aaaabbbb" not in problem.text() and "x7Qp2LmV" not in problem.text()


def test_problems_of_many_files_come_in_one_run(tmp_path: pathlib.Path) -> None:
    shutil.copytree(CATALOGS / "base", tmp_path, dirs_exist_ok=True)
    for case in ("not-utf-8", "misspelt-engine", "storage-default-unknown", "file-suffix"):
        shutil.copytree(CATALOGS / "invalid" / case, tmp_path, dirs_exist_ok=True)
    sources, problems = load(tmp_path)
    files = {problem.location.file for problem in problems + references.check(sources)}
    assert files == {
        "environments/dev/releases/tiny.yaml",
        "catalog/models/tiny.yaml",
        "environments/prod/environment.yaml",
        "environments/dev/releases/other.yml",
    }
