"""CPU and memory of an engine's pod."""

from __future__ import annotations

import math

from generator.model.units import gib, of_gib
from generator.resolve.context import Context
from generator.resolve.layers import Tree, find

RULE = "the pod's share of the weights, 8 GiB, 4 GiB a GPU, and /dev/shm, which counts against it"
CPU_RULE = "4 CPUs and 2 a GPU"
# interpreter, tokenizer and CUDA libraries of the first process, and of each worker
BASE_GIB = 8
GPU_GIB = 4
BASE_CPUS = 4
GPU_CPUS = 2


def limit(context: Context, values: Tree, role: str) -> str:
    """Weights pass through host memory on their way to the GPU; they are page cache that counts."""
    _, gpus = find(values, ("roles", role, "accelerator", "count"))
    _, shared = find(values, ("roles", role, "sharedMemory"))
    if not gpus:
        return "1Gi"
    pods = next((r.needs.pods_per_replica for r in context.roles if r.name == role), 1)
    weights = math.ceil((context.weights_gib or 0.0) / pods)
    return of_gib(weights + BASE_GIB + GPU_GIB * gpus + math.ceil(gib(shared) if shared else 0))


def cpu(context: Context, values: Tree, role: str) -> str:
    """One process a GPU, and the server."""
    _, gpus = find(values, ("roles", role, "accelerator", "count"))
    return str(BASE_CPUS + GPU_CPUS * gpus) if gpus else "500m"
