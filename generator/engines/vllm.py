"""vLLM: its dialect, its own runtime, its metrics.

Source: PyPI vllm 0.33.0 (parser executed), docker/Dockerfile and entrypoints of vllm-project/vllm at v0.33.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from msgspec import Meta

from generator.contract import Flag, Memory, Metrics, Position, Probes, Refusal, RoleView, Runtime
from generator.model.axes import Engine, Task
from generator.objects.pod import MODELS
from generator.template.refs import equals, filled, negate, text
from generator.values.base import Share, Values
from generator.values.common import Common

NAME = Engine.VLLM
TASKS = frozenset(Task)
NEEDS_GPU = True
REFUSALS: tuple[Refusal, ...] = ()
MEMORY = Memory(share="gpuMemoryUtilization", batched_tokens="maxNumBatchedTokens", cache_type="kvCacheDtype")

PORT = 8000
MASTER_PORT = 29501
SIDE_CHANNEL_PORT = 5600

RUNTIME = Runtime(
    engine=NAME,
    program="vllm",
    # the image starts `vllm serve`
    positional_model=True,
    port=PORT,
    api_key_variable="VLLM_API_KEY",
    # one path for all: the socket opens only once the engine is up, and stays 200 until it dies
    probes=Probes(alive="/health", ready="/health", alive_timeout_seconds=10, others=("/ping",)),
    metrics=Metrics(running="vllm:num_requests_running", waiting="vllm:num_requests_waiting"),
    user=2000,
    group=0,
    fs_group=2000,
)


class Options(Values, frozen=True, kw_only=True):
    """Engine options of the whole release."""

    tool_parser: Annotated[str, Meta(description="Parser of tool calls; empty: no tool calls")] = ""
    reasoning_parser: Annotated[str, Meta(description="Parser of reasoning; empty: none")] = ""
    quantization: Annotated[str, Meta(description="Quantization method; empty: as the checkpoint says")] = ""
    dtype: Annotated[
        Literal["auto", "half", "float16", "bfloat16", "float", "float32"],
        Meta(description="Type of the weights"),
    ] = "auto"
    runner: Annotated[
        Literal["auto", "generate", "pooling"], Meta(description="What the engine runs the model for")
    ] = "auto"
    kv_cache_dtype: Annotated[
        Literal["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"], Meta(description="Type of the KV cache")
    ] = "auto"
    hf_overrides: Annotated[str, Meta(description="JSON laid over the checkpoint's config.json; empty: as it is")] = ""
    chat_template: Annotated[str, Meta(description="Path of a chat template; empty: the checkpoint's own")] = ""
    generation_config: Annotated[
        Literal["auto", "vllm"],
        Meta(description="vllm: ignore the sampling defaults that come with the weights"),
    ] = "auto"
    load_format: Annotated[
        Literal["auto", "safetensors", "fastsafetensors", "runai_streamer"],
        Meta(description="How weights are read"),
    ] = "auto"


class RoleOptions(Values, frozen=True, kw_only=True):
    """Engine options of one role."""

    gpu_memory_utilization: Annotated[Share, Meta(description="Share of the GPU's memory that the engine takes")] = 0.92
    max_num_seqs: Annotated[int, Meta(ge=0, description="Sequences in one batch; 0: the engine's choice")] = 0
    max_num_batched_tokens: Annotated[
        int, Meta(ge=1, description="Tokens in one batch; the memory for activations follows from it")
    ] = 8192
    prefix_caching: Annotated[bool, Meta(description="Reuse the cache of equal prefixes")] = True
    enforce_eager: Annotated[bool, Meta(description="No compilation: starts sooner, answers slower")] = False
    kv_offload_gib: Annotated[int, Meta(ge=0, description="Host memory for cache that left the GPU; 0: none")] = 0


def task_options(task: Task) -> dict[str, Any]:
    """Embeddings and scores come from the pooling runner; the rest generates."""
    return {"runner": "pooling"} if task in (Task.EMBEDDING, Task.RERANK) else {}


def flags(common: Common, options: Options, role: RoleView) -> tuple[Flag, ...]:
    """The flags of one engine process."""
    split, own = role.values.parallelism, role.engine
    return (
        Flag("--served-model-name", common.model.served_name),
        Flag("--port", str(PORT), server=True),
        Flag("--revision", common.model.revision, filled(common.model.revision)),
        Flag("--max-model-len", text(common.model.context_tokens), filled(common.model.context_tokens)),
        Flag("--trust-remote-code", condition=common.model.trust_remote_code),
        Flag("--tensor-parallel-size", text(split.tensor)),
        Flag("--pipeline-parallel-size", text(split.pipeline)),
        Flag("--data-parallel-size", text(split.data)),
        Flag("--enable-expert-parallel", condition=split.expert),
        Flag("--gpu-memory-utilization", text(own.gpu_memory_utilization)),
        Flag("--max-num-batched-tokens", text(own.max_num_batched_tokens)),
        Flag("--max-num-seqs", text(own.max_num_seqs), filled(own.max_num_seqs)),
        Flag("--enable-prefix-caching", condition=own.prefix_caching),
        Flag("--no-enable-prefix-caching", condition=negate(own.prefix_caching)),
        Flag("--enforce-eager", condition=own.enforce_eager),
        Flag("--kv-offloading-size", text(own.kv_offload_gib), filled(own.kv_offload_gib)),
        Flag("--dtype", options.dtype, negate(equals(options.dtype, "auto"))),
        Flag("--kv-cache-dtype", options.kv_cache_dtype, negate(equals(options.kv_cache_dtype, "auto"))),
        Flag("--runner", options.runner, negate(equals(options.runner, "auto"))),
        Flag("--load-format", options.load_format, negate(equals(options.load_format, "auto"))),
        Flag("--generation-config", options.generation_config, negate(equals(options.generation_config, "auto"))),
        Flag("--quantization", options.quantization, filled(options.quantization)),
        Flag("--hf-overrides", options.hf_overrides, filled(options.hf_overrides)),
        Flag("--chat-template", options.chat_template, filled(options.chat_template), server=True),
        Flag("--enable-auto-tool-choice", condition=filled(options.tool_parser), server=True),
        Flag("--tool-call-parser", options.tool_parser, filled(options.tool_parser), server=True),
        Flag("--reasoning-parser", options.reasoning_parser, filled(options.reasoning_parser)),
        # 0 would abort what is in flight at the stop signal
        Flag("--shutdown-timeout", text(common.timing.drain_seconds), server=True),
    )


def group_flags(role: RoleView, position: Position, size: object) -> tuple[Flag, ...]:
    """Native multi-node: every pod runs one command, followers without a server."""
    joined = (
        Flag("--nnodes", text(size)),
        Flag("--node-rank", "$(LWS_WORKER_INDEX)"),
        Flag("--master-addr", "$(LWS_LEADER_ADDRESS)"),
        Flag("--master-port", str(MASTER_PORT)),
        Flag("--distributed-executor-backend", "mp"),
    )
    return joined if position.leads else (*joined, Flag("--headless"))


def transfer_flags(role: str) -> tuple[Flag, ...]:
    """NIXL: prefill produces the cache, decode takes it; lost blocks are computed again, not an error."""
    part = {"prefill": "kv_producer", "decode": "kv_consumer"}[role]
    config = {"kv_connector": "NixlConnector", "kv_role": part, "kv_load_failure_policy": "recompute"}
    return (Flag("--kv-transfer-config", json.dumps(config, separators=(",", ":"))),)


def environment(common: Common, options: Options) -> list[Any]:
    """What the engine reads from its environment."""
    return [
        {"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        # the engine gives up by itself after 600 s: before a longer startup probe would
        {"name": "VLLM_ENGINE_READY_TIMEOUT_S", "value": text(common.timing.startup_seconds)},
        {"name": "VLLM_CACHE_ROOT", "value": f"{MODELS}/vllm"},
        {"name": "VLLM_NO_USAGE_STATS", "value": "1"},
    ]


def transfer_environment() -> list[Any]:
    """NIXL's side channel must be reachable from the other pods."""
    return [
        {"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "VLLM_NIXL_SIDE_CHANNEL_PORT", "value": str(SIDE_CHANNEL_PORT)},
    ]
