"""Plain Kubernetes: a Deployment a role, or a LeaderWorkerSet where a replica has several pods."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import msgspec

from generator.contract import (
    ALONE,
    LEADER,
    WORKER,
    Engine,
    Flag,
    Object,
    Plan,
    Position,
    Refusal,
    RoleView,
    Runtime,
    Target,
)
from generator.model import axes, waves
from generator.objects import support, vllm_router
from generator.objects.labels import object_name, of_component, selector
from generator.objects.pod import engine_pod
from generator.template.refs import add, equals, filled, text, when
from generator.values.base import Values
from generator.values.common import Common

NAME = axes.Stack.KUBERNETES
REFUSALS: tuple[Refusal, ...] = ()
COMMON = Common

LEADER_LABEL = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"

# by engine: the program that leads a request through both pools
ROUTERS: dict[axes.Engine, ModuleType] = {axes.Engine.VLLM: vllm_router}


class Nothing(Values, frozen=True, kw_only=True):
    """One pool needs nothing besides its Service."""


def options(engine: axes.Engine, topology: axes.Topology) -> type[msgspec.Struct]:
    """A pair of pools has a router; one pool has nothing to set."""
    if topology is axes.Topology.DISAGGREGATED and engine in ROUTERS:
        router: type[msgspec.Struct] = ROUTERS[engine].Options
        return router
    return Nothing


def runtime(engine: Engine) -> Runtime:
    """The engine's own image, as its project publishes it."""
    return engine.RUNTIME


def workload_name(plan: Plan, role: str) -> str:
    """Name the workload of a role.

    The controller of a LeaderWorkerSet wants a headless Service of the set's own name, and takes an existing one as
    it is: the set must not share the name of the Service that clients use.
    """
    name = object_name(plan.common, role)
    return f"{name}-group" if plan.topology.SEVERAL_PODS else name


def scale_target(plan: Plan, role: str) -> Target:
    """The workload of the role."""
    name = workload_name(plan, role)
    if plan.topology.SEVERAL_PODS:
        return Target("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", name)
    return Target("apps/v1", "Deployment", name)


def _pair(plan: Plan) -> bool:
    return len(plan.topology.ROLES) > 1


def _flags(plan: Plan, role: RoleView, more: tuple[Flag, ...] = ()) -> tuple[Flag, ...]:
    own = plan.engine.flags(plan.common, plan.engine_options, role)
    return (*own, *more, *(plan.engine.transfer_flags(role.name) if _pair(plan) else ()))


def _environment(plan: Plan) -> list[Any]:
    own = plan.engine.environment(plan.common, plan.engine_options)
    return [*own, *(plan.engine.transfer_environment() if _pair(plan) else [])]


def _replicas(plan: Plan, role: RoleView) -> dict[str, Any]:
    count = plan.scaling.replicas(role)
    return {} if count is None else {"replicas": count}


def deployment(plan: Plan, role: RoleView) -> Object:
    """One pod a replica."""
    timing = plan.common.timing
    return Object(
        api="apps/v1",
        kind="Deployment",
        name=workload_name(plan, role.name),
        title=f"deployment-{role.name}",
        labels=of_component(plan.common, role.name),
        annotations=waves.annotations("Deployment"),
        body={
            "spec": {
                **_replicas(plan, role),
                **support.strategy(plan),
                "progressDeadlineSeconds": add(timing.schedule_seconds, timing.startup_seconds),
                "selector": {"matchLabels": selector(plan.common, role.name)},
                "template": engine_pod(plan, role, _flags(plan, role), _environment(plan), ALONE),
            }
        },
    )


def _group_rollout(plan: Plan) -> dict[str, Any]:
    """How groups are replaced; a set has no strategy that ends all first, but may end all at once."""

    def rolling(surge: int, unavailable: object) -> dict[str, Any]:
        figures = {"maxSurge": surge, "maxUnavailable": unavailable}
        return {"rolloutStrategy": {"type": "RollingUpdate", "rollingUpdateConfiguration": figures}}

    rollout = plan.common.rollout
    return {
        **when(equals(rollout, "in-place"), rolling(0, 1)),
        **when(equals(rollout, "surge"), rolling(1, 0)),
        **when(equals(rollout, "recreate"), rolling(0, "100%")),
    }


def leader_worker_set(plan: Plan, role: RoleView) -> Object:
    """Several pods a replica: a leader that answers, workers that follow, all restarted together."""
    options = plan.topology_options

    def pod(position: Position) -> dict[str, Any]:
        joined = plan.engine.group_flags(role, position, options.pods_per_replica)
        return engine_pod(plan, role, _flags(plan, role, joined), _environment(plan), position)

    together = when(filled(options.together_by), {EXCLUSIVE: options.together_by})
    return Object(
        api="leaderworkerset.x-k8s.io/v1",
        kind="LeaderWorkerSet",
        name=workload_name(plan, role.name),
        title=f"leaderworkerset-{role.name}",
        labels=of_component(plan.common, role.name),
        annotations={
            **waves.annotations("LeaderWorkerSet"),
            waves.PROGRESS_DEADLINE: text(add(plan.common.timing.schedule_seconds, plan.common.timing.startup_seconds)),
            **together,
        },
        body={
            "spec": {
                **_replicas(plan, role),
                "startupPolicy": "LeaderCreated",
                **_group_rollout(plan),
                "leaderWorkerTemplate": {
                    "size": options.pods_per_replica,
                    "restartPolicy": "RecreateGroupOnPodRestart",
                    "leaderTemplate": pod(LEADER),
                    "workerTemplate": pod(WORKER),
                },
            }
        },
    )


def objects(plan: Plan) -> list[Object]:
    """Account, secrets, weights, workloads, and what stands in front of them."""
    common = plan.common
    leads = LEADER_LABEL if plan.topology.SEVERAL_PODS else {}
    workload = leader_worker_set if plan.topology.SEVERAL_PODS else deployment
    entry = vllm_router.COMPONENT_NAME if _pair(plan) else plan.roles[0].name
    out = [
        support.service_account(common),
        *support.secrets(common),
        support.cache_claim(common),
        support.service(common, entry, leads),
        support.route(plan),
    ]
    for role in plan.roles:
        out += [
            workload(plan, role),
            support.network_policy(plan, role.name, clients=not _pair(plan)),
            support.disruption_budget(common, role.name, leads),
            support.pod_monitor(plan, role.name, path=plan.runtime.metrics.path, extra_selector=leads),
        ]
    if _pair(plan):
        out += ROUTERS[plan.recipe.engine].objects(plan)
    return out
