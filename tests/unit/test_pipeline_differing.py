"""Which objects a build hands to the programs that read objects: those that are not on the disk as they would be."""

from __future__ import annotations

from generator.pipeline import differing
from generator.write import Changes

OBJECT = {"kind": "Service", "metadata": {"name": "llama"}}
FILE = "environments/prod/rendered/llama/service-llama.yaml"
OBJECTS = {"prod/llama/service.yaml": ("1.35", OBJECT)}
TREE = {FILE: "made\n"}


def test_an_object_that_is_on_the_disk_as_it_would_be_is_left_out() -> None:
    assert differing(TREE, Changes((), (), ()), OBJECTS) == {}


def test_an_object_that_changed_is_read() -> None:
    assert differing(TREE, Changes((), (FILE,), ()), OBJECTS) == OBJECTS


def test_an_object_that_is_new_is_read() -> None:
    assert differing(TREE, Changes((FILE,), (), ()), OBJECTS) == OBJECTS


def test_an_object_that_a_filter_leaves_unwritten_is_read() -> None:
    assert differing({}, Changes((), (), ()), OBJECTS) == OBJECTS


def test_an_object_of_the_environment_is_known_by_its_own_path() -> None:
    assert differing(TREE, Changes((), (), ()), {f"prod/_base/{FILE}": ("1.35", OBJECT)}) == {}
