"""NVIDIA Dynamo: one DynamoGraphDeployment; its operator makes Deployments, Services and accounts of it.

Source: PyPI ai-dynamo and ai-dynamo-runtime 1.6.1 (parsers, shutdown code; frontend and stand-in workers run on
loopback); ai-dynamo/dynamo main @ 2a6da14c deploy/operator; docs.nvidia.com/dynamo, rolling updates and observability.
"""

from __future__ import annotations

import typing
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from generator.contract import ALONE, Engine, Flag, Object, Plan, Probes, Refusal, RoleView, Runtime, Target
from generator.model import axes, waves
from generator.objects import support
from generator.objects.labels import of_component, of_release
from generator.objects.pod import (
    MODELS,
    bundle_mount,
    bundle_volume,
    container_image,
    engine_pod,
    grace_seconds,
    http_probe,
    hub_environment,
    pull_secrets,
    security,
)
from generator.template.refs import add, both, either, equals, filled, negate, or_else, text, when
from generator.values.base import Quantity, Values
from generator.values.common import Common, Image, Security

Data = dict[str, Any]

NAME = axes.Stack.DYNAMO
API = "nvidia.com/v1beta1"

FRONTEND = "frontend"
# the operator's Service and its container port; neither can be chosen
FRONTEND_PORT = 8000
SYSTEM_PORT = 9090

# After the drain the runtime waits for what is left: by itself 900 s, far beyond any grace period. It must fit into
# the seconds that a pod has besides waiting and draining (objects.pod.EXIT_SECONDS).
RUNTIME_EXIT_SECONDS = 5

DISCOVERY = "nvidia.com/dynamo-discovery-backend"
GROVE = "nvidia.com/enable-grove"
METRICS = "nvidia.com/enable-metrics"
STRATEGY = "nvidia.com/deployment-strategy"
MAX_SURGE = "nvidia.com/deployment-rolling-update-max-surge"
MAX_UNAVAILABLE = "nvidia.com/deployment-rolling-update-max-unavailable"
NAMESPACE_LABEL = "__meta_kubernetes_pod_label_nvidia_com_dynamo_namespace"

TYPES: dict[str, str] = {"server": "worker", "prefill": "prefill", "decode": "decode"}


class Spelling(msgspec.Struct, frozen=True):
    """How Dynamo spells a flag of an engine's own server, and the option that may replace its value."""

    name: str
    option: str = ""


class Worker(msgspec.Struct, frozen=True):
    """One engine inside Dynamo."""

    program: str
    command: tuple[str, ...]
    framework: str
    model_flag: str
    spellings: dict[str, Spelling]


WORKERS: dict[axes.Engine, Worker] = {
    axes.Engine.VLLM: Worker(
        program="dynamo-vllm",
        command=("python3", "-m", "dynamo.vllm"),
        framework="vllm",
        model_flag="--model",
        spellings={
            "--tool-call-parser": Spelling("--dyn-tool-call-parser", "tool_parser"),
            # the engine keeps its own besides: it tells guided decoding where the reasoning ends
            "--reasoning-parser": Spelling("--dyn-reasoning-parser", "reasoning_parser"),
            "--chat-template": Spelling("--custom-jinja-template"),
        },
    ),
}

REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        stack=NAME,
        engine=axes.Engine.SGLANG,
        reason="the flags of Dynamo's SGLang worker are known, but not how it starts, drains and says that it is "
        "ready, and no such graph has been run",
        source="ai-dynamo 1.6.1 metadata (sglang==0.5.21); facts of dynamo-sglang 1.6.1 and sglang 0.5.21",
    ),
    Refusal(
        stack=NAME,
        engine=axes.Engine.SIMULATOR,
        reason="the simulator is an HTTP server, and Dynamo's frontend sends requests only to workers that join "
        "its own runtime",
        source="llm-d-inference-sim 0.10.2; ai-dynamo 1.6.1 has a stand-in of its own, dynamo.mocker",
    ),
    Refusal(
        stack=NAME,
        topology=axes.Topology.MULTINODE,
        reason="the operator rewrites an engine's arguments for each rank, so what is checked here is not what runs, "
        "and no such graph has been run",
        source="ai-dynamo/dynamo deploy/operator/internal/dynamo/backend_vllm.go @ 2a6da14c; ai-dynamo/dynamo#11914",
    ),
    Refusal(
        stack=NAME,
        scaling=axes.Scaling.ZERO,
        reason="with its last worker a model leaves Dynamo's registry: requests get 404 and no metric moves, so "
        "nothing asks for a worker again",
        source="ai-dynamo/dynamo#10753, seen with 1.6.1",
    ),
    Refusal(
        stack=NAME,
        scaling=axes.Scaling.QUEUE,
        reason="a component's replicas then belong to an adapter that the operator makes and whose webhooks fill in "
        "and guard them at every apply of the graph; that Argo CD's apply gets through has not been proven",
        source="ai-dynamo/dynamo deploy/operator/internal/webhook @ 2a6da14c; DynamoGraphDeploymentScalingAdapter",
    ),
)


