"""Which release of an engine a release of a program around it carries, and who says so.

The flags that work are those of the carried release, not of the newest one.
"""

from __future__ import annotations

import msgspec


class Carrier(msgspec.Struct, frozen=True):
    """One release of a stack or server, the engines inside it, and the source of the pairs."""

    program: str
    release: str
    engines: dict[str, str]
    source: str


CARRIERS = (
    Carrier(
        "dynamo",
        "1.6.1",
        {"vllm": "0.31.0", "sglang": "0.5.21", "tensorrt-llm": "1.3.0rc29"},
        "the extras in the metadata of the wheel ai-dynamo 1.6.1",
    ),
    Carrier(
        "triton",
        "2.71.0",
        # the container's own build of vLLM: 0.24.0+092c4842.nv26.7
        {"vllm": "0.24.0", "tensorrt-llm": "1.2.1"},
        "triton-inference-server/server docs/introduction/compatibility.md @e1db8a60, containers 26.07",
    ),
)


def carrier(program: str, release: str) -> Carrier | None:
    """Find what a release carries; None if nobody has read it."""
    return next((c for c in CARRIERS if (c.program, c.release) == (program, release)), None)
