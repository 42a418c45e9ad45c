"""Pods where they can run, and as many GPUs as the engine was told to use.

A group that is one GPU short waits for it for ever; an image of another architecture, a taint that nobody tolerates,
a replica over two racks, a slice of a GPU in place of the whole, or a volume that one node holds show only in the
cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.objects.pod import PRODUCT
from generator.resolve.context import RoleContext
from generator.resolve.platform import CLIQUE
from generator.sources.catalog import Accelerator
from generator.sources.environment import Environment, Pool
from generator.validate.claims import maximum, surge
from generator.validate.pods import Manifest, Path, Pod, argument
from generator.validate.scope import Finding, ReleaseScope

ARCHITECTURE = "kubernetes.io/arch"
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
KEEPS_OUT = frozenset(("NoSchedule", "NoExecute"))
# domains of the device plugins of GPUs and the like; other extended resources are nobody's concern here
VENDORS = ("nvidia.com/", "amd.com/", "gpu.intel.com/", "habana.ai/", "google.com/", "aws.amazon.com/")
# what the device plugin of NVIDIA calls a GPU that several pods share in turns
SHARED = ".shared"
SLICE = "nvidia.com/mig-"
# several nodes may mount such a volume at once
SEVERAL = frozenset(("ReadWriteMany", "ReadOnlyMany"))
ONE_POD = "ReadWriteOncePod"


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find groups whose GPUs do not add up, and pods that no node takes or should take."""
    environment = scope.resolved.context.environment.value
    yield from _gpus(scope)
    yield from _volumes(scope)
    for pod in scope.pods:
        yield from _architecture(pod)
        yield from _pool(environment, pod)
        yield from _together(scope, pod)
        yield from _locks(scope, pod)
        yield from _devices(scope, pod)
        yield from _bound(environment, scope, pod)
    for pod, path, _, program in scope.programs:
        architecture = _wanted(pod)
        if program.image is not None and architecture and architecture not in program.image.architectures:
            have = ", ".join(program.image.architectures)
            message = f"the image is built for {have}, and the pod asks for nodes of {architecture}"
            hint = f"choose a build for {architecture}, or another pool"
            # the engine's tag is where its builds are listed; its repository may come from a mirror
            file, place = ("", ("image", "tag")) if program.engine else (pod.file, (*path, "image"))
            yield Finding(file, place, message, hint)


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


def _devices(scope: ReleaseScope, pod: Pod) -> Iterator[Finding]:
    """Memory and speed were computed for whole GPUs of one kind; anything else has another size, or is not there."""
    role = scope.role(pod)
    if role is None:
        return
    whole = role.accelerator.resource if role.accelerator is not None else ""
    rdma = role.pool.rdma_resource if role.pool is not None else None
    for path, container in pod.containers:
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in (whole, rdma) or not name.startswith(VENDORS):
                continue
            message = _other(name, str(amount), role.accelerator)
            hint = f"ask for {whole}" if whole else "give the role an accelerator"
            written = scope.resolved.values["roles"][role.name]["accelerator"]["resource"] == name
            place = ("roles", role.name, "accelerator", "resource")
            limit = (*path, "resources", "limits", name)
            yield Finding("", place, message, hint) if written else Finding(pod.file, limit, message, hint)


def _other(name: str, amount: str, accelerator: Accelerator | None) -> str:
    """Say what a resource is that is not the whole GPU."""
    if accelerator is None:
        return f"the role was sized without a GPU, and asks for {name}"
    if name.endswith(SHARED):
        return f"{name} is a turn on {accelerator.name} beside other pods: memory was computed for all of it"
    if not name.startswith(SLICE):
        return f"no node with {accelerator.name} offers {name}"
    slices = sorted(profile.resource for profile in accelerator.mig.values())
    if name not in slices:
        known = f"it has {', '.join(slice_.removeprefix(SLICE) for slice_ in slices)}" if slices else "none is known"
        return f"{accelerator.name} has no slice {name.removeprefix(SLICE)}: {known}"
    if amount != "1":
        return f"a model cannot span {amount} slices: {name} is a part of {accelerator.name} that knows no other"
    return f"{name} is a part of {accelerator.name}: memory was computed for all of it"


# ---- nodes -------------------------------------------------------------------------------------------------


def _bound(environment: Environment, scope: ReleaseScope, pod: Pod) -> Iterator[Finding]:
    """A pod with a GPU stays on the GPU that it was sized for: a smaller one fails after an hour of loading."""
    role = scope.role(pod)
    if role is None or role.accelerator is None or not pod.gpus:
        return
    products = role.accelerator.products
    if _by_product(pod, products) or _by_pool(environment, pod, role):
        return
    message = f"nothing keeps the pod on {role.accelerator.name}, for which it was sized"
    hint = f"require {PRODUCT} in {', '.join(products)}, in every term, or select a label that only its pools have"
    yield Finding(pod.file, (*pod.path, "spec", "affinity"), message, hint)


def _by_product(pod: Pod, products: list[str]) -> bool:
    if (pod.spec.get("nodeSelector") or {}).get(PRODUCT) in products:
        return True
    node = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ()
    # one of the terms is enough for a node
    return bool(terms) and all(
        any(
            one.get("key") == PRODUCT and one.get("operator") == "In" and set(one.get("values") or ()) <= set(products)
            for one in term.get("matchExpressions") or ()
        )
        for term in terms
    )


def _by_pool(environment: Environment, pod: Pod, role: RoleContext) -> bool:
    selector: dict[str, str] = pod.spec.get("nodeSelector") or {}
    if not set(selector) - {ARCHITECTURE}:
        return False
    takes = [pool for pool in environment.pools.values() if _refuses(pool, pod, selector) is None]
    return all(role.pool is not None and pool.accelerator == role.pool.accelerator for pool in takes)


def _volumes(scope: ReleaseScope) -> Iterator[Finding]:
    """A volume that one node holds keeps every further pod from starting on another."""
    for file, claim in scope.of_kind("PersistentVolumeClaim"):
        name, mode = claim["metadata"]["name"], claim["spec"]["accessModes"][0]
        if SEVERAL & set(claim["spec"]["accessModes"]):
            continue
        pods = [pod for pod in scope.pods if name in _mounted(pod)]
        most = sum(maximum(scope, pod) * pod.pods_per_replica for pod in pods)
        place: Path = ("spec", "accessModes", 0)
        if most > 1:
            whose = "one pod holds it" if mode == ONE_POD else "one node holds it"
            message = f"up to {most} pods mount {name}, which is {mode}: {whose}, and the others wait for ever"
            hint = "use a storage class with ReadWriteMany, cache.kind: ephemeral, or one replica of one pod"
            yield Finding(file, place, message, hint)
        elif any(surge(pod) for pod in pods):
            message = f"during a rollout the new pod waits for {name}, which is {mode} and held by the old one"
            yield Finding(file, place, message, "set rollout: in-place, or use a storage class with ReadWriteMany")


def _mounted(pod: Pod) -> set[str]:
    claims = ((volume.get("persistentVolumeClaim") or {}) for volume in pod.spec.get("volumes") or ())
    return {claim["claimName"] for claim in claims if claim}


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
