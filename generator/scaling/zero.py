"""Down to no replica when nothing is asked; KEDA's HTTP add-on holds the first request and wakes the model.

Source: kedacore/http-add-on 0.15.0 (InterceptorRoute v1beta1), run against KEDA 2.21.0: the request is
held, replicas are 1 after 0.15 to 0.63 s, and a stream keeps its pod until its last byte. Requests that are held
together all go to the first replica that is ready: the interceptor waits for one endpoint, not for one each.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from generator.contract import Object, Plan, Refusal, RoleView
from generator.model import waves
from generator.model.axes import Scaling, Topology
from generator.objects.keda import Pace, Target, autoscaler, load_trigger
from generator.objects.labels import namespace, of_release
from generator.objects.support import prometheus_authentication
from generator.template.refs import add, filled, negate, when

NAME = Scaling.ZERO
HOLDS_REQUESTS = True
REFUSALS = (
    Refusal(
        scaling=NAME,
        topology=Topology.MULTINODE,
        reason="no series counts the groups of a LeaderWorkerSet, so a gap in the engine's own would read as no load",
        source="kube-state-metrics exports no LeaderWorkerSet; kubernetes-sigs/lws v0.9.0 has no metric of replicas",
    ),
    Refusal(
        scaling=NAME,
        topology=Topology.DISAGGREGATED,
        reason="a request needs both pools, and the interceptor sees ready endpoints of one Service only",
        source="kedacore/http-add-on v0.15.0 InterceptorRoute: one target",
    ),
)


class Options(Pace, frozen=True, kw_only=True):
    """Pace of going down, and of being woken."""

    cooldown_seconds: Annotated[
        int, Meta(ge=1, le=86400, description="Idle time before the last replica goes, at the next look")
    ] = 600
    held_requests: Annotated[
        int,
        Meta(
            ge=1,
            description="Requests in flight, held ones included, that ask for one more replica; those held together "
            "all go to the first replica that is ready (measured: 12 of 12)",
        ),
    ] = 32


class RoleOptions(Target, frozen=True, kw_only=True):
    """Bounds and target of one role."""


def replicas(role: RoleView) -> object:
    """KEDA owns the number."""
    return None


def wake_trigger(plan: Plan) -> dict[str, Any]:
    """The interceptor pushes: it knows of every request before a pod does, and of every stream until it ends."""
    return {
        "type": "external-push",
        "name": "wake",
        "metadata": {
            "scalerAddress": plan.common.platform.keda.scaler_address,
            "interceptorRoute": plan.common.name,
        },
    }


def interceptor_route(plan: Plan) -> Object:
    """What the interceptor holds, for how long, and where it hands it to."""
    common = plan.common
    timing = common.timing
    return Object(
        api="http.keda.sh/v1beta1",
        kind="InterceptorRoute",
        name=common.name,
        labels=of_release(common),
        annotations=waves.annotations("InterceptorRoute"),
        body={
            "spec": {
                "target": {"service": common.name, "port": common.service.port},
                # without a host name of its own the release is known by that of its Service
                "rules": [
                    when(filled(common.route.hostnames), [{"hosts": common.route.hostnames}]),
                    when(
                        negate(filled(common.route.hostnames)),
                        [{"hosts": [f"{common.name}.{namespace(common)}"]}],
                    ),
                ],
                "scalingMetric": {"concurrency": {"targetValue": plan.scaling_options.held_requests}},
                # without the first a client that gave up is never noticed and keeps its model awake
                "timeouts": {
                    "readiness": f"{add(timing.schedule_seconds, timing.startup_seconds)}s",
                    "request": f"{common.route.request_seconds}s",
                    "responseHeader": f"{common.route.request_seconds}s",
                },
            }
        },
    )


def objects(plan: Plan) -> list[Object]:
    """The interceptor's route, then one ScaledObject a role."""
    options, timing = plan.scaling_options, plan.common.timing
    return [
        prometheus_authentication(plan.common),
        interceptor_route(plan),
        *(
            autoscaler(
                plan,
                role,
                minimum=0,
                triggers=[
                    wake_trigger(plan),
                    load_trigger(plan, role, role.scaling.target_requests, can_be_zero=True),
                ],
                extra={
                    "cooldownPeriod": options.cooldown_seconds,
                    # a new object has no last activity: it would go to zero before it was ever up
                    "initialCooldownPeriod": add(timing.startup_seconds, options.cooldown_seconds),
                },
            )
            for role in plan.roles
        ),
    ]
