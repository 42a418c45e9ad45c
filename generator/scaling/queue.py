"""Replicas follow the requests that wait and run: KEDA reads the engine's own gauges.

Source: kedacore/keda 2.21 Prometheus scaler and scale executor; semantics as tested on synthetic series.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from generator.contract import Object, Plan, Refusal, RoleView
from generator.model.axes import Scaling, Topology
from generator.objects.keda import Pace, Target, autoscaler, load_trigger
from generator.objects.support import prometheus_authentication

NAME = Scaling.QUEUE
HOLDS_REQUESTS = False
REFUSALS = (
    Refusal(
        scaling=NAME,
        topology=Topology.MULTINODE,
        reason="no series counts the groups of a LeaderWorkerSet, so a gap in the engine's own would read as no load",
        source="kube-state-metrics exports no LeaderWorkerSet; kubernetes-sigs/lws v0.9.0 has no metric of replicas",
    ),
)


class Options(Pace, frozen=True, kw_only=True):
    """Pace of all roles."""


class RoleOptions(Target, frozen=True, kw_only=True):
    """Bounds and target of one role."""

    min_replicas: Annotated[int, Meta(ge=1, description="Replicas at no load")] = 1


def replicas(role: RoleView) -> object:
    """KEDA owns the number."""
    return None


def objects(plan: Plan) -> list[Object]:
    """One ScaledObject a role, and the way to ask Prometheus."""
    return [
        prometheus_authentication(plan.common),
        *(
            autoscaler(
                plan,
                role,
                minimum=role.scaling.min_replicas,
                triggers=[load_trigger(plan, role, role.scaling.target_requests, can_be_zero=False)],
                extra={},
            )
            for role in plan.roles
        ),
    ]
