"""Prefill and decode together, one pod a replica."""

from __future__ import annotations

from generator.model.axes import Topology
from generator.values.base import Values

NAME = Topology.AGGREGATED
ROLES = ("server",)
SEVERAL_PODS = False


class Options(Values, frozen=True, kw_only=True):
    """One pod has nothing to arrange."""
