"""The parts of a throw-away cluster that are plain functions: nodes, derived definitions, pods of a graph, state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from generator.cluster import definitions, derived, graphs, setup, state
from generator.cluster.nodes import nodes, storage_classes
from generator.resolve.platform import CLIQUE
from generator.sources.environment import Environment
from generator.sources.load import Sources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def prod(sources: Sources) -> Environment:
    return sources.environments["prod"].environment.value


@pytest.fixture
def of_prod(sources: Sources, prod: Environment) -> list[dict[str, Any]]:
    return list(nodes(prod, sources.accelerators.value.accelerators))


def in_pool(of_prod: list[dict[str, Any]], pool: str) -> list[dict[str, Any]]:
    return [node for node in of_prod if node["metadata"]["labels"]["modelyard.dev/pool"] == pool]


def test_every_node_of_every_pool_is_there(prod: Environment, of_prod: list[dict[str, Any]]) -> None:
    assert {name: len(in_pool(of_prod, name)) for name in prod.pools} == {n: p.nodes for n, p in prod.pools.items()}
    assert len({node["metadata"]["name"] for node in of_prod}) == len(of_prod)


def test_a_node_has_what_its_pool_has(of_prod: list[dict[str, Any]]) -> None:
    node = in_pool(of_prod, "gb200")[0]
    allocatable = node["status"]["allocatable"]
    assert (allocatable["nvidia.com/gpu"], allocatable["rdma/ib"], allocatable["cpu"]) == ("4", "4", "144")
    assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-GB200"
    assert node["metadata"]["labels"]["kubernetes.io/arch"] == "arm64"
    assert {taint["key"] for taint in node["spec"]["taints"]} == {"nvidia.com/gpu", "kubernetes.io/arch"}


def test_nodes_of_one_rack_share_a_clique(of_prod: list[dict[str, Any]]) -> None:
    cliques = [node["metadata"]["labels"][CLIQUE] for node in in_pool(of_prod, "gb200")]
    assert {cliques.count(clique) for clique in cliques} == {18}
    assert len(set(cliques)) == 16
    assert all(CLIQUE not in node["metadata"]["labels"] for node in in_pool(of_prod, "h200"))


def test_a_node_without_gpu_offers_none(of_prod: list[dict[str, Any]]) -> None:
    node = in_pool(of_prod, "cpu")[0]
    assert "nvidia.com/gpu" not in node["status"]["allocatable"]
    assert "nvidia.com/gpu.product" not in node["metadata"]["labels"]


def test_the_default_storage_class_is_marked(prod: Environment) -> None:
    found = {item["metadata"]["name"]: item for item in storage_classes(prod)}
    marked = [name for name, item in found.items() if item["metadata"]["annotations"]]
    assert marked == [prod.storage.default] if prod.storage else []
    assert found["local-nvme"]["volumeBindingMode"] == "WaitForFirstConsumer"


def test_only_definitions_that_the_environment_names_are_wanted(sources: Sources, prod: Environment) -> None:
    dev = definitions.groups(sources.environments["dev"].environment.value.versions)
    assert "lws" not in dev
    assert {"lws", "compute-domains", "external-secrets"} <= set(definitions.groups(prod.versions))


def test_a_derived_definition_has_one_type_and_no_reference() -> None:
    found = {item["spec"]["names"]["kind"]: item for item in derived.definitions(ROOT)}
    text = str(found["DynamoGraphDeployment"])
    assert "$ref" not in text
    assert "additionalProperties': False" not in text
    adapter = found["DynamoGraphDeploymentScalingAdapter"]["spec"]["versions"][0]["subresources"]
    assert adapter["scale"]["specReplicasPath"] == ".spec.replicas"


def graph(**component: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {}}, "spec": {"containers": []}}
    components = [{"name": "Decode", "podTemplate": template, **component}]
    return {"metadata": {"name": "g", "namespace": "n"}, "spec": {"components": components}}


def test_a_component_becomes_a_deployment() -> None:
    (found,) = graphs.workloads(graph(replicas=3))
    assert (found["kind"], found["metadata"]["name"], found["spec"]["replicas"]) == ("Deployment", "g-decode", 3)
    assert found["spec"]["selector"]["matchLabels"].items() <= found["spec"]["template"]["metadata"]["labels"].items()


def test_a_component_on_several_nodes_becomes_a_group() -> None:
    (found,) = graphs.workloads(graph(multinode={"nodeCount": 4}))
    assert (found["kind"], found["spec"]["leaderWorkerTemplate"]["size"]) == ("LeaderWorkerSet", 4)


def test_an_owner_is_told_from_a_later_process_of_its_number(tmp_path: Path) -> None:
    owner = state.write_owner(tmp_path, os.getpid())
    assert state.read_owner(tmp_path) == owner
    assert owner.alive()
    assert not state.Owner(os.getpid(), owner.started + 1).alive()


def test_a_setup_without_namespaces_has_ports_of_its_own() -> None:
    ports = setup.free_ports()
    assert ports.keys() == setup.FIXED.keys()
    assert len(set(ports.values())) == len(ports)
