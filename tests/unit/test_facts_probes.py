"""What the probes say of a parser, and the stand-ins that let an engine be imported without a GPU."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.facts.extract.package import PROBES
from generator.facts.extract.probes.argparse_dump import describe


def described(*names: str, **options: Any) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    parser.add_argument(*names, **options)
    (flag,) = describe(parser)
    return flag


def positive(word: str) -> int:
    return int(word)


def object_or_nothing(word: str) -> Any:
    return None if word in ("", "None") else json.loads(word)


def test_the_long_spelling_is_the_name() -> None:
    flag = described("-t", "--threads", "--workers")
    assert (flag["name"], flag["aliases"]) == ("--threads", ["-t", "--workers"])


def test_help_is_no_flag() -> None:
    assert describe(argparse.ArgumentParser()) == []


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (None, "string"),
        (json.loads, "json"),
        (positive, "integer"),
    ],
)
def test_a_converter_is_named_by_what_it_accepts(convert: Callable[[str], Any] | None, kind: str) -> None:
    assert described("--x", type=convert)["type"] == kind


def test_a_converter_that_takes_the_word_none_is_nullable() -> None:
    flag = described("--x", type=object_or_nothing)
    assert (flag["type"], flag["nullable"]) == ("json", True)


def test_a_switch_is_a_boolean() -> None:
    assert described("--x", action="store_true") == {"name": "--x", "type": "boolean", "default": False}


def test_the_spellings_that_switch_off_are_told_apart() -> None:
    assert described("--x", action=argparse.BooleanOptionalAction)["negations"] == ["--no-x"]


@pytest.mark.parametrize("default", [0, 0.0, "", [], False])
def test_a_default_that_looks_like_nothing_is_kept(default: object) -> None:
    assert described("--x", default=default)["default"] == default


def test_a_default_that_is_an_object_of_the_engine_is_left_out() -> None:
    assert "default" not in described("--x", default=object())


def test_choices_are_sorted_words_by_letter_and_numbers_by_size() -> None:
    assert described("--x", choices={"b", "a", "c"})["choices"] == ["a", "b", "c"]
    assert described("--x", type=int, choices=[16, 1, 8])["choices"] == [1, 8, 16]


@pytest.mark.parametrize(
    "text", ["Deprecated: use --y.", "--x is deprecated and will be removed in v1.7.", "This flag is deprecated."]
)
def test_a_help_text_that_calls_the_flag_deprecated_marks_it(text: str) -> None:
    assert described("--x", help=text)["deprecated"] is True


def test_a_help_text_that_mentions_something_deprecated_does_not() -> None:
    assert "deprecated" not in described("--x", help="Allow deprecated methods. The fallback is deprecated;")


def test_the_release_that_removes_a_flag_is_read() -> None:
    assert described("--x", help="Deprecated: it will be removed in v0.34.0.")["removed_in"] == "0.34.0"


def test_no_help_text_is_written() -> None:
    assert "secret words" not in json.dumps(described("--x", help="secret words"))


def imported(tmp_path: Path, engine: str, after: str) -> str:
    """Import a made-up engine with stand-ins in a process of its own and print an expression."""
    (tmp_path / "engine.py").write_text(engine)
    program = (
        f"import sys; sys.path[:0] = [{str(PROBES.parent)!r}, {str(tmp_path)!r}]\n"
        "from probes import stub\n"
        "stub.install(real=['engine'], values={'torch.hip': None, 'torch.npu': stub.ABSENT})\n"
        f"import engine\nprint({after})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_missing_package_is_stood_in_for(tmp_path: Path) -> None:
    engine = "import torch.nn as nn\nclass Model(nn.Module):\n    size = 3\n"
    assert imported(tmp_path, engine, "engine.Model().size") == "3"


def test_a_decorator_of_a_missing_package_leaves_the_function(tmp_path: Path) -> None:
    engine = "import triton\n@triton.jit\ndef f():\n    return 5\n"
    assert imported(tmp_path, engine, "engine.f()") == "5"


def test_single_names_can_be_said_or_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, "import torch\n", "engine.torch.hip, hasattr(engine.torch, 'npu')")
    assert found == "None False"


def test_a_missing_part_of_the_engine_itself_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        imported(tmp_path, "import engine.missing\n", "1")


def test_an_installed_library_sees_what_is_really_missing(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text(
        "try:\n    import no_such_package\n    found = True\nexcept ImportError:\n    found = False\n"
    )
    assert imported(tmp_path, "import library\n", "engine.library.found") == "False"
