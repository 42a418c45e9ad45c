"""Pods where they can run, and as many GPUs as the engine was told to use.

A group that is one GPU short waits for it for ever; an image of another architecture, a taint that nobody tolerates
or a replica over two racks show only in the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.resolve.platform import CLIQUE
from generator.sources.environment import Environment, Pool
from generator.validate.pods import Manifest, Path, Pod, argument
from generator.validate.scope import Finding, ReleaseScope

ARCHITECTURE = "kubernetes.io/arch"
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
KEEPS_OUT = frozenset(("NoSchedule", "NoExecute"))


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find groups whose GPUs do not add up, and pods that no node takes or should take."""
    environment = scope.resolved.context.environment.value
    yield from _gpus(scope)
    for pod in scope.pods:
        yield from _architecture(pod)
        yield from _pool(environment, pod)
        yield from _together(scope, pod)
        yield from _locks(scope, pod)
    for pod, path, _, program in scope.programs:
        architecture = _wanted(pod)
        if program.image is not None and architecture and architecture not in program.image.architectures:
            have = ", ".join(program.image.architectures)
            message = f"the image is built for {have}, and the pod asks for nodes of {architecture}"
            yield Finding(pod.file, (*path, "image"), message, f"choose a build for {architecture}, or another pool")


def _locks(scope: ReleaseScope, pod: Pod) -> Iterator[Finding]:
    """RDMA pins memory. A capability has no effect for a user that is not root (kubernetes/kubernetes#56374)."""
    role = scope.role(pod)
    user = (pod.spec.get("securityContext") or {}).get("runAsUser", 0)
    if role is None or role.pool is None or not user or role.pool.memlock_unlimited:
        return
    if scope.resolved.values["roles"][role.name]["rdma"]["resource"]:
        message = f"user {user} cannot lock the memory that RDMA needs: IPC_LOCK has no effect without root"
        hint = f"set LimitMEMLOCK=infinity for the runtime of pool {role.pool_name} and say memlockUnlimited: true"
        yield Finding(pod.file, (*pod.path, "spec", "securityContext", "runAsUser"), message, hint)


# ---- GPUs of a replica -------------------------------------------------------------------------------------


def _gpus(scope: ReleaseScope) -> Iterator[Finding]:
    replicas: dict[str, list[Pod]] = {}
    for pod in scope.pods:
        if scope.role(pod) is not None:
            replicas.setdefault(pod.component, []).append(pod)
    for role, pods in replicas.items():
        split = scope.resolved.values["roles"][role]["parallelism"]
        product = split["tensor"] * split["pipeline"] * split["data"]
        there = sum(pod.pods_per_replica * pod.gpus for pod in pods)
        if there and there != product:
            size = sum(pod.pods_per_replica for pod in pods)
            parts = f"tensor {split['tensor']} x pipeline {split['pipeline']} x data {split['data']} = {product} GPUs"
            message = f"{parts}, and a replica has {there} ({size} x {pods[0].gpus})"
            hint = "make them equal: parallelism, GPUs per pod and pods per replica"
            yield Finding("", ("roles", role, "parallelism", "tensor"), message, hint)
        for pod in pods:
            yield from _nodes(pod, sum(pod.pods_per_replica for pod in pods))


def _nodes(pod: Pod, size: int) -> Iterator[Finding]:
    for path, container in pod.containers:
        stated = argument(container, "--nnodes")
        if stated is not None and stated.isdigit() and int(stated) != size:
            message = f"the engine waits for {stated} nodes, and a replica has {size} pods"
            yield Finding(pod.file, (*path, "args"), message, "let --nnodes be the size of the group")


# ---- nodes -------------------------------------------------------------------------------------------------


def _wanted(pod: Pod) -> str:
    selector: dict[str, str] = pod.spec.get("nodeSelector") or {}
    return selector.get(ARCHITECTURE, "")


def _architecture(pod: Pod) -> Iterator[Finding]:
    if not _wanted(pod):
        message = "the pod may land on nodes of any architecture: images are built for some"
        path = (*pod.path, "spec", "nodeSelector", ARCHITECTURE)
        yield Finding(pod.file, path, message, f"select {ARCHITECTURE}")


def _pool(environment: Environment, pod: Pod) -> Iterator[Finding]:
    selector: dict[str, str] = pod.spec.get("nodeSelector") or {}
    reasons = []
    for name, pool in environment.pools.items():
        reason = _refuses(pool, pod, selector)
        if reason is None:
            return
        reasons.append(f"{name}: {reason}")
    message = f"no pool of {environment.name} takes the pod ({'; '.join(reasons)})"
    hint = "select labels that a pool has and tolerate its taints, or describe the pool in environment.yaml"
    yield Finding(pod.file, (*pod.path, "spec", "nodeSelector"), message, hint)


def _refuses(pool: Pool, pod: Pod, selector: dict[str, str]) -> str | None:
    """Say why no node of a pool takes a pod, or None."""
    architecture = selector.get(ARCHITECTURE, pool.architecture)
    if architecture != pool.architecture:
        return f"its nodes are {pool.architecture}"
    if pod.gpus > pool.gpus_per_node:
        return f"its nodes have {pool.gpus_per_node} GPUs"
    for key, value in selector.items():
        if key != ARCHITECTURE and pool.labels.get(key) != value:
            return f"its nodes lack {key}={value}"
    for taint in pool.taints:
        if taint.effect in KEEPS_OUT and not any(
            _tolerates(toleration, taint.key, taint.value, taint.effect)
            for toleration in pod.spec.get("tolerations") or ()
        ):
            return f"its taint {taint.key} is not tolerated"
    return None


def _tolerates(toleration: Manifest, key: str, value: str, effect: str) -> bool:
    if toleration.get("effect", effect) != effect or toleration.get("key", key) != key:
        return False
    return bool(toleration.get("operator") == "Exists" or toleration.get("value", "") == value)


# ---- one NVLink domain -------------------------------------------------------------------------------------


def _together(scope: ReleaseScope, pod: Pod) -> Iterator[Finding]:
    role = scope.role(pod)
    if role is None or role.pool is None or role.pool.nvlink_domains < 2:
        return
    group = pod.owner["kind"] == "LeaderWorkerSet"
    if not group and pod.pods_per_replica < 2:
        return
    annotations = pod.owner["metadata"].get("annotations") or {}
    if annotations.get(EXCLUSIVE) == CLIQUE or _affine(pod):
        return
    domains = role.pool.nvlink_domains
    message = f"the pods of one replica may stand in several of the {domains} NVLink domains of pool {role.pool_name}"
    path: Path = ("metadata", "annotations", EXCLUSIVE)
    yield Finding(pod.file, path, message, f"set topology.togetherBy: {CLIQUE}")


def _affine(pod: Pod) -> bool:
    affinity = (pod.spec.get("affinity") or {}).get("podAffinity") or {}
    terms = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return any(term.get("topologyKey") == CLIQUE for term in terms)
