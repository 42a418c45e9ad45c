"""GPU memory of one replica: weights, overhead, key-value cache, and whether a full-length sequence fits.

Sizes are GiB (2**30 bytes), GPU memory is MiB as the driver reports it, and every figure is per GPU unless
its name says otherwise. It is an estimate before the first start; the engine's profile run has the last word.

Sources: KAITO v0.12.0 model_catalog.yaml and aiconfigurator v0.11.0 model_configs (geometry, file sizes);
vLLM 0.33.0 config/cache.py (utilisation); vllm-project/vllm#10517 (activations follow the batch).
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

GIB: Final = 2**30
MIB_PER_GIB: Final = 1024

# vLLM 0.33.0 `--gpu-memory-utilization`; releases before took 0.90
DEFAULT_UTILISATION: Final = 0.92

# Bytes per parameter with the scales that a format stores beside its values: a byte for 16 nvfp4 values, one
# for 32 mxfp4 values, two for 32 int4 values. Checkpoints that mix formats have no factor: `None`.
BYTES_PER_PARAMETER: Final[dict[str, float | None]] = {
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "int4": 0.5625,
    "nvfp4": 0.5625,
    "mxfp4": 0.53125,
    "fp8+fp4-experts": None,
}

# What a GPU holds besides weights and cache. aiconfigurator v0.11.0 (systems/*.yaml) reserves 3.5 GiB and 0.4
# for NCCL; public reports lie between 2 and 5. The split into a fixed part (context, graphs) and a part that
# grows with the batch is ours: 3.5 GiB at 8192 batched tokens, 2 GiB at 2048.
FIXED_OVERHEAD_GIB: Final = 1.5
ACTIVATION_GIB_PER_8192_TOKENS: Final = 2.0
COLLECTIVES_GIB: Final = 0.4


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """Geometry of the key-value cache, as the checkpoint's configuration states it."""

    full_attention_layers: int  # layers whose cache grows with the context
    kv_heads: int
    head_dim: int | None = None  # None: multi-head latent attention (MLA)
    kv_lora_rank: int | None = None  # MLA only
    qk_rope_head_dim: int | None = None  # MLA only
    sliding_layers: int = 0  # layers that keep `sliding_window` tokens and no more
    sliding_window: int = 0

    @property
    def latent(self) -> bool:
        """Tell whether the cache holds one latent vector per layer (MLA), the same for all heads."""
        return self.kv_lora_rank is not None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What one GPU of a replica holds, and whether one sequence of the wanted length has room."""

    weights_gib_per_gpu: float
    overhead_gib_per_gpu: float
    kv_gib_per_gpu: float  # left for the cache; negative where the weights alone are too large
    tokens: int  # that the cache holds, all sequences together; not per GPU
    sequence_gib: float  # cache of one sequence of the wanted length
    needed_gib: float  # weights, overhead and that one sequence
    available_gib: float  # the GPU's memory x utilisation
    fits: bool


def weights_gib(*, parameters_b: float, precision: str, published_gib: float | None = None) -> float:
    """Size the weights of the whole model: the published files' size, else parameters x bytes.

    Raises: ValueError for a precision that has no size per parameter, where no file size is known.
    """
    if published_gib is not None:
        return published_gib
    size = BYTES_PER_PARAMETER.get(precision)
    if size is None:
        raise ValueError(f"{precision} has no fixed size per parameter: the size of the files is needed")
    return parameters_b * 1e9 * size / GIB


def weights_gib_per_gpu(total_gib: float, *, tensor: int, pipeline: int = 1) -> float:
    """Divide the weights over the GPUs of one replica.

    Data-parallel ranks count as whole copies. Expert parallelism spreads the experts over them, which needs
    less: not counted, so that the estimate errs on the safe side.
    """
    return total_gib / (tensor * pipeline)


def overhead_gib(*, max_batched_tokens: int, gpus: int) -> float:
    """Estimate activations, graphs and collectives per GPU; the length of a context has no part in it."""
    activations = ACTIVATION_GIB_PER_8192_TOKENS * max_batched_tokens / 8192
    return FIXED_OVERHEAD_GIB + activations + (COLLECTIVES_GIB if gpus > 1 else 0.0)


def kv_bytes_per_token(cache: Cache, *, element_bytes: int = 2) -> int:
    """Size the cache of one token over all unbounded layers and heads, before any parallelism."""
    return cache.full_attention_layers * _layer_bytes(cache, cache.kv_heads, element_bytes)


def kv_bytes_per_token_per_gpu(cache: Cache, *, tensor: int, pipeline: int = 1, element_bytes: int = 2) -> int:
    """Size the cache of one token on the fullest GPU.

    Heads are shared out over the tensor ranks and repeated once there are more ranks than heads. The latent
    of MLA has no heads: every rank keeps all of it. `element_bytes` is 1 for an fp8 cache.
    """
    layers = math.ceil(cache.full_attention_layers / pipeline)
    return layers * _layer_bytes(cache, _heads_per_gpu(cache, tensor), element_bytes)


def window_bytes_per_sequence_per_gpu(
    cache: Cache, *, tokens: int, tensor: int, pipeline: int = 1, element_bytes: int = 2
) -> int:
    """Size what the sliding-window layers keep for one sequence on the fullest GPU."""
    layers = math.ceil(cache.sliding_layers / pipeline)
    kept = min(tokens, cache.sliding_window)
    return kept * layers * _layer_bytes(cache, _heads_per_gpu(cache, tensor), element_bytes)


def tensor_divides(*, heads: int, kv_heads: int, tensor: int, latent: bool) -> bool:
    """Tell whether the attention heads can be shared out evenly over the tensor ranks."""
    if heads % tensor:
        return False
    return latent or kv_heads % tensor == 0 or tensor % kv_heads == 0


def fit(
    cache: Cache,
    *,
    total_weights_gib: float,
    gpu_memory_mib: int,
    context_tokens: int,
    overhead_gib_per_gpu: float,
    tensor: int,
    pipeline: int = 1,
    utilisation: float = DEFAULT_UTILISATION,
    element_bytes: int = 2,
) -> Fit:
    """Weigh one replica against its GPUs; the verdict is monotone in the context."""
    weights = weights_gib_per_gpu(total_weights_gib, tensor=tensor, pipeline=pipeline)
    available = gpu_memory_mib / MIB_PER_GIB * utilisation
    left = available - weights - overhead_gib_per_gpu
    token_bytes = kv_bytes_per_token_per_gpu(cache, tensor=tensor, pipeline=pipeline, element_bytes=element_bytes)
    window_bytes = window_bytes_per_sequence_per_gpu(
        cache, tokens=context_tokens, tensor=tensor, pipeline=pipeline, element_bytes=element_bytes
    )
    sequence = (context_tokens * token_bytes + window_bytes) / GIB
    return Fit(
        weights_gib_per_gpu=weights,
        overhead_gib_per_gpu=overhead_gib_per_gpu,
        kv_gib_per_gpu=left,
        tokens=max(0, int(left * GIB // token_bytes)),
        sequence_gib=sequence,
        needed_gib=weights + overhead_gib_per_gpu + sequence,
        available_gib=available,
        fits=sequence <= left,
    )


def _heads_per_gpu(cache: Cache, tensor: int) -> int:
    return max(1, math.ceil(cache.kv_heads / tensor))


def _layer_bytes(cache: Cache, heads: int, element_bytes: int) -> int:
    """Size one token in one layer: a latent vector and its rotary part, or a key and a value per head."""
    if cache.kv_lora_rank is not None:
        return (cache.kv_lora_rank + (cache.qk_rope_head_dim or 0)) * element_bytes
    if cache.head_dim is None:
        raise ValueError("a cache needs head_dim, or kv_lora_rank and qk_rope_head_dim")
    return 2 * heads * cache.head_dim * element_bytes
