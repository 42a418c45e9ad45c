"""Fetching: pinned checksums, clear problems, the same bytes twice, stale files gone. Uses no network."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.commands import schemas as command
from generator.errors import ProblemsFound
from generator.schemas import assemble, modules
from generator.schemas.sources import GO_OPENAPI, SWAGGER, BuiltIn, CrdSource, Custom, Module

KUBERNETES = Module("example.com/kubernetes", "v1.33.0", "h1:k=")
CUSTOMS = Module("example.com/customs", "v1.0.0", "h1:c=")
SUMMARY: dict[str, Any] = {
    "source": {"commit": "abc"},
    "notCovered": ["much"],
    "kinds": [
        {
            "kind": "Derived",
            "version": "v1",
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "int-or-string", "required": True},
                    "pod": {"type": "object", "k8sCore": "core/v1 Thing"},
                    "free": {"type": "any", "preserveUnknown": True},
                    "names": {"type": "array", "listType": "set", "items": {"type": "string"}},
                    "labels": {"type": "object", "values": {"type": "string"}},
                },
            },
        }
    ],
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
DEFINITIONS = {
    "definitions": {
        "io.k8s.api.core.v1.Thing": {
            "type": "object",
            "properties": {"metadata": {"$ref": f"#/definitions/{META}"}},
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "Thing", "version": "v1"}],
        },
        META: {"type": "object", "properties": {"name": {"type": "string"}}},
    }
}
CRD = {
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "customs.example.com"},
    "spec": {
        "group": "example.com",
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"a": {"type": "string"}},
                                "x-kubernetes-validations": [{"rule": "has(self.a)", "message": "a"}],
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "KUBERNETES", {"1.33": KUBERNETES})
    monkeypatch.setattr(assemble, "BUILT_INS", (BuiltIn("v1", "Thing"), BuiltIn("v1", "Newer", since=34)))
    custom = Custom("customs.yaml", "Custom", ("v1",))
    monkeypatch.setattr(assemble, "CRDS", (CrdSource(CUSTOMS, "crds", (custom,)),))


def read(module: Module, path: str) -> str:
    texts = {
        (KUBERNETES, SWAGGER): json.dumps(DEFINITIONS),
        (KUBERNETES, GO_OPENAPI): "",
        (CUSTOMS, "crds/customs.yaml"): yaml.safe_dump(CRD),
    }
    return texts[module, path]


EXPECTED = [
    "schemas/PROVENANCE.yaml",
    "schemas/crds/example.com/custom-v1.cel.json",
    "schemas/crds/example.com/custom-v1.json",
    "schemas/crds/nvidia.com/derived-v1.json",
    "schemas/kubernetes/1.33/thing-v1.json",
]


@pytest.mark.usefixtures("small_table")
def test_the_same_sources_give_the_same_bytes() -> None:
    files = assemble.everything(read, SUMMARY)
    assert sorted(files) == EXPECTED
    assert files == assemble.everything(read, json.loads(json.dumps(SUMMARY, sort_keys=True)))


@pytest.mark.usefixtures("small_table")
def test_a_derived_kind_says_so_and_refers_to_the_built_in_definitions() -> None:
    files = assemble.everything(read, SUMMARY)
    derived = json.loads(files["schemas/crds/nvidia.com/derived-v1.json"])
    spec = derived["properties"]["spec"]
    assert spec["properties"]["pod"] == {"$ref": "#/$defs/core.v1.Thing"}
    assert spec["properties"]["size"] == {"type": ["integer", "string"]}
    assert spec["properties"]["free"] == {}
    assert spec["required"] == ["size"]
    record = yaml.safe_load(files[assemble.PROVENANCE])["groups"][-1]
    assert record["derived"] is True
    assert record["notCovered"] == ["much"]
    assert record["podsFrom"] == str(KUBERNETES)


def test_writing_removes_what_is_stale_and_counts_changes(tmp_path: Path) -> None:
    stale = tmp_path / "schemas/crds/g/old-v1.json"
    kept = tmp_path / "schemas/overlays/chart.json"
    for path in (stale, kept):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    assert command._write(tmp_path, {"schemas/crds/g/new-v1.json": b"{}"}) == 2
    assert command._write(tmp_path, {"schemas/crds/g/new-v1.json": b"{}"}) == 0
    assert kept.exists() and not stale.exists()


def fake_go(folder: Path, answer: dict[str, str]) -> str:
    go = folder / "go"
    go.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(answer)}\nE\n")
    go.chmod(0o755)
    return str(go)


def test_a_module_with_its_checksum_is_taken_even_where_go_is_too_old(tmp_path: Path) -> None:
    go = fake_go(tmp_path, {"Error": "requires go >= 9", "Zip": "/a.zip", "Sum": CUSTOMS.sum})
    assert modules.download(go, CUSTOMS) == Path("/a.zip")


def test_another_checksum_is_a_problem(tmp_path: Path) -> None:
    go = fake_go(tmp_path, {"Zip": "/a.zip", "Sum": "h1:other="})
    with pytest.raises(ProblemsFound) as found:
        modules.download(go, CUSTOMS)
    assert "checksum is h1:other=, the table has h1:c=" in found.value.problems[0].message


def test_a_module_that_cannot_be_downloaded_is_a_problem(tmp_path: Path) -> None:
    go = fake_go(tmp_path, {"Error": "no such host"})
    with pytest.raises(ProblemsFound) as found:
        modules.download(go, CUSTOMS)
    assert "failed: no such host" in found.value.problems[0].message


def test_a_missing_go_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with pytest.raises(ProblemsFound) as found:
        modules.find_go()
    assert found.value.problems[0].message == "no go command on PATH"


def test_a_missing_file_of_a_module_is_a_problem(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(f"{CUSTOMS}/crds/a.yaml", "a: b")
    assert modules.read(archive, CUSTOMS, "crds/a.yaml") == "a: b"
    with pytest.raises(ProblemsFound) as found:
        modules.read(archive, CUSTOMS, "crds/b.yaml")
    assert found.value.problems[0].message == "has no file crds/b.yaml"
