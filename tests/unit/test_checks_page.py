"""docs/checks.md has every check, with a message and a word on exceptions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.validate.registry import CATALOG_CHECKS, ENVIRONMENT_CHECKS, RELEASE_CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize(
    "name", [*RELEASE_CHECKS, *ENVIRONMENT_CHECKS, *CATALOG_CHECKS, "syntax", "schema", "values", "cel"]
)
def test_a_check_is_on_the_page_with_a_message_and_an_exception(name: str) -> None:
    text = SECTIONS[name]
    assert re.search(r"```text\n[^\n]+:\d+:\d+: .+\n  hint: .+\n```", text)
    assert "\nException: " in text
