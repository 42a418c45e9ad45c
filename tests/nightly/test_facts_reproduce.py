"""Every facts file again, from the released package itself: byte for byte what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.facts.canonical import encode
from generator.facts.extract import extract
from generator.facts.store import FOLDER

FILES = sorted(file for file in FOLDER.glob("*/*.json") if file.parent.name != "extract")


@pytest.mark.nightly
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_command_makes_the_file_again(file: Path) -> None:
    assert encode(extract(file.parent.name, file.stem)) == file.read_bytes()
