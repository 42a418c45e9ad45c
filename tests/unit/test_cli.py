"""The command line: exit codes, formats, widths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator import __version__, cli
from generator.charts.build import Chart
from generator.cli import main, root_of
from tests.conftest import copy_inputs

SARIF_LEVELS = {"error", "warning"}
MISTAKE = "values:\n  rolout: surge\n"
RELEASE = "environments/staging/releases/llama-8b.yaml"


@pytest.fixture(autouse=True)
def _not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, home: Path, charts: Mapping[str, Chart]) -> Path:
    """A small repository, not yet built."""
    few = {"staging": ("llama-8b",), "dev": ("llama-8b",), "prod": ("phi-4-mini",)}
    return copy_inputs(tmp_path_factory.mktemp("cli") / "repository", home, few)


@pytest.fixture
def mistaken(place: Path) -> Any:
    """The same with one mistake in a release, taken back afterwards."""
    file = place / RELEASE
    before = file.read_text(encoding="utf-8")
    file.write_text(before + MISTAKE, encoding="utf-8")
    yield place
    file.write_text(before, encoding="utf-8")


def stop(error: BaseException) -> Any:
    def run(options: object) -> int:
        raise error

    return run


def run(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    monkeypatch.setattr(cli, "_matrix", stop(error))
    return main(["matrix"])


def test_what_is_clean_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix"]) == 0


def test_a_problem_ends_with_1(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(mistaken), "build"]) == 1


@pytest.mark.parametrize(
    "arguments", [["--no-such"], ["nonsense"], [], ["build", "--format", "xml"], ["explain"], ["facts"], ["facts", "x"]]
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "usage: modelyard" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["biuld"], "did you mean build?"),
        (["build", "--format", "jsn"], "did you mean json?"),
        (["build", "--enviroment", "dev"], "did you mean --env?"),
        (["check", "--realese=a"], "did you mean --release?"),
        (["build", "--today", "2026-13-01"], "'2026-13-01' is no day; write it as YYYY-MM-DD"),
    ],
)
def test_a_slip_of_the_hand_is_told_what_was_meant(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert meant in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 100


def test_what_is_like_nothing_known_gets_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["zzz"])
    assert "did you mean" not in capsys.readouterr().err


def test_check_says_no_drift_of_what_could_not_be_made(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(mistaken), "check"]) == 1
    said = capsys.readouterr().out
    assert "rolout" in said
    assert "is missing" not in said and "no longer made" not in said
    assert "is said once the errors above are mended" in said


def test_a_bug_of_ours_ends_with_3_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, KeyError("x")) == 3
    said = capsys.readouterr().err
    assert f"This is a bug of modelyard {__version__}" in said and "Please report it" in said and "Traceback" in said


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, KeyboardInterrupt()) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    command = f"{sys.executable} -c 'import sys; from generator.cli import main; sys.exit(main([\"matrix\"]))'"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0 and capsys.readouterr().out == f"modelyard {__version__}\n"


def test_the_repository_is_found_from_a_folder_inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "environments" / "staging")
    assert root_of(cli.parser().parse_args(["matrix"])) == place


def test_json_holds_the_place_of_a_problem(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(mistaken), "build", "--format", "json"]) == 1
    (problem,) = (p for p in json.loads(capsys.readouterr().out)["problems"] if p["severity"] == "error")
    line = (mistaken / RELEASE).read_text(encoding="utf-8").splitlines()[problem["line"] - 1]
    assert problem["file"] == RELEASE and line[problem["column"] - 1 :].startswith("rolout")


def test_sarif_holds_the_place_of_a_problem(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(mistaken), "check", "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    (one,) = log["runs"]
    rules = {rule["id"] for rule in one["tool"]["driver"]["rules"]}
    for result in one["results"]:
        assert result["ruleId"] in rules and result["level"] in SARIF_LEVELS and result["message"]["text"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/") and "\\" not in uri
    places = [result["locations"][0]["physicalLocation"] for result in one["results"] if result["level"] == "error"]
    assert {"uri": RELEASE} in [place["artifactLocation"] for place in places if "region" in place]


def test_github_gets_one_annotation_a_problem(mistaken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(mistaken), "build", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"::error file={RELEASE},line=") for line in lines)
    assert all(line.startswith(("::error ", "::warning ")) for line in lines)


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_report_for_a_program_is_all_there_is_on_standard_output(
    form: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(place), "check", "--format", form]) == 1
    json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "--env", "stagin"], "there is no environment 'stagin'"),
        (["build", "--release", "lama-8b"], "there is no release 'lama-8b'"),
        (["bootstrap", "stagin"], "there is no environment 'stagin'"),
    ],
)
def test_a_name_that_is_not_there_is_a_problem_with_a_hint(
    arguments: list[str], said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(place), *arguments]) == 1
    out = capsys.readouterr().out
    assert said in out and "hint: " in out


def test_a_folder_that_is_no_repository_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "build"]) == 1
    out = capsys.readouterr().out
    assert "catalog" in out and "hint: " in out and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["matrix"],
        ["doctor"],
        ["explain", "prod/llama-70b-pd"],
        ["explain", "prod/llama-70b-pd", "platform"],
        ["explain", "prod/llama-70b-pd", "Deployment/llama-70b-pd-prefill"],
        ["explain", "prod/nothing"],
    ],
    ids=" ".join,
)
def test_no_line_of_the_real_repository_is_wider_than_100(
    arguments: list[str], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--root", str(root), *arguments])
    lines = capsys.readouterr().out.splitlines()
    # what holds no blank, such as a long path, is never cut
    assert lines and not [line for line in lines if len(line) > 100 and " " in line.strip()]


def test_a_log_gets_plain_lines_and_a_terminal_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from io import StringIO

    from generator.commands.progress import Progress

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    for stream, said in (
        (StringIO(), "values ...\ncheck ...\n"),
        (Terminal(), "\rvalues ...\rcheck ... \r         \r"),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress()
        progress.step("values")
        progress.step("check")
        progress.done()
        assert stream.getvalue() == said


def test_an_output_that_knows_no_letters_beyond_ascii_is_no_bug(place: Path) -> None:
    world = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "generator.cli", "--root", str(place), "explain", "staging/ünknown"]
    done = subprocess.run(command, env=world, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
