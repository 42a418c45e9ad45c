"""One cluster, and what runs in it, as people write it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from generator.model.axes import Scaling
from generator.sources.base import (
    Closed,
    Count,
    Label,
    Number,
    Positive,
    Quantity,
    Seconds,
    ShortLabel,
    Text,
    Url,
)

Tree = dict[str, Any]


class Versions(Closed, frozen=True, kw_only=True):
    """Versions of what the cluster runs; only those with vendored schemas."""

    kubernetes: Annotated[Text, Meta(description="Minor, such as 1.37")]
    argocd: Text
    keda: Text | None = None
    keda_http: Annotated[Text | None, Meta(description="KEDA HTTP add-on")] = None
    lws: Annotated[Text | None, Meta(description="LeaderWorkerSet")] = None
    dynamo: Annotated[Text | None, Meta(description="Dynamo platform")] = None
    gateway_api: Text | None = None
    prometheus_operator: Text | None = None
    external_secrets: Text | None = None


class Cluster(Closed, frozen=True, kw_only=True):
    """The cluster as Argo CD knows it."""

    name: Label
    server: Annotated[Text, Meta(description="API server address, as registered in Argo CD")]


class Git(Closed, frozen=True, kw_only=True):
    """Where Argo CD reads this repository."""

    url: Text
    revision: Annotated[Text, Meta(description="A full ref, such as refs/heads/main")] = "refs/heads/main"


class Quota(Closed, frozen=True, kw_only=True):
    """What a team's namespace may use."""

    gpus: Count | None = None
    cpu: Quantity | None = None
    memory: Quantity | None = None
    pods: Count | None = None


class Namespace(Closed, frozen=True, kw_only=True):
    """One namespace of one team."""

    team: Label
    quota: Quota | None = None


class Taint(Closed, frozen=True, kw_only=True):
    """A taint of a pool's nodes."""

    key: Text
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class Pool(Closed, frozen=True, kw_only=True):
    """Nodes of one kind."""

    accelerator: Annotated[Text, Meta(description="An id of catalog/accelerators.yaml, or `none`")] = "none"
    nodes: Positive
    gpus_per_node: Count = 0
    cpus_per_node: Positive
    memory_per_node: Quantity
    architecture: Literal["amd64", "arm64"] = "amd64"
    labels: dict[str, str] = {}
    taints: list[Taint] = []
    sharing: Annotated[Literal["none", "mig-mixed", "time-slicing"], Meta(description="How a GPU is shared")] = "none"
    driver: Annotated[Text | None, Meta(description="NVIDIA driver, such as 580.95")] = None
    rdma_resource: Annotated[Text | None, Meta(description="Extended resource of the RDMA device plugin")] = None
    memlock_unlimited: Annotated[
        bool, Meta(description="Containers may lock any amount of memory (LimitMEMLOCK=infinity of the runtime)")
    ] = False
    nvlink_domains: Annotated[Count, Meta(description="Racks that share NVLink; 0: none")] = 0
    price_per_gpu_hour: Annotated[Number | None, Meta(description="For the cost figures")] = None


class StorageClass(Closed, frozen=True, kw_only=True):
    """A storage class of the cluster."""

    access_modes: Annotated[
        list[Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]],
        Meta(min_length=1),
    ]
    read_mib_per_s: Annotated[Positive, Meta(description="What one pod reads when a model loads")]
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    fs_group_policy: Literal["File", "ReadWriteOnceWithFSType", "None"] = "File"


class Storage(Closed, frozen=True, kw_only=True):
    """Where weights are kept."""

    classes: dict[Label, StorageClass]
    default: Label


class Gateway(Closed, frozen=True, kw_only=True):
    """The gateway that routes requests to models."""

    kind: Literal["envoy-gateway", "istio", "kgateway"]
    name: Label
    namespace: Label
    listener: Label
    proxy_namespace: Annotated[
        Label | None,
        Meta(description="Where its proxies run; by default envoy-gateway-system for envoy-gateway, else its own"),
    ] = None

    @property
    def proxies(self) -> str:
        """The namespace that the network policies admit.

        Source: gateway.envoyproxy.io, gateway namespace mode: without it all proxies run beside the controller.
        """
        if self.proxy_namespace is not None:
            return self.proxy_namespace
        return "envoy-gateway-system" if self.kind == "envoy-gateway" else self.namespace


class MonitoringAuth(Closed, frozen=True, kw_only=True):
    """A bearer token for the query address."""

    secret: Label
    key: Text
    remote_key: Annotated[
        Text | None, Meta(description="Key in the secret store that fills the Secret in every namespace")
    ] = None


class Monitoring(Closed, frozen=True, kw_only=True):
    """Prometheus of the cluster."""

    query_address: Annotated[Url, Meta(description="In-cluster base URL, full service name")]
    namespace: Annotated[Label, Meta(description="Where Prometheus runs; the network policies admit it")]
    labels: Annotated[dict[str, str], Meta(description="Labels by which the operator selects monitors")] = {}
    escaping: Annotated[Literal["allow-utf-8", "underscores"], Meta(description="Metric-name escaping")] = "underscores"
    scrape_seconds: Positive = 15
    auth: MonitoringAuth | None = None


