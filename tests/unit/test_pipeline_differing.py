"""Which objects a build hands to the programs that read objects: those that are not on the disk as they would be."""

from __future__ import annotations

from pathlib import Path

from generator.pipeline import differing

OBJECT = {"kind": "Service", "metadata": {"name": "llama"}}
FILE = "environments/prod/rendered/llama/service-llama.yaml"
OBJECTS = {"prod/llama/service.yaml": ("1.35", OBJECT)}


def on_disk(root: Path, text: str) -> None:
    (root / FILE).parent.mkdir(parents=True)
    (root / FILE).write_text(text, encoding="utf-8")


def test_an_object_that_is_on_the_disk_as_it_would_be_is_left_out(tmp_path: Path) -> None:
    on_disk(tmp_path, "same\n")
    assert differing(tmp_path, {FILE: "same\n"}, OBJECTS) == {}


def test_an_object_that_changed_is_read(tmp_path: Path) -> None:
    on_disk(tmp_path, "old\n")
    assert differing(tmp_path, {FILE: "new\n"}, OBJECTS) == OBJECTS


def test_an_object_that_is_new_is_read(tmp_path: Path) -> None:
    assert differing(tmp_path, {FILE: "new\n"}, OBJECTS) == OBJECTS


def test_an_object_of_the_environment_is_known_by_its_own_path(tmp_path: Path) -> None:
    on_disk(tmp_path, "same\n")
    assert differing(tmp_path, {FILE: "same\n"}, {f"prod/_base/{FILE}": ("1.35", OBJECT)}) == {}
