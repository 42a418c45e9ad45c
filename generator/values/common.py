"""The values that every chart has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from generator.model.axes import Task
from generator.values.base import (
    EnvVar,
    Name,
    NodeAffinity,
    OptionalName,
    OptionalQuantity,
    PodAffinity,
    PodAntiAffinity,
    Quantity,
    Toleration,
    Values,
    derived,
)

# Bounds in seconds that no real time is near to: they are there for milliseconds that somebody takes for seconds.
LONGEST_ANSWER = 4 * 3600
HALF_A_DAY = 12 * 3600

# What a client of each task may reach through the gateway; everything else on the port stays inside.
API_PATHS: dict[Task, tuple[str, ...]] = {
    Task.CHAT: ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/models"),
    Task.EMBEDDING: ("/v1/embeddings", "/v1/models"),
    Task.RERANK: ("/v1/rerank", "/v1/score", "/v1/models"),
    Task.TRANSCRIPTION: ("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/models"),
}


class Model(Values, frozen=True, kw_only=True):
    """What is served."""

    id: Annotated[str, Meta(min_length=1, description="Weights: a Hugging Face repository, owner/name")]
    served_name: Annotated[str, Meta(min_length=1, description="Name that clients use, and label of its metrics")]
    revision: Annotated[str, Meta(description="Commit of the repository; empty: whatever is newest")] = ""
    path: Annotated[
        str, Meta(description="Folder with the weights in the pod, such as /weights of an image; empty: download `id`")
    ] = ""
    context_tokens: Annotated[int, Meta(ge=0, description="Longest context in tokens; 0: the checkpoint's own")] = 0
    trust_remote_code: Annotated[bool, Meta(description="Run code that comes with the weights")] = False


class Image(Values, frozen=True, kw_only=True):
    """The engine's image."""

    repository: Annotated[str, Meta(description="Image without tag")] = ""
    tag: Annotated[str, Meta(pattern=r"^([\w][\w.-]{0,127})?$", description="Tag of the image")] = ""
    digest: Annotated[str, Meta(pattern=r"^(sha256:[0-9a-f]{64})?$", description="Digest; wins over the tag")] = ""
    pull_policy: Annotated[Literal["IfNotPresent", "Always", "Never"], Meta(description="When to pull")] = (
        "IfNotPresent"
    )


class Accelerator(Values, frozen=True, kw_only=True):
    """GPUs of one pod."""

    count: Annotated[int, Meta(ge=0, description="GPUs per pod; 0: none")]
    resource: Annotated[str, Meta(description="Resource that the device plugin offers")] = "nvidia.com/gpu"
    products: Annotated[list[str], Meta(description="Accepted values of node label nvidia.com/gpu.product")] = []


class Parallelism(Values, frozen=True, kw_only=True):
    """How the weights are split over the GPUs of one replica."""

    tensor: Annotated[int, Meta(ge=1, description="Tensor parallelism, in GPUs")] = 1
    pipeline: Annotated[int, Meta(ge=1, description="Pipeline parallelism, in stages")] = 1
    data: Annotated[int, Meta(ge=1, description="Data parallelism inside the replica, in ranks")] = 1
    expert: Annotated[bool, Meta(description="Spread the experts over the GPUs instead of splitting each")] = False


class Resources(Values, frozen=True, kw_only=True):
    """CPU and memory of one engine container."""

    cpu: Annotated[Quantity, derived("CPUs requested")] = "4"
    memory: Annotated[Quantity, derived("Memory requested and its limit; /dev/shm counts against it")] = "32Gi"


class Rdma(Values, frozen=True, kw_only=True):
    """RDMA devices of one pod."""

    resource: Annotated[str, Meta(description="Resource of the RDMA device plugin; empty: none")] = ""
    count: Annotated[int, Meta(ge=1, description="Devices per pod")] = 1


class Affinity(Values, frozen=True, kw_only=True):
    """What nodes and pods to stand with."""

    node_affinity: Annotated[
        NodeAffinity,
        Meta(description="In place of the chart's own, which keeps to the products of `accelerator`; so must this"),
    ] = {}
    pod_affinity: Annotated[PodAffinity, Meta(description="Pods to stand near to")] = {}
    pod_anti_affinity: Annotated[PodAntiAffinity, Meta(description="Pods to stand away from")] = {}


