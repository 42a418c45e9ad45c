"""llm-d-inference-sim: plays a vLLM replica without a GPU, API, metrics and time to start alike.

Its objects equal vLLM's but for image, GPU, flags and the path of readiness, so that a release can be rehearsed.
Source: Go module github.com/llm-d/llm-d-inference-sim v0.10.2 (run): Dockerfile, pkg/communication, pkg/common.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from generator.contract import Flag, Position, Refusal, RoleView
from generator.engines import vllm
from generator.model.axes import Engine, Task, Topology
from generator.template.refs import filled, text
from generator.values.base import Values
from generator.values.common import Common

NAME = Engine.SIMULATOR
# it answers 404 to reranking, scoring and transcription
TASKS = frozenset((Task.CHAT, Task.EMBEDDING))
NEEDS_GPU = False
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

RUNTIME = msgspec.structs.replace(
    vllm.RUNTIME,
    engine=NAME,
    program="llm-d-inference-sim",
    positional_model=False,
    # /health is 200 from the first moment and /ready too (deprecated); only this one waits for --startup-duration
    probes=msgspec.structs.replace(vllm.RUNTIME.probes, ready="/health/ready"),
    user=65532,
    group=65532,
    fs_group=65532,
)

# Taken over although it reads none of these variables, nor asks for the API key: a rehearsal meets the same Secrets.
environment = vllm.environment


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
        Flag("--port", str(RUNTIME.port), server=True),
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


def transfer_environment() -> list[Any]:
    """No chart hands a cache over: REFUSALS."""
    return []
