"""Reading a whole repository."""

from __future__ import annotations

import os
import pathlib
import shutil

import pytest

from generator.model.axes import Engine
from generator.sources import references
from generator.sources.load import load

BASE = pathlib.Path(__file__).parents[1] / "catalogs" / "base"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(BASE, tmp_path / "repository"))


def test_a_repository_is_read_by_name_with_documents(root: pathlib.Path) -> None:
    sources, problems = load(root)
    assert problems == []
    assert sorted(sources.models) == ["big", "tiny"] and Engine.VLLM in sources.engines
    release = sources.environments["dev"].releases["tiny"]
    assert release.value.model == "tiny"
    assert str(release.document.locate(("model",))) == "environments/dev/releases/tiny.yaml:1:8"


def test_an_empty_folder_gives_empty_sources_and_the_one_file_that_must_be(tmp_path: pathlib.Path) -> None:
    sources, problems = load(tmp_path)
    assert sources.models == {} and sources.environments == {}
    assert [problem.location.file for problem in problems] == ["catalog/accelerators.yaml"]


def test_a_broken_file_is_left_out_and_not_held_against_those_that_name_it(root: pathlib.Path) -> None:
    (root / "catalog/models/tiny.yaml").write_text("name: [")
    sources, problems = load(root)
    assert "tiny" not in sources.models and sources.broken == {"catalog/models/tiny.yaml"}
    assert len(problems) == 1 and references.check(sources) == []


def test_releases_of_a_broken_environment_are_still_read(root: pathlib.Path) -> None:
    (root / "environments/dev/environment.yaml").write_text("name: dev\n")
    (root / "environments/dev/releases/tiny.yaml").write_text("model: 3\n")
    files = {problem.location.file for problem in load(root)[1]}
    assert files == {"environments/dev/environment.yaml", "environments/dev/releases/tiny.yaml"}


def test_notes_and_hidden_files_are_ignored_and_folders_are_not(root: pathlib.Path) -> None:
    for name in ("README.md", ".keep", "tiny.yaml~"):
        (root / "catalog/models" / name).write_text("")
    (root / "catalog/models/old.yaml").mkdir()
    (problem,) = load(root)[1]
    assert problem.text().startswith("catalog/models/old.yaml: a folder lies where only files are read")


def test_an_environment_file_with_another_suffix_is_named(root: pathlib.Path) -> None:
    (root / "environments/dev/environment.yaml").rename(root / "environments/dev/environment.yml")
    hints = [problem.hint for problem in load(root)[1]]
    assert "rename it to environment.yaml" in hints


def test_a_file_where_a_folder_belongs_is_a_problem(root: pathlib.Path) -> None:
    shutil.rmtree(root / "catalog/stacks")
    (root / "catalog/stacks").write_text("")
    assert any(problem.location.file == "catalog/stacks" for problem in load(root)[1])


@pytest.mark.skipif(os.name != "posix", reason="names are text elsewhere")
def test_a_file_name_that_is_not_utf_8_is_a_problem_that_can_be_printed(root: pathlib.Path) -> None:
    name = os.fsencode(root / "catalog/models") + b"/caf\xe9.yaml"
    try:
        with open(name, "wb") as stream:  # noqa: PTH123 - a name of bytes
            stream.write(b"x: 1\n")
    except OSError:
        return  # this file system allows UTF-8 only
    (problem,) = load(root)[1]
    assert problem.message == "the file's name is not UTF-8" and problem.text().encode()


def test_a_link_that_leads_back_to_itself_is_a_problem(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "catalog" / "models"
    folder.mkdir(parents=True)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    _, problems = load(tmp_path)
    assert "this link leads back to itself" in [problem.message for problem in problems]


def test_a_link_to_no_file_is_told_from_a_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "catalog" / "models"
    folder.mkdir(parents=True)
    (folder / "gone.yaml").symlink_to("nowhere.yaml")
    _, problems = load(tmp_path)
    (problem,) = [problem for problem in problems if problem.location.file == "catalog/models/gone.yaml"]
    assert problem.message == "this link leads to no file"
