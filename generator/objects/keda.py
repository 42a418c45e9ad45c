"""KEDA's objects: one autoscaler a role, reading what the engine exports.

Queries follow three rules. One outer `sum` gives one element. The `job` label, which the release's own
monitor makes, is the filter: it is on every series and on no other release's. Absence is never no load:
while fewer pods export than are ready, or none does, the query reads at least what the replicas there are
would justify, so nothing is scaled in while Prometheus, a scrape or the engine's start has a gap.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from generator.contract import Object, Plan, RoleView
from generator.model import waves
from generator.objects.labels import namespace, object_name, of_component
from generator.template.refs import filled, text, when
from generator.values.base import Values

Data = dict[str, Any]


class Pace(Values, frozen=True, kw_only=True):
    """How often load is looked at, and how slowly replicas go."""

    polling_seconds: Annotated[int, Meta(ge=1, le=300, description="Time between two looks at the metrics")] = 15
    stabilization_seconds: Annotated[
        int, Meta(ge=0, le=3600, description="Load must stay low this long to scale in")
    ] = 300
    scale_in_period_seconds: Annotated[
        int, Meta(ge=1, le=1800, description="At most one replica goes in this time")
    ] = 60


class Target(Values, frozen=True, kw_only=True):
    """How many replicas at most, and for how much load each."""

    max_replicas: Annotated[int, Meta(ge=1, description="Replicas at most")] = 2
    target_requests: Annotated[
        int, Meta(ge=1, description="Requests, waiting and running, that one replica is meant to have")
    ] = 32


def load_query(plan: Plan, role: RoleView, target: object, *, can_be_zero: bool) -> str:
    """Requests, running and waiting, over all pods of a role; in a gap no less than its replicas are meant to have.

    Where it can be zero, only replicas that are ready count: one that never becomes so keeps no GPU for itself.
    """
    metrics = plan.runtime.metrics
    common = plan.common
    place = namespace(common)
    name = object_name(common, role.name)
    series = f'{{job="{place}/{name}",{metrics.model_label}="{common.model.served_name}"}}'
    workload = f'{{namespace="{place}",deployment="{name}"}}'
    load = f"(sum({metrics.running}{series}) + sum({metrics.waiting}{series}))"
    ready = f"max(kube_deployment_status_replicas_ready{workload})"
    held = ready if can_be_zero else f"max(kube_deployment_status_replicas{workload})"
    # an engine has a series for each of its ranks; pods that still drain count, and may hide another's gap
    exporting = f"sum(group by (pod) ({metrics.running}{series}))"
    gap = f"({held} * {text(target)} unless {exporting} >= {ready})"
    query = f"{gap} > {load} or {load} or {held} * {text(target)}"
    return f"{query} or vector(0)" if can_be_zero else query


def load_trigger(plan: Plan, role: RoleView, target: object, *, can_be_zero: bool) -> Data:
    """One replica for so many requests."""
    prometheus = plan.common.platform.prometheus
    return {
        "type": "prometheus",
        "name": "load",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": prometheus.address,
            "query": load_query(plan, role, target, can_be_zero=can_be_zero),
            "threshold": text(target),
            # an empty answer is a fault, not an idle model
            "ignoreNullValues": "false",
            **when(filled(prometheus.auth_secret), {"authModes": "bearer"}),
        },
        **when(
            filled(prometheus.auth_secret),
            {"authenticationRef": {"name": f"{plan.common.name}-prometheus"}},
        ),
    }


def autoscaler(plan: Plan, role: RoleView, *, minimum: object, triggers: list[Any], extra: Data) -> Object:
    """The ScaledObject of one role: quick up, one replica at a time down."""
    target = plan.stack.scale_target(plan, role.name)
    options = plan.scaling_options
    return Object(
        api="keda.sh/v1alpha1",
        kind="ScaledObject",
        name=object_name(plan.common, role.name),
        title=f"scaledobject-{role.name}",
        labels=of_component(plan.common, role.name),
        annotations={
            # KEDA copies these to its HPA, where a selector by label would find it a second time
            "scaledobject.keda.sh/hpa-excluded-labels": "app.kubernetes.io/managed-by",
            **waves.annotations("ScaledObject"),
        },
        body={
            "spec": {
                "scaleTargetRef": {"apiVersion": target.api, "kind": target.kind, "name": target.name},
                "pollingInterval": options.polling_seconds,
                "minReplicaCount": minimum,
                "maxReplicaCount": role.scaling.max_replicas,
                **extra,
                "advanced": {
                    "horizontalPodAutoscalerConfig": {
                        "behavior": {
                            "scaleDown": {
                                "stabilizationWindowSeconds": options.stabilization_seconds,
                                "policies": [
                                    {
                                        "type": "Pods",
                                        "value": 1,
                                        "periodSeconds": options.scale_in_period_seconds,
                                    }
                                ],
                            }
                        }
                    }
                },
                "triggers": triggers,
            }
        },
    )
