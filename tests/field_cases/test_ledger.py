"""The ledger of field cases: each has tests that are there, or says what it waits for; each test has its case."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
LEDGER: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "ledger.yaml").read_text(encoding="utf-8"))
# how many cases each family has: a row that goes is missed
FAMILIES = {"ENG": 3, "FIT": 3, "MN": 3, "KEDA": 2, "LIFE": 3, "OBS": 3, "HELM": 3, "ARGO": 3, "GW": 3, "FILE": 4}
_CASE = re.compile(r"test_([a-z]+)_(\d+)_")
# a YAML mapping keeps the last of two equal keys and says nothing
_ID = re.compile(r"^(\S+):$", re.MULTILINE)


def functions(file: Path) -> set[str]:
    """The tests of a file."""
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def there() -> set[str]:
    """Every test of a case."""
    return {f"{file.name}::{name}" for file in HERE.glob("test_*.py") for name in functions(file) if _CASE.match(name)}


def case_of(test: str) -> str:
    """Tell from a test's name which case it holds."""
    found = _CASE.match(test.partition("::")[2])
    assert found, test
    return f"{found[1].upper()}-{found[2]}"


@pytest.mark.parametrize("case", LEDGER)
def test_a_case_is_held_by_tests_or_waits_for_something(case: str) -> None:
    entry = LEDGER[case]
    assert set(entry) <= {"about", "tests", "beside", "waits"} and entry["about"]
    assert entry.get("tests") or entry.get("waits")
    assert {case_of(test) for test in entry.get("tests", ())} <= {case}


@pytest.mark.parametrize("case", LEDGER)
def test_what_holds_a_case_beside_its_own_tests_is_there(case: str) -> None:
    for test in LEDGER[case].get("beside", ()):
        file, _, name = test.partition("::")
        assert name in functions(HERE.parent / file), test


def test_every_case_is_named_once_and_none_of_a_family_is_missing() -> None:
    named = _ID.findall((HERE / "ledger.yaml").read_text(encoding="utf-8"))
    assert named == list(LEDGER)
    assert Counter(case.partition("-")[0] for case in named) == FAMILIES
    assert [case for case in named if not re.fullmatch(r"[A-Z]+-[1-9]\d*", case)] == []


def test_the_ledger_names_every_test_and_no_other() -> None:
    listed = [test for entry in LEDGER.values() for test in entry.get("tests", ())]
    assert len(listed) == len(set(listed))
    assert set(listed) == there()
