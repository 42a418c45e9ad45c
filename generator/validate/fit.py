"""Whether a model fits its GPUs, before the first start says so after an hour of loading.

The arithmetic is that of `model.memory`, with the release's own context, parallelism and engine options. Only variants
whose size rests on the checkpoint's configuration are weighed: for others somebody published a figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from generator import recipes
from generator.model import memory
from generator.model.axes import Basis
from generator.resolve.context import RoleContext
from generator.sources.catalog import Attention, Image
from generator.validate.pods import Path
from generator.validate.scope import Finding, ReleaseScope

# tokens computed at once where the engine chooses
BATCH_DEFAULT = 8192
# an element of the cache in one byte, or a little less
SMALL_CACHES = ("fp8", "mxfp8", "nvfp4", "fp4")

# compute capability from which a GPU multiplies what the weights are; Source: CUDA programming guide, Ada and Blackwell
CAPABILITIES = {"fp8": 89, "fp8+fp4-experts": 89, "nvfp4": 100}
# first driver branch of a CUDA release; Source: NVIDIA CUDA release notes, minor version compatibility
DRIVERS = {"13": 580, "12": 525}

LARGEST_TENSOR = 64
CONTEXT_STEP = 1024


class Load(msgspec.Struct, frozen=True):
    """What one GPU of a role has to hold, and how much of it the engine may use."""

    cache: memory.Cache
    weights_gib: float
    gpu_mib: int
    share: float
    overhead_gib: float
    pipeline: int
    element_bytes: int

    def fit(self, context: int, tensor: int) -> memory.Fit:
        """Weigh one sequence of this length."""
        return memory.fit(
            self.cache,
            total_weights_gib=self.weights_gib,
            gpu_memory_mib=self.gpu_mib,
            context_tokens=context,
            overhead_gib_per_gpu=self.overhead_gib,
            tensor=tensor,
            pipeline=self.pipeline,
            utilisation=self.share,
            element_bytes=self.element_bytes,
        )


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find roles whose GPUs cannot hold, split or compute the model."""
    context = scope.resolved.context
    if not context.needs_weights:
        return
    images = {pod.component: program.image for pod, _, _, program in scope.programs if program.engine}
    for role in context.roles:
        yield from _precision(scope, role)
        yield from _image(scope, role, images.get(role.name))
        attention = context.model.value.architecture.attention
        if attention is not None and context.variant.sizing.basis is Basis.CONFIGURATION:
            yield from _heads(scope, role, attention)
            yield from _memory(scope, role, attention)


def _precision(scope: ReleaseScope, role: RoleContext) -> Iterator[Finding]:
    context = scope.resolved.context
    checkpoint = context.variant.checkpoint
    precision = checkpoint.precision if checkpoint else context.model.value.architecture.precision
    least = CAPABILITIES.get(precision)
    gpu = role.accelerator
    if least is None or gpu is None or gpu.compute_capability >= least:
        return
    message = f"the weights are {precision}, which {gpu.name} (sm {gpu.compute_capability}) does not compute"
    hint = f"use a GPU of sm {least} or above, or a checkpoint of another precision"
    yield Finding("", ("roles", role.name, "accelerator", "count"), message, hint)


def _image(scope: ReleaseScope, role: RoleContext, image: Image | None) -> Iterator[Finding]:
    gpu, pool = role.accelerator, role.pool
    if image is None or gpu is None:
        return
    path: Path = ("image", "tag")
    if image.compute_capabilities and gpu.compute_capability not in image.compute_capabilities:
        built = ", ".join(str(number) for number in image.compute_capabilities)
        message = f"the image is built for sm {built}, and {gpu.name} is sm {gpu.compute_capability}"
        yield Finding("", path, message, "choose a build for this GPU: another runs slowly, or not at all")
    if image.cuda is None or pool is None or pool.driver is None:
        return
    least = DRIVERS.get(image.cuda.partition(".")[0])
    branch = pool.driver.partition(".")[0]
    if least is not None and branch.isdigit() and int(branch) < least:
        message = f"the image needs CUDA {image.cuda}, and pool {role.pool_name} has driver {pool.driver}"
        yield Finding("", path, message, f"choose a build for an older CUDA, or a driver from R{least} on")


