"""llm-d-inference-sim: plays a vLLM replica without a GPU, API, metrics and time to start alike.

Its objects equal vLLM's but for image, GPU, flags and the path of readiness, so that a release can be rehearsed; a
test compares them.
Source: Go module github.com/llm-d/llm-d-inference-sim v0.10.2 (run): Dockerfile, pkg/communication, pkg/common.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from generator.contract import Flag, Metrics, Position, Probes, Refusal, RoleView, Runtime
from generator.model.axes import Engine, Task, Topology
from generator.objects.pod import MODELS
from generator.template.refs import filled, text
from generator.values.base import Values
from generator.values.common import Common

NAME = Engine.SIMULATOR
# it answers 404 to reranking, scoring and transcription
TASKS = frozenset((Task.CHAT, Task.EMBEDDING))
NEEDS_GPU = False
MEMORY = None
REFUSALS = (
    Refusal(
        engine=NAME,
        topology=Topology.MULTINODE,
        reason="one process plays a whole replica, and no flag makes several of them one",
        source="llm-d/llm-d-inference-sim v0.10.2 docs/configuration.md",
    ),
    Refusal(
        engine=NAME,
        topology=Topology.DISAGGREGATED,
        reason="it has no --kv-transfer-config that would tell prefill from decode, and two pools of it behind "
        "vllm-router have not been tried",
        source="llm-d/llm-d-inference-sim v0.10.2 docs/configuration.md",
    ),
)

PORT = 8000

RUNTIME = Runtime(
    engine=NAME,
    program="llm-d-inference-sim",
    port=PORT,
    # it asks for no key, but a rehearsal meets the same Secret
    api_key_variable="VLLM_API_KEY",
    # /health is 200 from the first moment and /ready too (deprecated); only this one waits for --startup-duration
    probes=Probes(alive="/health", ready="/health/ready", alive_timeout_seconds=10, others=("/ready",)),
    metrics=Metrics(running="vllm:num_requests_running", waiting="vllm:num_requests_waiting"),
    # the user of its image
    user=65532,
    group=65532,
    fs_group=65532,
)


class Options(Values, frozen=True, kw_only=True):
    """What is simulated, for the whole release."""

    mode: Annotated[
        Literal["random", "echo"], Meta(description="Answer with sentences from a list, or with the question")
    ] = "random"
    startup_seconds: Annotated[int, Meta(ge=0, description="Time from start to ready, as if weights were loaded")] = 0
    time_to_first_token_ms: Annotated[int, Meta(ge=0, description="Time to the first token, milliseconds")] = 100
    inter_token_latency_ms: Annotated[int, Meta(ge=0, description="Time between two tokens, milliseconds")] = 10
    time_factor_under_load: Annotated[
        float, Meta(ge=1, description="How much slower a full batch answers than a single request")
    ] = 1.0


class RoleOptions(Values, frozen=True, kw_only=True):
    """What is simulated, for one role."""

    max_num_seqs: Annotated[int, Meta(ge=1, description="Requests that are answered at a time; others wait")] = 256


def task_options(task: Task) -> dict[str, Any]:
    """One process answers every task it knows."""
    return {}


def flags(common: Common, options: Options, role: RoleView) -> tuple[Flag, ...]:
    """The flags of one simulator. Tensor, pipeline and data parallelism have nothing to split."""
    return (
        Flag("--served-model-name", common.model.served_name),
        Flag("--port", str(PORT), server=True),
        # otherwise it asks the hub for the model at start, and then wants a tokenizer service beside it
        Flag("--force-dummy-tokenizer"),
        # its own default is 1024 tokens
        Flag("--max-model-len", text(common.model.context_tokens), filled(common.model.context_tokens)),
        Flag("--max-num-seqs", text(role.engine.max_num_seqs)),
        Flag("--mode", options.mode),
        Flag("--startup-duration", f"{options.startup_seconds}s"),
        Flag("--time-to-first-token", f"{options.time_to_first_token_ms}ms"),
        Flag("--inter-token-latency", f"{options.inter_token_latency_ms}ms"),
        Flag("--time-factor-under-load", text(options.time_factor_under_load)),
        # It drains for 30 s at most, whatever the grace period: answers that take longer are cut. No flag changes it.
    )


def group_flags(role: RoleView, position: Position, size: object) -> tuple[Flag, ...]:
    """No chart has several pods a replica: REFUSALS."""
    return ()


def transfer_flags(role: str) -> tuple[Flag, ...]:
    """No chart hands a cache over: REFUSALS."""
    return ()


def environment(common: Common, options: Options) -> list[Any]:
    """The variables of vLLM, of which it reads none: its pods are to differ in nothing that need not differ."""
    return [
        {"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "VLLM_ENGINE_READY_TIMEOUT_S", "value": text(common.timing.startup_seconds)},
        {"name": "VLLM_CACHE_ROOT", "value": f"{MODELS}/vllm"},
        {"name": "VLLM_NO_USAGE_STATS", "value": "1"},
    ]


def transfer_environment() -> list[Any]:
    """No chart hands a cache over: REFUSALS."""
    return []
