"""What kubeconform says, read back to objects and places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from generator import schemas
from generator.errors import ProblemsFound
from generator.tools import find
from generator.validate.kubeconform import check
from generator.validate.pods import Manifest
from tests.support.scopes import PLAIN, ROOT, changed, scopes

MINOR = schemas.versions()[-1]
FILE = "deployment-server.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)
Found = list[tuple[str, tuple[str | int, ...], str, str]]


def run(objects: Mapping[str, Manifest], minor: str = MINOR) -> Found:
    return check(find("kubeconform"), ROOT, minor, objects)


def deployment(*changes: tuple[tuple[str | int, ...], object]) -> Manifest:
    scope = scopes()[PLAIN]
    for path, value in changes:
        scope = changed(scope, FILE, path, value)
    return scope.objects[FILE]


@pytest.mark.parametrize("minor", schemas.versions())
def test_real_objects_pass_on_every_minor(minor: str) -> None:
    objects = {f"{key}/{file}": item for key, scope in scopes().items() for file, item in scope.objects.items()}
    assert run(objects, minor) == []


def test_a_fault_is_found_at_its_place_in_its_object() -> None:
    objects = {"a": deployment(), "b": deployment((("spec", "replicas"), "1"))}
    assert run(objects) == [
        ("b", ("spec", "replicas"), "got string, want integer", "write it as the schema of Deployment apps/v1 says")
    ]


def test_all_faults_of_an_object_are_found_in_order() -> None:
    memory = (*CONTAINER, "resources", "limits", "memory")
    broken = deployment(((*CONTAINER, "imagePolicy"), "x"), (memory, "10GB"), (("spec", "replicas"), "1"))
    found = run({"a": broken})
    assert [path for _, path, _, _ in found] == [("spec", "replicas"), CONTAINER, memory]
    assert found[1][2] == "additional properties 'imagePolicy' not allowed"
    assert found[2][2].startswith("'10GB' does not match pattern")


def test_objects_of_one_name_are_told_apart() -> None:
    objects = {str(number): deployment((("spec", "replicas"), "1" if number % 2 else 1)) for number in range(9)}
    assert [key for key, _, _, _ in run(objects)] == ["1", "3", "5", "7"]


def test_a_key_with_a_slash_is_a_single_step() -> None:
    path = ("metadata", "annotations", "example.com/a~b")
    assert run({"a": deployment((path, 1))})[0][1] == path


def test_a_kind_without_a_schema_is_a_problem() -> None:
    (found,) = run({"a": {**deployment(), "kind": "Deploymint"}})
    assert found[:3] == (
        "a",
        ("kind",),
        f"there is no schema of Deploymint of apps/v1 for Kubernetes {MINOR}, so it cannot be checked",
    )


def test_an_object_without_a_version_is_a_problem() -> None:
    (found,) = run({"a": {"kind": "Deployment", "metadata": {"name": "a"}}})
    assert "missing 'apiVersion' key" in found[2]


def test_a_secret_in_a_value_is_not_echoed() -> None:
    token = "hf_" + "a1B2" * 6
    memory = (*CONTAINER, "resources", "limits", "memory")
    (found,) = run({"a": deployment((memory, token))})
    assert token not in found[2]


def test_nothing_to_check_starts_nothing() -> None:
    assert check(Path("/nowhere"), ROOT, MINOR, {}) == []


def test_a_minor_without_schemas_is_left_to_the_check_of_the_cluster() -> None:
    assert run({"a": deployment()}, "1.29") == []


@pytest.mark.parametrize(
    ("script", "message"),
    [("echo broken >&2; exit 2", "ended with 2:\n  broken"), ("echo '{}'", "it read 0 of 1 objects and skipped 0")],
)
def test_a_crash_is_a_problem_with_the_command(tmp_path: Path, script: str, message: str) -> None:
    tool = tmp_path / "kubeconform"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    with pytest.raises(ProblemsFound) as raised:
        check(tool, ROOT, MINOR, {"a": deployment()})
    (problem,) = raised.value.problems
    assert problem.message.startswith("`kubeconform -strict ") and message in problem.message