class FrontendOptions(Values, frozen=True, kw_only=True):
    """The frontend: takes requests and hands them to the workers."""

    image: Annotated[Image, Meta(description="The frontend's image")] = Image(
        repository="nvcr.io/nvidia/ai-dynamo/dynamo-frontend", tag="1.6.1"
    )
    replicas: Annotated[int, Meta(ge=1, description="Frontends")] = 2
    cpu: Annotated[Quantity, Meta(description="CPUs requested")] = "2"
    memory: Annotated[Quantity, Meta(description="Memory requested and its limit")] = "4Gi"
    router_mode: Annotated[
        # not `kv`: the workers would have to publish what they hold
        Literal["round-robin", "random", "power-of-two", "least-loaded"],
        Meta(description="How a worker is chosen"),
    ] = "round-robin"
    migration_limit: Annotated[
        int, Meta(ge=0, description="Times that a request moves on when its worker is lost; 0: it fails")
    ] = 0


class Options(Values, frozen=True, kw_only=True):
    """What Dynamo adds."""

    version: Annotated[
        str,
        Meta(
            pattern=r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$",
            description="Dynamo release in the images; the operator chooses features by it",
        ),
    ] = "1.6.1"
    frontend: Annotated[FrontendOptions, Meta(description="Takes requests and hands them to the workers")] = (
        FrontendOptions()
    )
    tool_parser: Annotated[
        str, Meta(description="Dynamo's name of the parser of tool calls; empty: that of the engine")
    ] = ""
    reasoning_parser: Annotated[
        str, Meta(description="Dynamo's name of the parser of reasoning; empty: that of the engine")
    ] = ""


