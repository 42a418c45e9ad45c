"""vllm-router: hands a request to a prefill pod, then to a decode pod. A plain Service cannot.

Source: PyPI vllm-router 0.1.17 (its parser executed; run against two stand-in engines).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from generator.contract import Object, Plan
from generator.model import waves
from generator.objects.labels import COMPONENT, INSTANCE, namespace, object_name, of_component, selector
from generator.objects.pod import (
    EXIT_SECONDS,
    container_image,
    http_probe,
    pull_secrets,
)
from generator.objects.support import disruption_budget, network_policy, pod_monitor
from generator.template.refs import add, filled, text, when
from generator.values.base import Quantity, Values
from generator.values.common import Image

Data = dict[str, Any]

COMPONENT_NAME = "router"
PORT = 8000
METRICS_PORT = 29000


class RouterOptions(Values, frozen=True, kw_only=True):
    """The router between clients and the two pools."""

    image: Annotated[Image, Meta(description="The router's image")] = Image(
        repository="docker.io/vllm/vllm-router", tag="v0.1.17"
    )
    replicas: Annotated[int, Meta(ge=1, description="Routers")] = 2
    cpu: Annotated[Quantity, Meta(description="CPUs requested")] = "1"
    memory: Annotated[Quantity, Meta(description="Memory requested and its limit")] = "1Gi"
    health_check_seconds: Annotated[
        int, Meta(ge=1, description="Time between two looks at a pod; three failures take it out")
    ] = 10


class Options(Values, frozen=True, kw_only=True):
    """What plain Kubernetes adds to a pair of pools."""

    router: Annotated[RouterOptions, Meta(description="The router between clients and the two pools")] = RouterOptions()


def _selector(plan: Plan, role: str) -> list[str]:
    return [f"{INSTANCE}={plan.common.name}", f"{COMPONENT}={role}"]


def arguments(plan: Plan, port: int) -> list[Any]:
    """Discover both pools by their labels in the release's namespace."""
    options = plan.stack_options.router
    return [
        "--host",
        "0.0.0.0",
        "--port",
        str(PORT),
        "--prometheus-host",
        "0.0.0.0",
        "--prometheus-port",
        str(METRICS_PORT),
        "--vllm-pd-disaggregation",
        "--kv-connector",
        "nixl",
        "--service-discovery",
        "--service-discovery-namespace",
        namespace(plan.common),
        "--service-discovery-port",
        str(port),
        "--prefill-selector",
        *_selector(plan, "prefill"),
        "--decode-selector",
        *_selector(plan, "decode"),
        "--health-check-interval-secs",
        text(options.health_check_seconds),
        "--request-timeout-secs",
        text(plan.common.route.request_seconds),
    ]


def objects(plan: Plan) -> list[Object]:
    """The router's Deployment, its account that may list pods, and what guards it."""
    common, options = plan.common, plan.stack_options.router
    name = object_name(common, COMPONENT_NAME)
    labels = of_component(common, COMPONENT_NAME)
    container = {
        "name": "vllm-router",
        **container_image(options.image),
        "imagePullPolicy": options.image.pull_policy,
        "command": ["vllm-router"],
        "args": arguments(plan, plan.runtime.port),
        "ports": [
            {"name": "http", "containerPort": PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
        ],
        "startupProbe": http_probe("/liveness", timeout=5, period=5, failures=24),
        # ready once there is a healthy pod in both pools
        "readinessProbe": http_probe("/readiness", timeout=5, period=10, failures=3),
        "livenessProbe": http_probe("/liveness", timeout=5, period=10, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": common.timing.pre_stop_seconds}}},
        "resources": {
            "requests": {"cpu": options.cpu, "memory": options.memory},
            "limits": {"memory": options.memory},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "metadata": {"labels": labels},
        "spec": {
            "serviceAccountName": name,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": add(
                common.timing.pre_stop_seconds, common.timing.drain_seconds, EXIT_SECONDS
            ),
            "imagePullSecrets": pull_secrets(common),
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "nodeSelector": {"kubernetes.io/arch": common.platform.helper_architecture},
            "tolerations": [common.platform.tolerations],
            **when(filled(common.platform.priority_class), {"priorityClassName": common.platform.priority_class}),
            "containers": [container],
        },
    }
    return [
        Object(
            api="v1",
            kind="ServiceAccount",
            name=name,
            title="serviceaccount-router",
            labels=labels,
            annotations=waves.annotations("ServiceAccount"),
            body={"automountServiceAccountToken": True},
        ),
        Object(
            api="rbac.authorization.k8s.io/v1",
            kind="Role",
            name=name,
            labels=labels,
            annotations=waves.annotations("Role"),
            body={"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]},
        ),
        Object(
            api="rbac.authorization.k8s.io/v1",
            kind="RoleBinding",
            name=name,
            labels=labels,
            annotations=waves.annotations("RoleBinding"),
            body={
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace(common)}],
            },
        ),
        Object(
            api="apps/v1",
            kind="Deployment",
            name=name,
            title="deployment-router",
            labels=labels,
            annotations=waves.annotations("Deployment"),
            body={
                "spec": {
                    "replicas": options.replicas,
                    "selector": {"matchLabels": selector(common, COMPONENT_NAME)},
                    # its own start is quick, but it is not ready before the first pods of both pools are
                    "progressDeadlineSeconds": add(common.timing.schedule_seconds, common.timing.startup_seconds, 600),
                    "template": pod,
                }
            },
        ),
        network_policy(plan, COMPONENT_NAME, clients=True),
        disruption_budget(common, COMPONENT_NAME),
        pod_monitor(plan, COMPONENT_NAME, port="metrics"),
    ]