class Role(Values, frozen=True, kw_only=True):
    """One part of the topology, sized by itself."""

    accelerator: Annotated[Accelerator, Meta(description="GPUs of one pod")]
    architecture: Annotated[Literal["amd64", "arm64"], Meta(description="Architecture of the nodes")] = "amd64"
    parallelism: Annotated[Parallelism, Meta(description="How one replica is split")] = Parallelism()
    resources: Annotated[Resources, Meta(description="CPU and memory of one pod")] = Resources()
    shared_memory: Annotated[OptionalQuantity, derived("Size of /dev/shm; empty: the runtime's 64 MiB")] = "16Gi"
    rdma: Annotated[Rdma, Meta(description="RDMA devices")] = Rdma()
    node_selector: Annotated[dict[str, str], Meta(description="Labels of the nodes to use")] = {}
    affinity: Annotated[Affinity, Meta(description="Further affinity")] = Affinity()
    tolerations: Annotated[list[Toleration], Meta(description="Tolerations for the taints of the nodes")] = []
    extra_env: Annotated[list[EnvVar], Meta(description="Further environment of the engine")] = []
    extra_args: Annotated[
        list[str], Meta(description="Further flags of the engine; none that the chart writes itself")
    ] = []
    pod_annotations: Annotated[dict[str, str], Meta(description="Further annotations of the pods")] = {}


class Cache(Values, frozen=True, kw_only=True):
    """Where the weights are kept."""

    size: Annotated[Quantity, Meta(description="Room for the weights, such as 100Gi")]
    kind: Annotated[
        Literal["claim", "ephemeral", "image"],
        Meta(description="A claim that outlives the pods, a folder of the pod, or an image with the weights"),
    ] = "claim"
    storage_class: Annotated[str, Meta(description="Storage class; empty: the cluster's default")] = ""
    access_mode: Annotated[
        Literal["ReadWriteMany", "ReadWriteOnce"],
        Meta(description="ReadWriteOnce binds all pods to one node"),
    ] = "ReadWriteMany"
    image: Annotated[str, Meta(description="Image with the weights, for kind `image`; it is mounted at /weights")] = ""


class Service(Values, frozen=True, kw_only=True):
    """The Service in front of the pods."""

    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the Service")] = 80


class Route(Values, frozen=True, kw_only=True):
    """The way in through the gateway."""

    enabled: Annotated[bool, Meta(description="Create the HTTPRoute")] = False
    hostnames: Annotated[list[str], Meta(description="Host names that lead here")] = []
    paths: Annotated[list[str], Meta(min_length=1, description="API paths that clients may reach")] = msgspec.field(
        default_factory=lambda: list(API_PATHS[Task.CHAT])
    )
    request_seconds: Annotated[
        int, derived("Longest answer, streams included; the gateway cuts what takes longer", ge=1, le=LONGEST_ANSWER)
    ] = 3600


class Monitoring(Values, frozen=True, kw_only=True):
    """Scraping by the Prometheus operator."""

    enabled: Annotated[bool, Meta(description="Create the PodMonitor")] = False
    labels: Annotated[dict[str, str], Meta(description="Labels by which Prometheus selects monitors")] = {}
    interval_seconds: Annotated[int, Meta(ge=1, le=300, description="Time between two scrapes")] = 15


class Timing(Values, frozen=True, kw_only=True):
    """Each time is stated once; probes, deadlines and grace periods are written from these."""

    startup_seconds: Annotated[
        int, derived("From container start to the first answer, at worst", ge=30, le=HALF_A_DAY)
    ] = 3600
    schedule_seconds: Annotated[
        int, Meta(ge=0, le=HALF_A_DAY, description="From pod to container: nodes, pulling the image")
    ] = 1200
    drain_seconds: Annotated[
        int, derived("Time for answers in flight after the stop signal", ge=1, le=LONGEST_ANSWER)
    ] = 300
    pre_stop_seconds: Annotated[int, Meta(ge=1, le=600, description="Wait for the endpoint to leave the routers")] = 15


class SecretKey(Values, frozen=True, kw_only=True):
    """One key of a Secret: by name, or filled from the secret store."""

    secret: Annotated[OptionalName, Meta(description="Secret that holds it; empty: none")] = ""
    key: Annotated[str, Meta(description="Key in the Secret")] = "token"
    remote_key: Annotated[str, Meta(description="Key in the secret store; makes an ExternalSecret")] = ""


class Security(Values, frozen=True, kw_only=True):
    """Who may reach the pods, and as whom they run."""

    network_policy: Annotated[bool, Meta(description="Admit gateway, monitoring and the release's own pods only")] = (
        True
    )
    run_as_user: Annotated[int, Meta(ge=0, description="User of the engine; 0: root")] = 0
    run_as_group: Annotated[int, Meta(ge=0, description="Group of the engine")] = 0
    fs_group: Annotated[int, Meta(ge=0, description="Group that owns the volumes; 0: leave them")] = 0
    token: Annotated[SecretKey, Meta(description="Hugging Face token, for gated models")] = SecretKey()
    api_key: Annotated[SecretKey, Meta(description="Key that clients must send")] = SecretKey(key="api-key")


