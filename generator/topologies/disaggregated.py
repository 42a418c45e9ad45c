"""Prefill and decode in pods of their own, the cache handed from one to the other."""

from __future__ import annotations

from generator.model.axes import Topology
from generator.values.base import Values

NAME = Topology.DISAGGREGATED
ROLES = ("prefill", "decode")
SEVERAL_PODS = False


class Options(Values, frozen=True, kw_only=True):
    """The roles are sized by themselves; nothing is shared."""
