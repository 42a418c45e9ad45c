"""What every chart makes of the fewest values, as it was when somebody last looked at it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.charts.build import Chart
from tests.golden.update import HERE, given, wanted

ADVICE = "if that is what you meant: python -m tests.golden.update, and read the difference like code"


@pytest.fixture(scope="module")
def files(charts: Mapping[str, Chart], helm: Path) -> dict[str, str]:
    return wanted(dict(charts), helm)


@pytest.mark.parametrize("name", sorted(given()))
def test_a_chart_makes_what_it_made_before(name: str, files: Mapping[str, str]) -> None:
    file = next(file for file in files if file.startswith((f"{name}/", f"environment/{name}.")))
    path = HERE / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    changes = difflib.unified_diff(before.splitlines(), files[file].splitlines(), file, "now", lineterm="", n=2)
    assert before == files[file], "\n".join([ADVICE, *list(changes)[:60]])


def test_no_golden_file_is_left_over(files: Mapping[str, str]) -> None:
    found = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*.yaml")}
    assert found == set(files), ADVICE
