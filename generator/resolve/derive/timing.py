"""How long things may take: start, answer, drain."""

from __future__ import annotations

import math

from generator.model.axes import Task
from generator.resolve.context import Context
from generator.resolve.layers import Tree, find

STARTUP_RULE = "weights at 200 MiB/s from the hub and again at the storage's speed, 10 minutes to warm up, x 1.5"
DRAIN_RULE = (
    "an answer of 32768 tokens, or as many as the context has, at 20 tokens a second; 300 s at least, and no more "
    "than the program may wait"
)
REQUEST_RULE = "the longest answer; where requests are held for a model that wakes, its start besides"

# What a pod gets from the hub over a good line; the first start downloads, later ones read the volume.
DOWNLOAD_MIB_PER_S = 200
# compiling and capturing graphs; public reports for large models lie between 2 and 8 minutes
WARM_UP_S = 600
MARGIN = 1.5
LIGHT_S = 120

TOKENS_PER_S = 20
LONGEST_ANSWER_TOKENS = 32768
SHORTEST_S = 300


def _round(seconds: float, step: int) -> int:
    return math.ceil(seconds / step) * step


def startup(context: Context, values: Tree, role: str) -> int:
    """Download, read, warm up, with a margin; in whole minutes."""
    if not context.needs_weights:
        return LIGHT_S
    weights_mib = (context.weights_gib or 0.0) * 1024
    storage = context.environment.value.storage
    read = storage.classes[storage.default].read_mib_per_s if storage else DOWNLOAD_MIB_PER_S
    seconds = weights_mib / DOWNLOAD_MIB_PER_S + weights_mib / read + WARM_UP_S
    return _round(seconds * MARGIN, 60)


def _answer(context: Context, values: Tree) -> int:
    if context.model.value.capabilities.task is not Task.CHAT:
        return SHORTEST_S
    _, tokens = find(values, ("model", "contextTokens"))
    longest = min(tokens or LONGEST_ANSWER_TOKENS, LONGEST_ANSWER_TOKENS)
    return max(SHORTEST_S, _round(longest / TOKENS_PER_S, 60))


def drain(context: Context, values: Tree, role: str) -> int:
    """A pod that goes finishes what it has begun: the longest answer, or as long as its program may wait."""
    return min(_answer(context, values), context.longest_drain_seconds or _answer(context, values))


def request(context: Context, values: Tree, role: str) -> int:
    """What a client may wait for: the answer, and the start of a model that was at zero."""
    timing = values["timing"]
    held = timing["scheduleSeconds"] + timing["startupSeconds"] if context.holds_requests else 0
    return int(max(_answer(context, values), timing["drainSeconds"]) + held)