def _without(struct: type[msgspec.Struct], *names: str) -> Any:
    hints = typing.get_type_hints(struct, include_extras=True)
    fields = [(f.name, hints[f.name], f.default) for f in msgspec.structs.fields(struct) if f.name not in names]
    return msgspec.defstruct(
        f"Dynamo{struct.__name__}",
        fields,
        bases=(Values,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        rename="camel",
        namespace={"__doc__": struct.__doc__},
        module=__name__,
    )


# The frontend asks no client for a key: a key that one could set and nobody checks is worse than none.
_SECURITY: Any = _without(Security, "api_key")
_ABOUT_SECURITY = Meta(description="Who may reach the pods, and as whom they run")
COMMON = cast(
    type[Common],
    msgspec.defstruct(
        "DynamoCommon",
        [("security", Annotated[_SECURITY, _ABOUT_SECURITY], _SECURITY())],
        bases=(Common,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        rename="camel",
        namespace={"__doc__": Common.__doc__},
        module=__name__,
    ),
)


def options(engine: axes.Engine, topology: axes.Topology) -> type[msgspec.Struct]:
    """The frontend, and names that differ from the engine's."""
    return Options


def runtime(engine: Engine) -> Runtime:
    """The engine in Dynamo's image: no server of its own, its state on the system port."""
    worker = WORKERS.get(engine.NAME)
    if worker is None:
        return engine.RUNTIME
    return Runtime(
        engine=engine.NAME,
        program=worker.program,
        command=worker.command,
        model_flag=worker.model_flag,
        port=SYSTEM_PORT,
        port_name="system",
        container="main",
        shared_memory=False,
        # both stay 503 until the worker has registered its endpoint
        probes=Probes(alive="/live", ready="/health"),
        # the engine's own series are passed through under their own names
        metrics=engine.RUNTIME.metrics,
        user=1000,
        group=0,
        fs_group=1000,
        # a worker of 1.6.1 sleeps through the whole grace period, also when nothing is in flight, its GPUs held
        longest_drain_seconds=300,
    )


def component_name(common: Common, component: str) -> str:
    """Name what the operator makes of a component: its Service, its scaling adapter."""
    return f"{common.name}-{component}"


def scale_target(plan: Plan, role: str) -> Target:
    """The adapter that the operator makes of a role."""
    return Target(API, "DynamoGraphDeploymentScalingAdapter", component_name(plan.common, role))


def _pair(plan: Plan) -> bool:
    return len(plan.topology.ROLES) > 1


def _spelled(plan: Plan, flag: Flag) -> tuple[Flag, ...]:
    """Leave out what the engine's own server would read, or say it as Dynamo does."""
    kept = () if flag.server else (flag,)
    spelling = WORKERS[plan.recipe.engine].spellings.get(flag.name)
    if spelling is None:
        return kept
    if not spelling.option:
        return (*kept, Flag(spelling.name, flag.value, flag.condition))
    own = getattr(plan.stack_options, spelling.option)
    wanted = either(filled(own), flag.condition)
    return (*kept, Flag(spelling.name, or_else(own, flag.value), wanted))


def worker_flags(plan: Plan, role: RoleView) -> tuple[Flag, ...]:
    """The engine's flags as its Dynamo worker takes them, and what makes it half of a pair."""
    own = plan.engine.flags(plan.common, plan.engine_options, role)
    flags = tuple(said for flag in own for said in _spelled(plan, flag))
    if not _pair(plan):
        return flags
    return (*flags, Flag("--disaggregation-mode", role.name), *plan.engine.transfer_flags(role.name))


def _exit() -> Data:
    return {"name": "DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS", "value": str(RUNTIME_EXIT_SECONDS)}


def worker_environment(plan: Plan) -> list[Any]:
    """The engine's environment, and Dynamo's part of probes and drain."""
    own = plan.engine.environment(plan.common, plan.engine_options)
    return [
        *own,
        *(plan.engine.transfer_environment() if _pair(plan) else []),
        # as the operator sets it; said here so that it cannot drift from the port of the probes
        {"name": "DYN_SYSTEM_PORT", "value": str(SYSTEM_PORT)},
        # How long a worker that left discovery goes on with what it has. Then it cancels the rest: the default of
        # 5 s cuts every longer answer.
        {"name": "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS", "value": text(plan.common.timing.drain_seconds)},
        _exit(),
    ]


def _rolling(surge: int, unavailable: int) -> Data:
    return {MAX_SURGE: str(surge), MAX_UNAVAILABLE: str(unavailable)}


def rollout(plan: Plan) -> Data:
    """How the operator replaces the workers, by itself 25 % at a time.

    It keeps the old and the new generation apart, and a pair answers only with both halves of one: in place, even
    several replicas may leave a gap (ai-dynamo/dynamo#13622); only `surge` has none.
    """
    wanted = plan.common.rollout
    return {
        **when(equals(wanted, "in-place"), {STRATEGY: "RollingUpdate", **_rolling(0, 1)}),
        **when(equals(wanted, "surge"), {STRATEGY: "RollingUpdate", **_rolling(1, 0)}),
        **when(equals(wanted, "recreate"), {STRATEGY: "Recreate"}),
    }


def _shared_memory(role: RoleView) -> Data:
    size = role.values.shared_memory
    return {
        **when(filled(size), {"sharedMemorySize": size}),
        # without the key the operator gives 8Gi
        **when(negate(filled(size)), {"sharedMemorySize": "0"}),
    }


def worker_component(plan: Plan, role: RoleView) -> Data:
    """The workers of one role."""
    count = plan.scaling.replicas(role)
    return {
        "name": role.name,
        "type": TYPES[role.name],
        **({"scalingAdapter": {}} if count is None else {"replicas": count}),
        "runtimeVersionOverride": plan.stack_options.version,
        **_shared_memory(role),
        # no account: the operator's own may read the registry, and the worker must
        "podTemplate": engine_pod(
            plan,
            role,
            worker_flags(plan, role),
            worker_environment(plan),
            ALONE,
            account={},
            annotations=rollout(plan),
        ),
    }


def _frontend_volumes(common: Common) -> list[Any]:
    """Tokenizer and template: loaded from the hub, or read where the workers read the weights."""
    here, kind = filled(common.model.path), common.cache.kind
    claim = {"name": "models", "persistentVolumeClaim": {"claimName": f"{common.name}-models", "readOnly": True}}
    image = {
        "name": "models",
        "image": {"reference": common.cache.image, "pullPolicy": common.image.pull_policy},
    }
    return [
        when(both(here, equals(kind, "claim")), [claim]),
        when(both(here, equals(kind, "image")), [image]),
        when(either(negate(here), equals(kind, "ephemeral")), [{"name": "models", "emptyDir": {}}]),
        *bundle_volume(common),
    ]


def frontend_arguments(plan: Plan) -> list[Any]:
    """What the frontend offers, and how it chooses."""
    common, own = plan.common, plan.stack_options.frontend
    return [
        "--http-port",
        str(FRONTEND_PORT),
        "--router-mode",
        own.router_mode,
        "--migration-limit",
        text(own.migration_limit),
        # /v1/messages, as the engines' own servers have it
        "--enable-anthropic-api",
        when(common.model.trust_remote_code, ["--trust-remote-code"]),
    ]


def frontend_container(plan: Plan) -> Data:
    """One frontend; it is ready once the model is, not already when it listens."""
    common, own = plan.common, plan.stack_options.frontend
    seldom: Data = {"timeout": 5, "period": 10, "failures": 3}
    ready = f"/v1/models/{common.model.served_name}/ready"
    return {
        "name": "main",
        **container_image(own.image),
        "imagePullPolicy": own.image.pull_policy,
        "command": ["python3", "-m", "dynamo.frontend"],
        "args": frontend_arguments(plan),
        "env": [
            *hub_environment(common),
            # the default of 5 s cuts every longer answer
            {"name": "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS", "value": text(common.timing.drain_seconds)},
            _exit(),
        ],
        "ports": [{"name": "http", "containerPort": FRONTEND_PORT}],
        "startupProbe": http_probe("/live", timeout=5, period=5, failures=24),
        # /health says nothing of models: with it, requests would come in and get 404 (ai-dynamo/dynamo#11178)
        "readinessProbe": http_probe(ready, **seldom),
        "livenessProbe": http_probe("/live", **seldom),
        "lifecycle": {"preStop": {"sleep": {"seconds": common.timing.pre_stop_seconds}}},
        "resources": {"requests": {"cpu": own.cpu, "memory": own.memory}, "limits": {"memory": own.memory}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "models", "mountPath": MODELS}, *bundle_mount(common)],
    }


def frontend_component(plan: Plan) -> Data:
    """The frontends, on nodes without GPUs."""
    common = plan.common
    priority = common.platform.priority_class
    return {
        "name": FRONTEND,
        "type": "frontend",
        "replicas": plan.stack_options.frontend.replicas,
        "runtimeVersionOverride": plan.stack_options.version,
        "sharedMemorySize": "0",
        "podTemplate": {
            "metadata": {
                "labels": of_component(common, FRONTEND),
                # no GPU is short here
                "annotations": {STRATEGY: "RollingUpdate", **_rolling(1, 0)},
            },
            "spec": {
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": grace_seconds(common),
                "imagePullSecrets": pull_secrets(common),
                "securityContext": security(common),
                "nodeSelector": {"kubernetes.io/arch": common.platform.helper_architecture},
                "tolerations": [common.platform.tolerations],
                **when(filled(priority), {"priorityClassName": priority}),
                "containers": [frontend_container(plan)],
                "volumes": _frontend_volumes(common),
            },
        },
    }


def graph(plan: Plan) -> Object:
    """The one object that the operator reads."""
    common = plan.common
    deadline = text(add(common.timing.schedule_seconds, common.timing.startup_seconds))
    return Object(
        api=API,
        kind="DynamoGraphDeployment",
        name=common.name,
        labels=of_release(common),
        annotations={
            **waves.annotations("DynamoGraphDeployment"),
            waves.PROGRESS_DEADLINE: deadline,
            # Deployments on every cluster: with Grove installed the pods would be a PodCliqueSet, which knows
            # neither our rollout nor names of this length
            GROVE: "false",
            DISCOVERY: "kubernetes",
            # The platform chart has monitors over all namespaces; two on one pod count everything twice. This keeps
            # them off, whether they are there or not: ours alone scrape, and only ours know the graph.
            **when(common.monitoring.enabled, {METRICS: "false"}),
        },
        body={
            "spec": {
                "backendFramework": WORKERS[plan.recipe.engine].framework,
                "components": [frontend_component(plan), *(worker_component(plan, role) for role in plan.roles)],
            }
        },
    )


def _monitor(plan: Plan, component: str, kind: str, port: str, more: list[Any]) -> Object:
    """Scrape a component, and say of which graph and of which kind it is: its own series do not."""
    relabelings = [
        {"targetLabel": "dynamo_graph_deployment", "replacement": plan.common.name},
        {"targetLabel": "dynamo_component_type", "replacement": kind},
        *more,
    ]
    return support.pod_monitor(plan, component, port=port, relabelings=relabelings)


def objects(plan: Plan) -> list[Object]:
    """Secrets, weights, the graph, and what stands around it; the accounts are the operator's."""
    common = plan.common
    # workers say their namespace themselves, with the generation behind it; frontends do not at all
    namespace = [{"sourceLabels": [NAMESPACE_LABEL], "targetLabel": "dynamo_namespace"}]
    out = [
        support.external_secret(common, "token", common.security.token),
        support.cache_claim(common),
        # the release's own address inside the cluster, as every stack has it
        support.service(common, FRONTEND),
        graph(plan),
        support.route(plan, own={"name": component_name(common, FRONTEND), "port": FRONTEND_PORT}),
        support.network_policy(plan, FRONTEND, clients=True),
        support.disruption_budget(common, FRONTEND),
        _monitor(plan, FRONTEND, "frontend", "http", namespace),
    ]
    for role in plan.roles:
        out += [
            # the system port also puts an engine to sleep, and asks nobody who he is
            support.network_policy(plan, role.name, clients=False),
            support.disruption_budget(common, role.name),
            _monitor(plan, role.name, TYPES[role.name], plan.runtime.port_name, []),
        ]
    return out