def _heads(scope: ReleaseScope, role: RoleContext, attention: Attention) -> Iterator[Finding]:
    tensor = scope.resolved.values["roles"][role.name]["parallelism"]["tensor"]
    if _divides(attention, tensor):
        return
    heads = f"{attention.heads} heads" + ("" if attention.kv_lora_rank else f" and {attention.kv_heads} KV heads")
    message = f"tensor {tensor} does not divide the model's {heads}"
    sizes = [size for size in range(1, LARGEST_TENSOR + 1) if _divides(attention, size)]
    hint = f"set tensor to one of {', '.join(map(str, sizes[:8]))}"
    yield Finding("", ("roles", role.name, "parallelism", "tensor"), message, hint)


def _divides(attention: Attention, tensor: int) -> bool:
    latent = attention.kv_lora_rank is not None
    return memory.tensor_divides(heads=attention.heads, kv_heads=attention.kv_heads, tensor=tensor, latent=latent)


# ---- memory ------------------------------------------------------------------------------------------------


def _memory(scope: ReleaseScope, role: RoleContext, attention: Attention) -> Iterator[Finding]:
    values = scope.resolved.values
    tensor = values["roles"][role.name]["parallelism"]["tensor"]
    tokens = values["model"]["contextTokens"] or scope.resolved.context.model.value.architecture.context_tokens
    load = load_of(scope, role, attention)
    if load is None:
        return
    fit = load.fit(tokens, tensor)
    if fit.fits:
        return
    assert role.accelerator is not None
    message = (
        f"one sequence of {tokens} tokens needs {fit.needed_gib:.1f} GiB on each {role.accelerator.name} (weights "
        f"{fit.weights_gib_per_gpu:.1f}, overhead {fit.overhead_gib_per_gpu:.1f}, cache {fit.sequence_gib:.1f}), and "
        f"the engine has {fit.available_gib:.1f} GiB there ({load.gpu_mib / memory.MIB_PER_GIB:.1f} x {load.share:g})"
    )
    yield Finding("", ("model", "contextTokens"), message, _remedy(load, attention, tokens, tensor))


def load_of(scope: ReleaseScope, role: RoleContext, attention: Attention) -> Load | None:
    """Take together what a role's GPUs have to hold; None where a size is unknown."""
    values = scope.resolved.values
    own: dict[str, Any] = values["roles"][role.name]["engine"]
    split = values["roles"][role.name]["parallelism"]
    weights = scope.resolved.context.weights_gib
    engine = recipes.ENGINES[scope.resolved.context.recipe.engine].MEMORY
    if weights is None or role.accelerator is None or engine is None:
        return None
    gpus = split["tensor"] * split["pipeline"] * split["data"]
    share = own.get(engine.share)
    batch = own.get(engine.batched_tokens) or BATCH_DEFAULT
    alone = engine.without_activations and share
    overhead = 0.0 if alone else memory.overhead_gib(max_batched_tokens=batch, gpus=gpus)
    if split["expert"]:
        # The experts are spread over the copies too, the rest is not: weighed as if all were, so that what is
        # refused is certain.
        weights /= split["data"]
    small = str(values["engine"].get(engine.cache_type, "")).startswith(SMALL_CACHES)
    memory_mib = role.accelerator.memory_mib
    return Load(
        _cache(attention),
        weights,
        memory_mib,
        share or memory.DEFAULT_UTILISATION,
        overhead,
        split["pipeline"],
        1 if small else 2,
    )


def _cache(attention: Attention) -> memory.Cache:
    window = attention.sliding_window or 0
    return memory.Cache(
        full_attention_layers=attention.full_attention_layers,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        kv_lora_rank=attention.kv_lora_rank,
        qk_rope_head_dim=attention.qk_rope_head_dim,
        sliding_layers=attention.layers - attention.full_attention_layers if window else 0,
        sliding_window=window,
    )


def _remedy(load: Load, attention: Attention, tokens: int, tensor: int) -> str:
    ways = []
    largest = _largest_context(load, tokens, tensor)
    if largest:
        ways.append(f"set model.contextTokens to {largest} or less")
    sizes = range(tensor + 1, LARGEST_TENSOR + 1)
    larger = next((size for size in sizes if _divides(attention, size) and load.fit(tokens, size).fits), None)
    if larger:
        ways.append(f"split it over {larger} GPUs (tensor: {larger})")
    return ", or ".join(ways) or "choose a GPU with more memory, or weights of a smaller precision"


def _largest_context(load: Load, tokens: int, tensor: int) -> int:
    """The longest context that fits, in whole KiB of tokens; 0 if none does."""
    low, high = 0, tokens // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        if load.fit(middle * CONTEXT_STEP, tensor).fits:
            low = middle
        else:
            high = middle - 1
    return low * CONTEXT_STEP
