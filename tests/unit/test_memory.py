"""Memory arithmetic against worked examples, a public report and its invariants."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.model import memory
from generator.model.memory import Cache, Fit, fit, overhead_gib, tensor_divides, weights_gib

H100 = 81559
H200 = 143771
GB200 = 189471
A10G = 23028

LLAMA_8B = Cache(full_attention_layers=32, kv_heads=8, head_dim=128)
LLAMA_70B = Cache(full_attention_layers=80, kv_heads=8, head_dim=128)
QWEN_235B = Cache(full_attention_layers=94, kv_heads=4, head_dim=128)
DEEPSEEK_R1 = Cache(full_attention_layers=61, kv_heads=128, kv_lora_rank=512, qk_rope_head_dim=64)
GPT_OSS_20B = Cache(full_attention_layers=12, kv_heads=8, head_dim=64, sliding_layers=12, sliding_window=128)


def at_090(cache: Cache, weights: float, gpu: int, *, overhead: float, tensor: int, element_bytes: int = 2) -> Fit:
    return fit(
        cache,
        total_weights_gib=weights,
        gpu_memory_mib=gpu,
        context_tokens=8192,
        overhead_gib_per_gpu=overhead,
        tensor=tensor,
        utilisation=0.90,
        element_bytes=element_bytes,
    )


@pytest.mark.parametrize(
    ("cache", "kv_bytes"),
    [(LLAMA_8B, 131072), (LLAMA_70B, 327680), (QWEN_235B, 192512), (DEEPSEEK_R1, 70272)],
)
def test_cache_of_one_token_is_that_of_the_table(cache: Cache, kv_bytes: int) -> None:
    assert memory.kv_bytes_per_token(cache) == kv_bytes


def test_the_catalog_states_the_cache_that_its_geometry_gives() -> None:
    for file in sorted((Path(__file__).parents[2] / "catalog" / "models").glob("*.yaml")):
        attention = yaml.safe_load(file.read_text(encoding="utf-8"))["architecture"]["attention"]
        if attention is None:
            continue
        cache = Cache(
            full_attention_layers=attention["fullAttentionLayers"],
            kv_heads=attention["kvHeads"],
            head_dim=attention.get("headDim"),
            kv_lora_rank=attention.get("kvLoraRank"),
            qk_rope_head_dim=attention.get("qkRopeHeadDim"),
        )
        assert memory.kv_bytes_per_token(cache) == attention["kvBytesPerToken"], file.name


@pytest.mark.parametrize(
    ("cache", "weights", "gpu", "overhead", "tensor", "kv_gib", "tokens"),
    [
        (LLAMA_8B, 14.96, H100, 2, 1, 54.7, 448_000),
        (LLAMA_8B, 14.96, A10G, 2, 1, 3.3, 27_000),
        (LLAMA_70B, 131.42, H100, 3, 4, 35.8, 470_000),
        (LLAMA_70B, 131.42, H100, 3, 2, 3.0, 19_000),
        (LLAMA_70B, 131.42, H200, 3, 2, 57.7, 378_000),
        (DEEPSEEK_R1, 641.3, H200, 5, 8, 41.2, 630_000),
        (DEEPSEEK_R1, 641.3, GB200, 5, 8, 81.4, 1_240_000),
        (DEEPSEEK_R1, 312.5, GB200, 5, 4, 83, 1_270_000),  # NVFP4 counted as half a byte
        (QWEN_235B, 437.7, H100, 3, 8, 14.0, 312_000),
        (QWEN_235B, 218.85, H100, 3, 4, 14.0, 312_000),  # fp8 weights on half the GPUs
    ],
)
def test_worked_example(
    cache: Cache, weights: float, gpu: int, overhead: float, tensor: int, kv_gib: float, tokens: int
) -> None:
    figures = at_090(cache, weights, gpu, overhead=overhead, tensor=tensor)
    assert figures.kv_gib_per_gpu == pytest.approx(kv_gib, abs=0.5 if kv_gib == 83 else 0.05)
    assert figures.tokens == pytest.approx(tokens, rel=0.03)


def test_fp8_cache_holds_twice_the_tokens() -> None:
    figures = at_090(LLAMA_8B, 14.96, H100, overhead=2, tensor=1, element_bytes=1)
    assert figures.tokens == pytest.approx(897_000, rel=0.01)


def test_weights_larger_than_the_node_leave_a_negative_rest_and_no_token() -> None:
    figures = at_090(DEEPSEEK_R1, 641.3, H100, overhead=5, tensor=8)
    assert figures.kv_gib_per_gpu < 0
    assert figures.tokens == 0
    assert not figures.fits


def test_one_tray_of_gb200_keeps_nothing_useful_beside_fp8_weights() -> None:
    figures = at_090(DEEPSEEK_R1, 641.3, GB200, overhead=5, tensor=4)
    assert figures.kv_gib_per_gpu == pytest.approx(1.2, abs=0.05)


def test_an_8b_model_on_24_gb_refuses_the_length_that_failed_and_all_longer_ones() -> None:
    """vllm-project/vllm#10517: 2.89 GiB were left, 29000 tokens need 3.54."""

    def at(context: int) -> Fit:
        return fit(
            LLAMA_8B,
            total_weights_gib=14.96,
            gpu_memory_mib=A10G,
            context_tokens=context,
            overhead_gib_per_gpu=2.39,
            tensor=1,
            utilisation=0.90,
        )

    assert at(29_000).kv_gib_per_gpu == pytest.approx(2.89, abs=0.01)
    assert at(29_000).sequence_gib == pytest.approx(3.54, abs=0.01)
    assert [at(context).fits for context in (20_000, 29_000, 35_000)] == [True, False, False]


