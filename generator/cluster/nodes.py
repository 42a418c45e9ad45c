"""Nodes of the pools that environment.yaml describes, for kwok to play."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.objects.pod import PRODUCT
from generator.resolve.platform import CLIQUE
from generator.sources.catalog import Accelerator
from generator.sources.environment import Environment, Pool, StorageClass

Manifest = dict[str, Any]

FAKE = "kwok.x-k8s.io/node"
POOL = "modelyard.dev/pool"
PROVISIONER = "kwok.x-k8s.io/volume"


def nodes(environment: Environment, accelerators: dict[str, Accelerator]) -> Iterator[Manifest]:
    """Describe every node of every pool."""
    for name, pool in environment.pools.items():
        accelerator = accelerators.get(pool.accelerator)
        for index in range(pool.nodes):
            yield _node(environment.name, name, index, pool, accelerator)


def _node(environment: str, name: str, index: int, pool: Pool, accelerator: Accelerator | None) -> Manifest:
    hostname = f"{name}-{index:03d}"
    labels = {
        "kubernetes.io/hostname": hostname,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": pool.architecture,
        POOL: name,
        **(_gpu_labels(environment, name, index, pool, accelerator) if accelerator else {}),
        **pool.labels,
    }
    resources = _resources(pool, accelerator)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": hostname, "labels": labels, "annotations": {FAKE: "fake"}},
        "spec": {"taints": [{"key": t.key, "value": t.value, "effect": t.effect} for t in pool.taints]},
        "status": {
            "allocatable": resources,
            "capacity": resources,
            "nodeInfo": {"architecture": pool.architecture, "operatingSystem": "linux"},
        },
    }


def _gpu_labels(environment: str, name: str, index: int, pool: Pool, accelerator: Accelerator) -> dict[str, str]:
    labels = {
        "nvidia.com/gpu.present": "true",
        PRODUCT: accelerator.products[0],
        "nvidia.com/gpu.count": str(pool.gpus_per_node),
        "nvidia.com/gpu.memory": str(accelerator.memory_mib),
    }
    if pool.nvlink_domains:
        # nodes of one rack stand side by side; a clique is named after its domain
        per_domain = -(-pool.nodes // pool.nvlink_domains)
        labels[CLIQUE] = f"{environment}-{name}-{index // per_domain}.0"
    return labels


def _resources(pool: Pool, accelerator: Accelerator | None) -> dict[str, str]:
    resources = {
        "cpu": str(pool.cpus_per_node),
        "memory": pool.memory_per_node,
        "pods": "110",
        "ephemeral-storage": "4Ti",
    }
    if accelerator and pool.gpus_per_node:
        resources |= _gpu_resources(pool, accelerator)
    if pool.rdma_resource:
        # one adapter per GPU, as the machines with such networks are built
        resources[pool.rdma_resource] = str(max(pool.gpus_per_node, 1))
    return resources


def _gpu_resources(pool: Pool, accelerator: Accelerator) -> dict[str, str]:
    if pool.sharing != "mig-mixed":
        return {accelerator.resource: str(pool.gpus_per_node)}
    # which profiles a node is cut into is not described: each is offered as if it had the whole node
    return {profile.resource: str(profile.per_gpu * pool.gpus_per_node) for profile in accelerator.mig.values()}


def storage_classes(environment: Environment) -> Iterator[Manifest]:
    """Describe the storage classes; kwok plays their volumes."""
    if environment.storage is None:
        return
    for name, described in environment.storage.classes.items():
        yield _storage_class(name, described, default=name == environment.storage.default)


def _storage_class(name: str, described: StorageClass, *, default: bool) -> Manifest:
    mark = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": mark},
        "provisioner": PROVISIONER,
        "volumeBindingMode": described.binding,
    }
