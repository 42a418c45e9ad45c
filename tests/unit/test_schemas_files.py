"""The committed schemas: untouched, closed, without prose, and found where kubeconform looks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from generator import schemas
from generator.schemas import summaries
from generator.schemas.convert import CONVERTER_VERSION, children, digest, references
from generator.schemas.sources import BUILT_INS, CRDS, KUBERNETES

ROOT = schemas.ROOT
FILES = sorted(
    path
    for folder in ("kubernetes", "crds")
    for path in (ROOT / "schemas" / folder).rglob("*.json")
    if not path.name.endswith(".structural.json")
)
STRUCTURAL = sorted((ROOT / "schemas" / "crds").rglob("*.structural.json"))


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for _, child in children(schema):
        yield from nodes(child)


def read(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_bytes())
    return schema


CLIQUE = {"replicas": 1, "roleName": "a", "podSpec": {"containers": [{"name": "main", "image": "a"}]}}


@pytest.fixture(scope="module")
def loaded() -> dict[Path, dict[str, Any]]:
    return {path: read(path) for path in FILES}


def record() -> dict[str, Any]:
    text = (ROOT / "schemas/PROVENANCE.yaml").read_text()
    whole: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return whole


def test_every_file_is_recorded_and_has_not_been_edited() -> None:
    recorded: set[Path] = set()
    for group in record()["groups"]:
        paths = sorted(ROOT.glob(group["files"]))
        made = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
        assert digest(made) == group["sha256"], f"{group['files']}: run `modelyard schemas fetch`"
        recorded |= set(paths)
    assert recorded >= {*FILES, *STRUCTURAL}


def test_the_record_names_the_converter_and_the_modules_of_the_table() -> None:
    modules = {str(module) for module in KUBERNETES.values()} | {str(source.module) for source in CRDS}
    assert record()["converter"] == CONVERTER_VERSION
    assert {group["module"] for group in record()["groups"] if "module" in group} == modules


def test_derived_schemas_say_what_they_do_not_cover() -> None:
    derived = [group for group in record()["groups"] if group["derived"]]
    kinds = {(group["kind"], group["versions"][0]["name"]) for group in derived}
    assert kinds == {(kind["kind"], kind["version"]) for summary in summaries.summaries() for kind in summary["kinds"]}
    assert kinds >= {
        ("DynamoComponentDeployment", "v1beta1"),
        ("DynamoGraphDeployment", "v1alpha1"),
        ("DynamoGraphDeploymentRequest", "v1beta1"),
        ("DynamoModel", "v1alpha1"),
        ("DynamoWorkerMetadata", "v1alpha1"),
        ("PodCliqueSet", "v1alpha1"),
    }
    assert "DynamoCheckpoint" not in {kind for kind, _ in kinds}
    assert all(group["notCovered"] and group["source"]["commit"] for group in derived)


def test_every_schema_compiles_and_is_closed_at_the_root(loaded: dict[Path, dict[str, Any]]) -> None:
    for path, schema in loaded.items():
        jsonschema_rs.Draft202012Validator(schema)
        assert schema["additionalProperties"] is False, path


def test_every_reference_stays_inside_its_file(loaded: dict[Path, dict[str, Any]]) -> None:
    for path, schema in loaded.items():
        parts = [schema, *schema.get("$defs", {}).values()]
        reached = {name for part in parts for name in references(part)}
        assert reached == set(schema.get("$defs", {})), path


@pytest.mark.parametrize(
    ("spec", "valid"),
    [
        ({"replicas": 1, "template": {"cliques": [{"name": "a", "spec": CLIQUE}]}}, True),
        ({"replicas": 1, "template": {"cliques": [{"name": "a", "spec": {**CLIQUE, "minAvailble": 1}}]}}, False),
        ({"replicas": 1, "template": {"cliques": [{"name": "a", "spec": {**CLIQUE, "podSpec": {"x": 1}}}]}}, False),
        ({"replicas": 1}, False),
    ],
)
def test_a_set_of_cliques_is_closed_down_to_its_pods(spec: object, valid: bool) -> None:
    schema = json.loads((ROOT / "schemas/crds/grove.io/podcliqueset-v1alpha1.json").read_text(encoding="utf-8"))
    manifest = {"apiVersion": "grove.io/v1alpha1", "kind": "PodCliqueSet", "metadata": {"name": "a"}, "spec": spec}
    assert jsonschema_rs.validator_for(schema).is_valid(manifest) is valid


def test_no_schema_carries_prose(loaded: dict[Path, dict[str, Any]]) -> None:
    for path, schema in loaded.items():
        for part in (schema, *schema["$defs"].values()):
            for node in nodes(part):
                assert not {"description", "title", "example", "default", "format"} & set(node), path


def test_every_custom_kind_has_what_the_api_server_reads() -> None:
    read_of = {path.with_name(path.name.replace(".structural", "")) for path in STRUCTURAL}
    assert read_of == {path for path in FILES if path.parts[-3] == "crds"}


def test_a_derived_kind_says_which_of_its_rules_nobody_asks() -> None:
    unasked = {path for path in STRUCTURAL if read(path).get(summaries.UNWRITTEN)}
    assert unasked == {path for path in STRUCTURAL if path.parent.name in ("nvidia.com", "grove.io")}


@pytest.mark.parametrize("path", STRUCTURAL, ids=lambda path: path.name)
def test_what_the_api_server_reads_holds_no_prose(path: Path) -> None:
    whole = read(path)
    for part in (whole, *whole.get("$defs", {}).values()):
        for node in nodes(part):
            assert not {"description", "title", "example", "externalDocs"} & set(node)


def test_the_schemas_stay_small() -> None:
    total = sum(path.stat().st_size for path in (ROOT / "schemas").rglob("*") if path.is_file())
    assert total < 6_000_000


@pytest.mark.parametrize("minor", schemas.versions())
def test_every_kind_of_the_table_has_its_file(minor: str) -> None:
    for kind in BUILT_INS:
        path = schemas.schema_path(kind.api_version, kind.kind, minor)
        assert (path is None) == (kind.since > int(minor.split(".")[1])), kind
        if path:
            assert read(path)["properties"]["apiVersion"] == {"const": kind.api_version}


def test_an_unknown_kind_or_version_has_no_file() -> None:
    assert schemas.schema_path("v1", "Nonsense", "1.37") is None
    assert schemas.schema_path("apps/v1beta1", "Deployment", "1.37") is None
    assert schemas.schema_path("keda.sh/v1alpha1", "ScaledObject", "1.33") is not None


def test_an_unknown_minor_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no schemas for Kubernetes 1\.32; there are 1\.33, "):
        schemas.locations("1.32")


PREFERRED: dict[str, object] = {"preferredDuringSchedulingIgnoredDuringExecution": []}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("EnvFromSource", {"secretRef": {"name": "a"}}, {"secret": {"name": "a"}}),
        ("EnvVar", {"name": "A", "value": "1"}, {"name": "A", "value": 1}),
        ("LocalObjectReference", {"name": "a"}, {"nam": "a"}),
        ("NodeAffinity", PREFERRED, {"requiredDuringScheduling": {}}),
        ("PodAffinity", PREFERRED, {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKeys": "a"}]}),
        ("PodAntiAffinity", PREFERRED, {"requiredDuringSchedulingIgnoredDuringExecution": {"topologyKey": "a"}}),
        ("PodSecurityContext", {"fsGroup": 1}, {"fsGroup": "1"}),
        ("ResourceRequirements", {"limits": {"memory": "8Gi"}}, {"limits": {"memory": "8GB"}}),
        ("SecurityContext", {"runAsNonRoot": True}, {"privilege": True}),
        ("Toleration", {"key": "a", "operator": "Exists"}, {"key": "a", "operator": "Exist"}),
        (
            "TopologySpreadConstraint",
            {"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"},
            {"maxSkew": 1, "topologyKey": "a"},
        ),
        ("Volume", {"name": "a", "emptyDir": {"medium": "Memory"}}, {"name": "a", "emptydir": {}}),
        ("VolumeMount", {"name": "a", "mountPath": "/a"}, {"name": "a"}),
    ],
)
def test_a_fragment_is_closed_and_stands_alone(name: str, good: object, bad: object) -> None:
    fragment = schemas.pod_fragment(name)
    assert "$ref" not in json.dumps(fragment)
    validator = jsonschema_rs.Draft202012Validator(fragment)
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_every_fragment_is_tried() -> None:
    for name in schemas.FRAGMENTS:
        assert len(json.dumps(schemas.pod_fragment(name))) < 20_000