def test_overhead_follows_the_batch_and_the_number_of_gpus() -> None:
    assert overhead_gib(max_batched_tokens=8192, gpus=1) == pytest.approx(3.5)
    assert overhead_gib(max_batched_tokens=8192, gpus=8) == pytest.approx(3.9)
    assert overhead_gib(max_batched_tokens=2048, gpus=1) == pytest.approx(2.0)


@pytest.mark.parametrize(("tensor", "kib"), [(1, 188), (4, 47), (8, 47)])
def test_heads_are_repeated_once_ranks_outnumber_them(tensor: int, kib: int) -> None:
    assert memory.kv_bytes_per_token_per_gpu(QWEN_235B, tensor=tensor) == kib * 1024


def test_every_rank_keeps_the_whole_latent() -> None:
    assert memory.kv_bytes_per_token_per_gpu(DEEPSEEK_R1, tensor=8) == 70272


def test_pipeline_stages_share_the_layers_rounded_up() -> None:
    assert memory.kv_bytes_per_token_per_gpu(LLAMA_8B, tensor=1, pipeline=3) == 11 * 2 * 8 * 128 * 2


def test_sliding_layers_stop_growing_at_their_window() -> None:
    short, long = (memory.window_bytes_per_sequence_per_gpu(GPT_OSS_20B, tokens=n, tensor=1) for n in (64, 131072))
    assert short == 64 * 12 * 2 * 8 * 64 * 2
    assert long == 2 * short


def test_weights_are_the_published_size_else_parameters_times_bytes() -> None:
    assert weights_gib(parameters_b=671, precision="fp8", published_gib=641.3) == 641.3
    assert weights_gib(parameters_b=235, precision="bf16") == pytest.approx(437.7, abs=0.05)


def test_a_mixed_checkpoint_without_file_size_has_no_weight() -> None:
    with pytest.raises(ValueError, match="size of the files is needed"):
        weights_gib(parameters_b=1600, precision="fp8+fp4-experts")


def test_a_cache_without_geometry_has_no_size() -> None:
    with pytest.raises(ValueError, match="head_dim"):
        memory.kv_bytes_per_token(Cache(full_attention_layers=1, kv_heads=1))


@pytest.mark.parametrize(
    ("heads", "kv_heads", "tensor", "latent", "divides"),
    [
        (64, 8, 4, False, True),
        (64, 4, 8, False, True),
        (24, 8, 16, False, False),
        (40, 10, 4, False, False),
        (128, 128, 8, True, True),
        (24, 2, 6, False, True),
    ],
)
def test_tensor_ranks_share_the_heads_evenly_or_not_at_all(
    heads: int, kv_heads: int, tensor: int, latent: bool, divides: bool
) -> None:
    assert tensor_divides(heads=heads, kv_heads=kv_heads, tensor=tensor, latent=latent) is divides


caches = st.one_of(
    st.builds(
        Cache,
        full_attention_layers=st.integers(1, 130),
        kv_heads=st.sampled_from([1, 2, 4, 8, 16, 32]),
        head_dim=st.sampled_from([64, 128, 256]),
        sliding_layers=st.integers(0, 60),
        sliding_window=st.sampled_from([0, 128, 1024]),
    ),
    st.builds(
        Cache,
        full_attention_layers=st.integers(1, 130),
        kv_heads=st.just(128),
        kv_lora_rank=st.sampled_from([256, 512]),
        qk_rope_head_dim=st.just(64),
    ),
)


@given(
    cache=caches,
    weights=st.floats(0.1, 2000),
    gpu=st.sampled_from([A10G, H100, H200, GB200]),
    tensor=st.sampled_from([1, 2, 4, 8]),
    pipeline=st.integers(1, 4),
    element_bytes=st.sampled_from([1, 2]),
    batched=st.sampled_from([2048, 8192, 16384]),
    contexts=st.tuples(st.integers(1, 1 << 21), st.integers(1, 1 << 21)),
)
def test_a_context_that_fits_makes_every_shorter_one_fit(
    cache: Cache,
    weights: float,
    gpu: int,
    tensor: int,
    pipeline: int,
    element_bytes: int,
    batched: int,
    contexts: tuple[int, int],
) -> None:
    short, long = (
        fit(
            cache,
            total_weights_gib=weights,
            gpu_memory_mib=gpu,
            context_tokens=context,
            overhead_gib_per_gpu=overhead_gib(max_batched_tokens=batched, gpus=tensor * pipeline),
            tensor=tensor,
            pipeline=pipeline,
            element_bytes=element_bytes,
        )
        for context in sorted(contexts)
    )
    assert short.needed_gib <= long.needed_gib
    assert short.fits or not long.fits
    assert (short.tokens, short.kv_gib_per_gpu) == (long.tokens, long.kv_gib_per_gpu)
