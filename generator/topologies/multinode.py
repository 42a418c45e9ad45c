"""One replica over several nodes: a leader that answers and workers that follow it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from generator.model.axes import Topology
from generator.values.base import Values

NAME = Topology.MULTINODE
ROLES = ("server",)
SEVERAL_PODS = True


class Options(Values, frozen=True, kw_only=True):
    """How many pods make a replica, and how close they must stand."""

    pods_per_replica: Annotated[int, Meta(ge=2, description="Pods of one replica, the leader among them")] = 2
    together_by: Annotated[
        str,
        Meta(
            description="Node label whose value all pods of a replica share, such as nvidia.com/gpu.clique; "
            "empty: anywhere"
        ),
    ] = ""
