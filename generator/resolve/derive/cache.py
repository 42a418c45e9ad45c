"""Room for the weights on a volume."""

from __future__ import annotations

import math

from generator.model.units import of_gib
from generator.resolve.context import Context
from generator.resolve.layers import Tree

RULE = "weights x 1.2 + 10 GiB"
# a new revision is written beside the old one file by file, and compile caches lie there too
GROWTH = 1.2
FLOOR_GIB = 10


def size(context: Context, values: Tree, role: str) -> str:
    """Weights with room to replace a part of them; in whole tens, so that small changes keep the claim."""
    gib = (context.weights_gib or 0.0) * GROWTH + FLOOR_GIB
    return of_gib(math.ceil(gib / 10) * 10)
