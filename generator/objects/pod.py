"""The pod of an engine, written once for every stack, topology and role."""

from __future__ import annotations

from typing import Any

from generator.contract import Flag, Plan, Position, RoleView, Runtime
from generator.objects.labels import of_component
from generator.template.refs import (
    add,
    both,
    ceil_div,
    each,
    equals,
    filled,
    negate,
    spread,
    text,
    when,
)
from generator.values.common import Common, Image

Data = dict[str, Any]

# label of a node with GPUs; Source: NVIDIA gpu-feature-discovery
PRODUCT = "nvidia.com/gpu.product"

# A kubelet looks in these steps, and asks for readiness at once when the start is over: that long a started engine may
# stay unseen, while a request is held for it. Source: k8s.io/kubernetes v1.37.2 pkg/kubelet/prober/worker.go.
STARTUP_PERIOD_SECONDS = 2
# an engine that has drained still ends its workers; vLLM waits 5 s for them
EXIT_SECONDS = 10
MODELS = "/models"
WEIGHTS = "/weights"


def container_image(value: Image) -> Data:
    """The entry of a container that names its image: by digest where one is set, else by tag."""
    return {
        **when(filled(value.digest), {"image": f"{value.repository}@{value.digest}"}),
        **when(negate(filled(value.digest)), {"image": f"{value.repository}:{value.tag}"}),
    }


def arguments(common: Common, runtime: Runtime, flags: tuple[Flag, ...], role: RoleView) -> list[Any]:
    """Spell an engine's arguments: the model, each flag as two items, then the user's own."""
    model: list[Any] = [
        when(filled(common.model.path), [common.model.path]),
        when(negate(filled(common.model.path)), [common.model.id]),
    ]
    out = model if runtime.positional_model else [runtime.model_flag, *model]
    for flag in flags:
        items = [flag.name] if flag.value is None else [flag.name, flag.value]
        out += [when(flag.condition, items)] if flag.condition is not None else items
    return [*out, role.values.extra_args]


def _secret(name: str, secret: object, key: object) -> Data:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def secret_environment(common: Common, variable: str, which: str) -> list[Any]:
    """A variable from a Secret: one that exists, or the release's own, filled from the store."""
    source = getattr(common.security, which)
    own = f"{common.name}-{which.replace('_', '-')}"
    return [
        when(filled(source.secret), [_secret(variable, source.secret, source.key)]),
        when(
            both(negate(filled(source.secret)), filled(source.remote_key)),
            [_secret(variable, own, source.key)],
        ),
    ]


def hub_environment(common: Common) -> list[Any]:
    """How the pod reaches the hub and where it keeps what it loads."""
    platform = common.platform
    return [
        {"name": "HF_HOME", "value": f"{MODELS}/hub"},
        *secret_environment(common, "HF_TOKEN", "token"),
        when(filled(platform.hub_endpoint), [{"name": "HF_ENDPOINT", "value": platform.hub_endpoint}]),
        when(
            filled(platform.https_proxy),
            [
                {"name": "HTTPS_PROXY", "value": platform.https_proxy},
                {"name": "NO_PROXY", "value": platform.no_proxy},
            ],
        ),
        when(filled(platform.ca_bundle), [{"name": "SSL_CERT_FILE", "value": "/etc/ssl/bundle/ca.crt"}]),
    ]


def http_probe(path: str, *, timeout: int, period: object, failures: object, port: str = "http") -> Data:
    """Ask over HTTP, always with an explicit timeout."""
    return {
        "httpGet": {"path": path, "port": port},
        "timeoutSeconds": timeout,
        "periodSeconds": period,
        "failureThreshold": failures,
    }


def probes(common: Common, runtime: Runtime) -> Data:
    """Startup, readiness and liveness, all written from the one startup budget and the runtime's paths."""
    alive, ready, port = runtime.probes.alive, runtime.probes.ready, runtime.port_name
    slow = runtime.probes.alive_timeout_seconds
    return {
        "startupProbe": http_probe(
            ready,
            # no longer than the period: an attempt that hangs must not lengthen the budget
            timeout=STARTUP_PERIOD_SECONDS,
            period=STARTUP_PERIOD_SECONDS,
            failures=ceil_div(common.timing.startup_seconds, STARTUP_PERIOD_SECONDS),
            port=port,
        ),
        "readinessProbe": http_probe(ready, timeout=5, period=5, failures=3, port=port),
        "livenessProbe": http_probe(alive, timeout=slow, period=slow + 5, failures=4, port=port),
    }


def resources(role: RoleView) -> Data:
    """Requests and limits: memory alike, GPUs only where there are any."""
    gpu = role.values.accelerator
    rdma = role.values.rdma
    return {
        "requests": {"cpu": role.values.resources.cpu, "memory": role.values.resources.memory},
        "limits": {
            "memory": role.values.resources.memory,
            **when(filled(gpu.count), {gpu.resource: text(gpu.count)}),
            **when(filled(rdma.resource), {rdma.resource: text(rdma.count)}),
        },
    }


