"""Size of /dev/shm."""

from __future__ import annotations

from generator.resolve.context import Context
from generator.resolve.layers import Tree, find

RULE = "2 GiB, 16 GiB for several GPUs, and the cache that is kept in host memory"
ONE_GPU_GIB = 2
# ring buffers of about 240 MiB a queue, and NCCL's own; engines' documents ask for 10 to 32 GiB
SEVERAL_GPUS_GIB = 16


def size(context: Context, values: Tree, role: str) -> str:
    """Ring buffers between processes, and what the engine offloads: it lies in /dev/shm as one file."""
    _, gpus = find(values, ("roles", role, "accelerator", "count"))
    _, offload = find(values, ("roles", role, "engine", "kvOffloadGib"))
    if not gpus:
        return "64Mi"
    return f"{(SEVERAL_GPUS_GIB if gpus > 1 else ONE_GPU_GIB) + int(offload or 0)}Gi"