class Gateway(Values, frozen=True, kw_only=True):
    """The gateway."""

    name: Annotated[OptionalName, Meta(description="Gateway that the HTTPRoute attaches to")] = ""
    namespace: Annotated[OptionalName, Meta(description="Its namespace; admitted by the network policies")] = ""
    proxy_namespace: Annotated[
        OptionalName, Meta(description="Where its proxies run, if elsewhere; the network policies admit it")
    ] = ""
    listener: Annotated[OptionalName, Meta(description="Its listener; empty: all of them")] = ""


class Prometheus(Values, frozen=True, kw_only=True):
    """Where metrics are read."""

    address: Annotated[str, Meta(description="Base URL, with the full service name")] = (
        "http://prometheus-operated.monitoring.svc:9090"
    )
    namespace: Annotated[OptionalName, Meta(description="Admitted by the network policies")] = "monitoring"
    auth_secret: Annotated[OptionalName, Meta(description="Secret with a bearer token; empty: none")] = ""
    auth_key: Annotated[str, Meta(description="Key in that Secret")] = "token"


class Keda(Values, frozen=True, kw_only=True):
    """KEDA's HTTP add-on."""

    namespace: Annotated[OptionalName, Meta(description="Namespace of the interceptor")] = "keda"
    interceptor: Annotated[OptionalName, Meta(description="Service of the interceptor")] = (
        "keda-add-ons-http-interceptor-proxy"
    )
    interceptor_port: Annotated[int, Meta(ge=1, le=65535, description="Port of that Service")] = 8080
    scaler_address: Annotated[str, Meta(description="External scaler, host:port")] = (
        "keda-add-ons-http-external-scaler.keda:9090"
    )


class SecretStore(Values, frozen=True, kw_only=True):
    """Where the External Secrets Operator reads."""

    name: Annotated[OptionalName, Meta(description="Store; empty: none")] = ""
    kind: Annotated[
        Literal["ClusterSecretStore", "SecretStore"], Meta(description="Whether it serves every namespace or one")
    ] = "ClusterSecretStore"
    refresh_seconds: Annotated[int, Meta(ge=0, description="Time between two reads; 0: once")] = 3600


class Platform(Values, frozen=True, kw_only=True):
    """Facts of the cluster. The only door by which an environment enters the values."""

    gateway: Annotated[Gateway, Meta(description="The gateway")] = Gateway()
    prometheus: Annotated[Prometheus, Meta(description="Where metrics are read")] = Prometheus()
    keda: Annotated[Keda, Meta(description="KEDA's HTTP add-on")] = Keda()
    secret_store: Annotated[SecretStore, Meta(description="Where secrets come from; empty name: none")] = SecretStore()
    hub_endpoint: Annotated[str, Meta(description="Mirror of the Hugging Face hub; empty: the hub")] = ""
    https_proxy: Annotated[str, Meta(description="Outgoing proxy; empty: none")] = ""
    no_proxy: Annotated[str, Meta(description="Comma list of what is reached without the proxy")] = ""
    ca_bundle: Annotated[OptionalName, Meta(description="ConfigMap with ca.crt; empty: none")] = ""
    pull_secrets: Annotated[list[str], Meta(description="Secrets for pulling images")] = []
    priority_class: Annotated[OptionalName, Meta(description="PriorityClass of the pods; empty: none")] = ""
    tolerations: Annotated[list[Toleration], Meta(description="Tolerations of every pod")] = []
    # the helper programs of a stack run beside the GPUs, on nodes of this architecture
    helper_architecture: Annotated[Literal["amd64", "arm64"], Meta(description="Nodes without GPUs")] = "amd64"


class Common(Values, frozen=True, kw_only=True):
    """The part of the values that every axis sees."""

    name: Annotated[Name, Meta(description="Name of the release and of its objects")]
    namespace: Annotated[OptionalName, Meta(description="Namespace; empty: the one Helm installs into")] = ""
    rollout: Annotated[
        Literal["in-place", "surge", "recreate"],
        Meta(
            description="in-place: the old pod ends first (one replica: downtime); surge: needs spare GPUs; "
            "recreate: all pods end first"
        ),
    ] = "in-place"
    model: Annotated[Model, Meta(description="What is served")]
    image: Annotated[Image, Meta(description="The engine's image")] = Image()
    cache: Annotated[Cache, Meta(description="Where the weights are kept")]
    service: Annotated[Service, Meta(description="The Service in front of the pods")] = Service()
    route: Annotated[Route, Meta(description="The way in through the gateway")] = Route()
    monitoring: Annotated[Monitoring, Meta(description="Scraping by the Prometheus operator")] = Monitoring()
    timing: Annotated[Timing, Meta(description="Times that probes and deadlines are written from")] = Timing()
    security: Annotated[Security, Meta(description="Who may reach the pods, and as whom they run")] = Security()
    platform: Annotated[Platform, Meta(description="Facts of the cluster")] = Platform()


Tree = dict[str, Any]
