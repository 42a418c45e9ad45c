"""Kinds that are derived from summaries: their structural form, and the rules that are written as CEL."""

from __future__ import annotations

from typing import Any

import pytest

from generator import schemas
from generator.schemas.structural import resolve, structural
from generator.tools import find
from generator.validate import cel

MINOR = schemas.versions()[-1]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["integer", "string"]}, {"x-kubernetes-int-or-string": True}),
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({}, {"x-kubernetes-preserve-unknown-fields": True}),
        ({"$ref": "#/$defs/a", "required": ["b"]}, {"type": "object", "required": ["b"]}),
    ],
)
def test_json_schema_becomes_structural(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert structural(schema, {"a": {"type": "object"}}) == expected


def test_a_key_that_may_be_absent_gets_the_default_of_the_shared_types() -> None:
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {
            "type": "object",
            "properties": {"port": {"type": "integer"}, "protocol": {"type": "string"}},
            "required": ["port"],
        },
    }
    members = resolve({"type": "object", "properties": {"ports": ports}}, {})["properties"]["ports"]["items"][
        "properties"
    ]
    assert members == {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}}


def graph(version: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"nvidia.com/{version}",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": "a"},
        "spec": spec,
    }


def component(**members: Any) -> dict[str, Any]:
    return graph("v1beta1", components=[{"name": "worker", "type": "worker", **members}])


def service(**members: Any) -> dict[str, Any]:
    return graph("v1alpha1", services={"worker": members})


def transfer(**policy: Any) -> dict[str, Any]:
    return graph("v1beta1", experimental={"kvTransferPolicy": {"domain": "rack", **policy}})


def refused(manifest: dict[str, Any]) -> list[str]:
    verdicts = cel.check(find("crdcheck"), schemas.ROOT, {"a": (MINOR, manifest)})
    return [f"{'.'.join(map(str, found.path))}: {found.message.partition(' (')[0]}" for found in verdicts]


CLIENT = {"name": "client", "podTemplate": {}}
CLAIM = {"name": "a", "create": True, "size": 1, "storageClass": "b", "volumeAccessMode": "c"}
PICKING: dict[str, Any] = {"config": {"plugins": [], "schedulingProfiles": []}}
PICKER = {"type": "epp", "eppConfig": PICKING}


@pytest.mark.parametrize(
    "manifest",
    [
        component(),
        component(replicas=2, minAvailable=2),
        component(replicas=0, minAvailable=2),
        component(minAvailable=1),
        component(**PICKER),
        component(experimental={"gpuMemoryService": {"extraClientContainers": ["a"]}}),
        component(experimental={"checkpoint": {"enabled": True, "checkpointRef": "a"}}),
        transfer(labelKey="rack"),
        transfer(clusterTopologyName="a", enforcement="preferred", preferredWeight=0.5),
        service(replicas=2, minAvailable=1, sharedMemory={"size": "16Gi"}),
        service(sharedMemory={"disabled": True}),
        graph("v1alpha1", pvcs=[{"name": "a"}]),
        graph(
            "v1alpha1", pvcs=[{"name": "a", "create": True, "size": 1, "storageClass": "b", "volumeAccessMode": "c"}]
        ),
    ],
    ids=str,
)
def test_what_the_operator_takes_is_taken(manifest: dict[str, Any]) -> None:
    assert refused(manifest) == []


@pytest.mark.parametrize(
    ("manifest", "place", "words"),
    [
        (graph("v1beta1", restart={"id": "1"}), "spec", "it must be absent when the object is created"),
        (graph("v1alpha1", restart={"id": "1"}), "spec", "it must be absent when the object is created"),
        (
            graph("v1beta1", components=[{"name": "Worker"}, {"name": "worker"}]),
            "spec.components",
            "names must be distinct, whatever their case",
        ),
        (
            graph("v1beta1", components=[{"name": "a", **PICKER}, {"name": "b", **PICKER}]),
            "spec.components",
            "at most one component may be of type epp",
        ),
        (component(eppConfig=PICKING), "spec.components.0", "eppConfig is for type epp alone"),
        (component(type="epp", eppConfig={}), "spec.components.0.eppConfig", "exactly one of configMapRef and config"),
        (component(replicas=2, minAvailable=3), "spec.components.0", "must not be above replicas"),
        (component(minAvailable=2), "spec.components.0", "must not be above replicas"),
        (service(replicas=2, minAvailable=3), "spec.services.worker", "must not be above replicas"),
        (transfer(), "spec.experimental.kvTransferPolicy", "exactly one of labelKey and clusterTopologyName"),
        (
            transfer(labelKey="a", clusterTopologyName="b"),
            "spec.experimental.kvTransferPolicy",
            "exactly one of labelKey and clusterTopologyName",
        ),
        (
            transfer(labelKey="a", preferredWeight=0.5),
            "spec.experimental.kvTransferPolicy",
            "if enforcement is preferred, and only then",
        ),
        (
            component(experimental={"gpuMemoryService": {"mode": "InterPod", "extraClientContainers": ["a"]}}),
            "spec.components.0.experimental.gpuMemoryService",
            "extraClientContainers needs mode IntraPod",
        ),
        (
            component(experimental={"gpuMemoryService": {"extraClientPods": [CLIENT]}}),
            "spec.components.0.experimental.gpuMemoryService",
            "extraClientPods must stay empty",
        ),
        (
            component(experimental={"checkpoint": {"enabled": True, "checkpointRef": "a", "job": {}}}),
            "spec.components.0.experimental.checkpoint",
            "job and checkpointRef exclude each other",
        ),
        (service(sharedMemory={"size": "0"}), "spec.services.worker.sharedMemory", "or size is above zero"),
        (service(sharedMemory={}), "spec.services.worker.sharedMemory", "or size is above zero"),
        (
            graph("v1alpha1", pvcs=[{"name": "a", "create": True, "size": "1Gi"}]),
            "spec.pvcs.0",
            "create: true needs size, storageClass and volumeAccessMode",
        ),
    ],
    ids=str,
)
def test_what_the_operator_refuses_is_refused_before(manifest: dict[str, Any], place: str, words: str) -> None:
    (found,) = refused(manifest)
    assert found.startswith(f"{place}: ")
    assert words in found
