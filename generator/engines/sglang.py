"""SGLang: its dialect, its own runtime, its metrics.

Source: PyPI sglang 0.5.23: entry point and parser (executed); srt/entrypoints/http_server.py, srt/environ.py,
srt/managers/tokenizer_manager.py and srt/utils/auth.py (read). Nothing ran on a GPU.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from generator.contract import Flag, Memory, Metrics, Position, Probes, Refusal, RoleView, Runtime
from generator.model.axes import Engine, Task, Topology
from generator.objects.pod import MODELS
from generator.template.refs import either, equals, filled, negate, text
from generator.values.base import Values
from generator.values.common import Common

NAME = Engine.SGLANG
# Reranking and transcription have paths, but want a chat template or an attention backend of the model's own, and
# the second has no path for translations: not proven here.
TASKS = frozenset((Task.CHAT, Task.EMBEDDING))
NEEDS_GPU = True
MEMORY = Memory(
    share="memFractionStatic",
    without_activations=True,
    batched_tokens="chunkedPrefillSize",
    cache_type="kvCacheDtype",
)
REFUSALS = (
    Refusal(
        engine=NAME,
        topology=Topology.MULTINODE,
        reason="a follower ignores SIGTERM until rank 0 tells it to stop and has no /ready, and the drain of such a "
        "group has not been proven",
        source="PyPI sglang 0.5.23 srt/entrypoints/engine.py, launch of node_rank >= 1",
    ),
    Refusal(
        engine=NAME,
        topology=Topology.DISAGGREGATED,
        reason="the two pools meet only through SGLang's own router, which puts the prefill pod's bootstrap address "
        "into each request, and charts with it have not been proven",
        source="PyPI sglang-router 0.3.2 --pd-disaggregation; sglang 0.5.23 srt/disaggregation",
    ),
)

PORT = 30000
# not SGLANG_...: the engine itself reads no variable, its argument names this one
KEY_VARIABLE = "ENGINE_API_KEY"

RUNTIME = Runtime(
    engine=NAME,
    program="sglang",
    command=("sglang", "serve"),
    model_flag="--model-path",
    port=PORT,
    # it looks every 5 s whether all is answered, then waits up to 15 s for its schedulers
    exit_seconds=25,
    api_key_variable=KEY_VARIABLE,
    # /ready is 200 only when started, not paused and not draining
    probes=Probes(alive="/health", ready="/ready", alive_timeout_seconds=10, others=("/health_generate", "/ping")),
    metrics=Metrics(running="sglang:num_running_reqs", waiting="sglang:num_queue_reqs"),
)


class Options(Values, frozen=True, kw_only=True):
    """Engine options of the whole release."""

    is_embedding: Annotated[bool, Meta(description="Serve embeddings with a model that could also generate")] = False
    tool_parser: Annotated[str, Meta(description="Parser of tool calls; empty: no tool calls")] = ""
    reasoning_parser: Annotated[str, Meta(description="Parser of reasoning; empty: none")] = ""
    quantization: Annotated[str, Meta(description="Quantization method; empty: as the checkpoint says")] = ""
    dtype: Annotated[
        Literal["auto", "half", "float16", "bfloat16", "float", "float32"],
        Meta(description="Type of the weights"),
    ] = "auto"
    kv_cache_dtype: Annotated[
        Literal["auto", "bfloat16", "fp8_e4m3", "fp8_e5m2", "mxfp8", "nvfp4", "fp4_mx_block16"],
        Meta(description="Type of the KV cache"),
    ] = "auto"
    chat_template: Annotated[str, Meta(description="Name or path of a chat template; empty: the checkpoint's own")] = ""
    sampling_defaults: Annotated[
        Literal["model", "openai"],
        Meta(description="openai: ignore the sampling defaults that come with the weights"),
    ] = "model"
    load_format: Annotated[
        Literal["auto", "safetensors", "fastsafetensors", "runai_streamer"],
        Meta(description="How weights are read"),
    ] = "auto"
    attention_backend: Annotated[str, Meta(description="Attention kernels; empty: the engine's choice")] = ""


class RoleOptions(Values, frozen=True, kw_only=True):
    """Engine options of one role."""

    mem_fraction_static: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="Share of the GPU's memory for weights and KV cache, without activations and graphs; "
            "0: the engine's choice",
        ),
    ] = 0.0
    max_running_requests: Annotated[int, Meta(ge=0, description="Requests in one batch; 0: the engine's choice")] = 0
    chunked_prefill_size: Annotated[
        int,
        Meta(
            ge=0,
            description="Prompt tokens in one batch; the memory for activations follows from it; "
            "0: the engine's choice for the GPU",
        ),
    ] = 0
    prefix_caching: Annotated[bool, Meta(description="Reuse the cache of equal prefixes")] = True
    cuda_graphs: Annotated[bool, Meta(description="Capture CUDA graphs: starts later, answers faster")] = True


def task_options(task: Task) -> dict[str, Any]:
    """A checkpoint that could also generate is told to embed."""
    return {"isEmbedding": True} if task is Task.EMBEDDING else {}


def flags(common: Common, options: Options, role: RoleView) -> tuple[Flag, ...]:
    """The flags of one engine process."""
    split, own = role.values.parallelism, role.engine
    key = common.security.api_key
    return (
        Flag("--served-model-name", common.model.served_name),
        # the default is loopback, where neither probes nor clients reach it
        Flag("--host", "0.0.0.0", server=True),
        Flag("--port", str(PORT), server=True),
        Flag("--enable-metrics"),
        Flag("--revision", common.model.revision, filled(common.model.revision)),
        Flag("--context-length", text(common.model.context_tokens), filled(common.model.context_tokens)),
        Flag("--trust-remote-code", condition=common.model.trust_remote_code),
        Flag("--tp-size", text(split.tensor)),
        Flag("--pp-size", text(split.pipeline)),
        # whole replicas behind one server, as vLLM counts them: data x tensor GPUs
        Flag("--dp-size", text(split.data)),
        # each GPU of a tensor group holds its part of the experts whole
        Flag("--ep-size", text(split.tensor), split.expert),
        Flag("--mem-fraction-static", text(own.mem_fraction_static), filled(own.mem_fraction_static)),
        Flag("--chunked-prefill-size", text(own.chunked_prefill_size), filled(own.chunked_prefill_size)),
        Flag("--max-running-requests", text(own.max_running_requests), filled(own.max_running_requests)),
        Flag("--disable-radix-cache", condition=negate(own.prefix_caching)),
        Flag("--cuda-graph-backend-decode", "disabled", negate(own.cuda_graphs)),
        Flag("--cuda-graph-backend-prefill", "disabled", negate(own.cuda_graphs)),
        Flag("--is-embedding", condition=options.is_embedding),
        Flag("--dtype", options.dtype, negate(equals(options.dtype, "auto"))),
        Flag("--kv-cache-dtype", options.kv_cache_dtype, negate(equals(options.kv_cache_dtype, "auto"))),
        Flag("--load-format", options.load_format, negate(equals(options.load_format, "auto"))),
        Flag("--sampling-defaults", options.sampling_defaults, negate(equals(options.sampling_defaults, "model"))),
        Flag("--quantization", options.quantization, filled(options.quantization)),
        Flag("--attention-backend", options.attention_backend, filled(options.attention_backend)),
        Flag("--chat-template", options.chat_template, filled(options.chat_template), server=True),
        Flag("--tool-call-parser", options.tool_parser, filled(options.tool_parser), server=True),
        Flag("--reasoning-parser", options.reasoning_parser, filled(options.reasoning_parser), server=True),
        # The only way in. The engine logs its arguments at start and shows them at /server_info, key included:
        # the route leads to API paths only, and who reads the logs knows the key.
        Flag("--api-key", f"$({KEY_VARIABLE})", either(filled(key.secret), filled(key.remote_key)), server=True),
        # Nothing bounds the drain: at the stop signal the server refuses what is new and answers all it has begun.
        # The pod's grace period is the bound.
    )


def group_flags(role: RoleView, position: Position, size: object) -> tuple[Flag, ...]:
    """No chart has several pods a replica: REFUSALS."""
    return ()


def transfer_flags(role: str) -> tuple[Flag, ...]:
    """No chart hands a cache over: REFUSALS."""
    return ()


def environment(common: Common, options: Options) -> list[Any]:
    """What the engine reads from its environment."""
    return [
        # Otherwise a probe of an idle server generates a token and takes at least 1 s, and after one that failed the
        # stop signal drops what is in flight. The engine's own watchdog ends a process whose GPU work hangs for 300 s.
        {"name": "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION", "value": "0"},
        # the first request compiles kernels; the engine gives up after 600 s, before a longer startup probe would
        {"name": "SGLANG_WARMUP_TIMEOUT", "value": text(common.timing.startup_seconds)},
        {"name": "SGLANG_CACHE_DIR", "value": f"{MODELS}/sglang"},
    ]


def transfer_environment() -> list[Any]:
    """No chart hands a cache over: REFUSALS."""
    return []
