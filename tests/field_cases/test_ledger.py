"""The ledger of field cases: each has tests that are there, or says what it waits for; each test has its case."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
LEDGER: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "ledger.yaml").read_text(encoding="utf-8"))
_CASE = re.compile(r"test_([a-z]+)_(\d+)_")


def there() -> set[str]:
    """Every test of a case."""
    return {
        f"{file.name}::{node.name}"
        for file in HERE.glob("test_*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and _CASE.match(node.name)
    }


def case_of(test: str) -> str:
    """Tell from a test's name which case it holds."""
    found = _CASE.match(test.partition("::")[2])
    assert found, test
    return f"{found[1].upper()}-{found[2]}"


@pytest.mark.parametrize("case", LEDGER)
def test_a_case_is_held_by_tests_or_waits_for_something(case: str) -> None:
    entry = LEDGER[case]
    assert set(entry) <= {"about", "tests", "waits"} and entry["about"]
    assert entry.get("tests") or entry.get("waits")
    assert {case_of(test) for test in entry.get("tests", ())} <= {case}


def test_the_ledger_names_every_test_and_no_other() -> None:
    listed = [test for entry in LEDGER.values() for test in entry.get("tests", ())]
    assert len(listed) == len(set(listed))
    assert set(listed) == there()
