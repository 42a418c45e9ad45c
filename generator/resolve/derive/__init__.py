"""Figures that follow from others: one pure function each, used where no layer sets the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from generator.resolve.context import Context
from generator.resolve.derive import cache, memory, shared_memory, timing
from generator.resolve.layers import Path, Tree


class Figure(msgspec.Struct, frozen=True):
    """One derived field: its path (`*`: every role), its rule in words, and its function."""

    path: Path
    rule: str
    compute: Callable[[Context, Tree, str], Any]


# in this order: a later figure may read an earlier one
FIGURES: tuple[Figure, ...] = (
    Figure(("cache", "size"), cache.RULE, cache.size),
    Figure(("roles", "*", "sharedMemory"), shared_memory.RULE, shared_memory.size),
    Figure(("roles", "*", "resources", "cpu"), memory.CPU_RULE, memory.cpu),
    Figure(("roles", "*", "resources", "memory"), memory.RULE, memory.limit),
    Figure(("timing", "startupSeconds"), timing.STARTUP_RULE, timing.startup),
    Figure(("timing", "drainSeconds"), timing.DRAIN_RULE, timing.drain),
    Figure(("route", "requestSeconds"), timing.REQUEST_RULE, timing.request),
)