def engine_container(
    plan: Plan, role: RoleView, flags: tuple[Flag, ...], environment: list[Any], position: Position
) -> Data:
    """The container that serves; one that does not lead a replica has no server to ask."""
    common, runtime = plan.common, plan.runtime
    return {
        "name": runtime.container,
        **container_image(common.image),
        "imagePullPolicy": common.image.pull_policy,
        **({"command": list(runtime.command)} if runtime.command else {}),
        "args": arguments(common, runtime, flags, role),
        "env": [*hub_environment(common), *environment, *_api_key(common, runtime), role.values.extra_env],
        **(
            {"ports": [{"name": runtime.port_name, "containerPort": runtime.port}], **probes(common, runtime)}
            if position.leads
            else {}
        ),
        "lifecycle": {"preStop": {"sleep": {"seconds": common.timing.pre_stop_seconds}}},
        "resources": resources(role),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {
                "drop": ["ALL"],
                **when(filled(role.values.rdma.resource), {"add": ["IPC_LOCK"]}),
            },
        },
        "volumeMounts": [
            {"name": "models", "mountPath": MODELS},
            *weights_mount(common),
            *_shared_memory(runtime, role, {"name": "shm", "mountPath": "/dev/shm"}),
            *bundle_mount(common),
        ],
    }


def _api_key(common: Common, runtime: Runtime) -> list[Any]:
    variable = runtime.api_key_variable
    return secret_environment(common, variable, "api_key") if variable else []


def _shared_memory(runtime: Runtime, role: RoleView, item: Data) -> list[Any]:
    return [when(filled(role.values.shared_memory), [item])] if runtime.shared_memory else []


def bundle_mount(common: Common) -> list[Any]:
    """The certificates that the cluster trusts, in a container."""
    bundle = {"name": "ca-bundle", "mountPath": "/etc/ssl/bundle", "readOnly": True}
    return [when(filled(common.platform.ca_bundle), [bundle])]


def bundle_volume(common: Common) -> list[Any]:
    """The same, in its pod."""
    bundle = common.platform.ca_bundle
    return [when(filled(bundle), [{"name": "ca-bundle", "configMap": {"name": bundle}}])]


def weights_mount(common: Common) -> list[Any]:
    """An image with weights is mounted beside the folder that caches are written to."""
    image = {"name": "weights", "mountPath": WEIGHTS, "readOnly": True}
    return [when(equals(common.cache.kind, "image"), [image])]


def models_volumes(common: Common) -> list[Any]:
    """Where weights and caches lie: a claim, or a folder of the pod; with an image, the weights apart."""
    kind = common.cache.kind
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": f"{common.name}-models"}}
    folder = {"name": "models", "emptyDir": {"sizeLimit": common.cache.size}}
    image = {"reference": common.cache.image, "pullPolicy": common.image.pull_policy}
    return [
        when(equals(kind, "claim"), [claim]),
        when(negate(equals(kind, "claim")), [folder]),
        when(equals(kind, "image"), [{"name": "weights", "image": image}]),
    ]


def volumes(common: Common, runtime: Runtime, role: RoleView) -> list[Any]:
    """Weights, shared memory and certificates."""
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": role.values.shared_memory}}
    return [*models_volumes(common), *_shared_memory(runtime, role, shm), *bundle_volume(common)]


def affinity(role: RoleView) -> Data:
    """Keep to the GPU products that the role was sized for."""
    gpu = role.values.accelerator
    term = {"matchExpressions": [{"key": PRODUCT, "operator": "In", "values": gpu.products}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    own = role.values.affinity
    return {
        "affinity": {
            **when(filled(own.node_affinity), {"nodeAffinity": own.node_affinity}),
            **when(both(negate(filled(own.node_affinity)), filled(gpu.products)), {"nodeAffinity": required}),
            "podAffinity": own.pod_affinity,
            "podAntiAffinity": own.pod_anti_affinity,
        }
    }


def security(common: Common) -> Data:
    """Whom the pod runs as."""
    who = common.security
    return {
        "seccompProfile": {"type": "RuntimeDefault"},
        **when(
            filled(who.run_as_user),
            {"runAsNonRoot": True, "runAsUser": who.run_as_user, "runAsGroup": who.run_as_group},
        ),
        **when(filled(who.fs_group), {"fsGroup": who.fs_group, "fsGroupChangePolicy": "OnRootMismatch"}),
    }


def placement(common: Common, role: RoleView) -> Data:
    """Where the pod may run."""
    priority = common.platform.priority_class
    return {
        "nodeSelector": {"kubernetes.io/arch": role.values.architecture, **spread(role.values.node_selector)},
        **affinity(role),
        "tolerations": [role.values.tolerations, common.platform.tolerations],
        **when(filled(priority), {"priorityClassName": priority}),
    }


def pull_secrets(common: Common) -> list[Any]:
    """Secrets for pulling images, by name."""
    return [each(common.platform.pull_secrets, lambda name: [{"name": name}])]


def grace_seconds(common: Common, exit_seconds: int = EXIT_SECONDS) -> int:
    """Wait, drain, and a little to exit: always longer than what happens inside."""
    return add(common.timing.pre_stop_seconds, common.timing.drain_seconds, exit_seconds)


def engine_pod(
    plan: Plan,
    role: RoleView,
    flags: tuple[Flag, ...],
    environment: list[Any],
    position: Position,
    *,
    account: Data | None = None,
    annotations: Data | None = None,
) -> Data:
    """The pod template of one role at one position.

    Without `account` it runs under the release's own, which has no token.
    """
    common = plan.common
    own_account = {"serviceAccountName": common.name, "automountServiceAccountToken": False}
    return {
        "metadata": {
            "labels": of_component(common, role.name),
            "annotations": {
                "modelyard.dev/model": common.model.served_name,
                **(annotations or {}),
                **spread(role.values.pod_annotations),
            },
        },
        "spec": {
            **(own_account if account is None else account),
            # a Service called like the engine would set variables that the engine refuses
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace_seconds(common, plan.runtime.exit_seconds),
            "imagePullSecrets": pull_secrets(common),
            "securityContext": security(common),
            **placement(common, role),
            "containers": [engine_container(plan, role, flags, environment, position)],
            "volumes": volumes(common, plan.runtime, role),
        },
    }