class Keda(Closed, frozen=True, kw_only=True):
    """KEDA and its HTTP add-on."""

    namespace: Label = "keda"
    interceptor: Annotated[Label, Meta(description="Service of the add-on's interceptor")] = (
        "keda-add-ons-http-interceptor-proxy"
    )
    interceptor_port: Positive = 8080
    scaler_address: Text = "keda-add-ons-http-external-scaler.keda:9090"
    kube_api_qps: Annotated[
        Positive, Meta(description="Requests a second that its operator may make, --kube-api-qps; 20 unless it is told")
    ] = 20


class SecretStore(Closed, frozen=True, kw_only=True):
    """Where the External Secrets Operator reads."""

    name: Label
    kind: Literal["SecretStore", "ClusterSecretStore"] = "ClusterSecretStore"
    refresh_seconds: Seconds = 3600


class HuggingFace(Closed, frozen=True, kw_only=True):
    """How pods reach the hub."""

    endpoint: Annotated[Url | None, Meta(description="A mirror of the hub")] = None
    token_secret: Annotated[Label | None, Meta(description="Secret with the token, for gated models")] = None
    token_key: Text = "token"
    remote_key: Annotated[Text | None, Meta(description="Key in the secret store that fills the Secret")] = None


class Proxy(Closed, frozen=True, kw_only=True):
    """Outgoing HTTP proxy."""

    https: Text
    no_proxy: list[Text] = []


Level = Literal["deny", "warn", "off"]


class Licences(Closed, frozen=True, kw_only=True):
    """Licences of weights that may run here."""

    level: Level = "deny"
    allow: Annotated[list[Text], Meta(min_length=1, description="As a model's source.license spells them")]


class MaximumGpus(Closed, frozen=True, kw_only=True):
    """How far one release may grow."""

    level: Level = "deny"
    per_release: Annotated[Positive, Meta(description="GPUs of a release at its most replicas")]


class RequiredLabels(Closed, frozen=True, kw_only=True):
    """Labels that the pods of every release carry."""

    level: Level = "deny"
    labels: Annotated[list[Text], Meta(min_length=1)]


class PolicyException(Closed, frozen=True, kw_only=True):
    """A release that may break a policy, until a day."""

    policy: Literal["digests", "revisions", "licences", "maximumGpus", "requiredLabels"]
    release: Label
    owner: Annotated[Text, Meta(description="Who answers for it")]
    expires: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="The last day, 2027-01-31")]
    reason: Text


class Policies(Closed, frozen=True, kw_only=True):
    """How strict the checks are here."""

    digests: Annotated[Level, Meta(description="Every image by digest")] = "warn"
    revisions: Annotated[Level, Meta(description="All weights by commit")] = "warn"
    licences: Licences | None = None
    maximum_gpus: MaximumGpus | None = None
    required_labels: RequiredLabels | None = None
    exceptions: list[PolicyException] = []


class Toleration(Closed, frozen=True, kw_only=True):
    """A toleration for every pod."""

    key: Text
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class Environment(Closed, frozen=True, kw_only=True):
    """environments/<env>/environment.yaml."""

    name: Annotated[ShortLabel, Meta(description="Also the folder's name")]
    description: Text
    versions: Versions
    cluster: Cluster
    git: Git
    argocd_namespace: Label = "argocd"
    domain: Annotated[Text, Meta(description="Releases answer at <served name>.<domain>")]
    namespaces: Annotated[dict[Label, Namespace], Meta(min_length=1)]
    pools: Annotated[dict[Label, Pool], Meta(min_length=1)]
    storage: Storage | None = None
    gateway: Gateway | None = None
    monitoring: Monitoring | None = None
    keda: Keda | None = None
    secret_store: SecretStore | None = None
    mirrors: Annotated[dict[Text, Text], Meta(description="Registry prefix to the mirror's prefix")] = {}
    pull_secrets: Annotated[dict[Label, Text], Meta(description="Secret to its key in the secret store")] = {}
    hugging_face: HuggingFace = HuggingFace()
    proxy: Proxy | None = None
    ca_bundle: Annotated[Label | None, Meta(description="ConfigMap with ca.crt, mounted in every pod")] = None
    tolerations: list[Toleration] = []
    priority_class: Annotated[Label | None, Meta(description="PriorityClass of the models' pods")] = None
    policies: Policies = Policies()
    promotes_to: Annotated[Label | None, Meta(description="The environment that releases move on to")] = None


class Release(Closed, frozen=True, kw_only=True):
    """environments/<env>/releases/<release>.yaml."""

    model: Annotated[Label, Meta(description="A model of the catalog")]
    variant: Annotated[Label, Meta(description="A variant of that model")]
    namespace: Annotated[Label, Meta(description="A namespace of the environment")]
    scaling: Annotated[Scaling | None, Meta(description="Else the variant's")] = None
    pools: Annotated[dict[Label, Label], Meta(description="Pool by role; else any pool with the accelerator")] = {}
    served_name: Annotated[Text | None, Meta(description="Else the model's; unique in the environment")] = None
    values: Annotated[Tree, Meta(description="Chart values, checked against the recipe's overlay schema")] = {}
