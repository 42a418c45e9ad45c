"""Where the schemas come from (modules at exact versions, the kinds taken from each) and where they go."""

from __future__ import annotations

import msgspec


class Module(msgspec.Struct, frozen=True):
    """A Go module at one version, with the checksum that go.sum would hold."""

    path: str
    version: str
    sum: str

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"


class BuiltIn(msgspec.Struct, frozen=True):
    """A kind of Kubernetes itself; `since` is the first minor that serves this version."""

    api_version: str
    kind: str
    since: int = 0


class Custom(msgspec.Struct, frozen=True):
    """A kind of a CRD: the file inside the module, the kind and the versions taken."""

    file: str
    kind: str
    versions: tuple[str, ...]


class CrdSource(msgspec.Struct, frozen=True):
    """The CRDs taken from one module; `generated` ones exist as Go types only."""

    module: Module
    folder: str
    customs: tuple[Custom, ...]
    generated: bool = False


KUBERNETES: dict[str, Module] = {
    "1.33": Module("k8s.io/kubernetes", "v1.33.13", "h1:bmH31xUdSzeA5vk0wZAK9MZp11mdLuzUSeKk0qN3hPQ="),
    "1.34": Module("k8s.io/kubernetes", "v1.34.4", "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk="),
    "1.35": Module("k8s.io/kubernetes", "v1.35.4", "h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM="),
    "1.36": Module("k8s.io/kubernetes", "v1.36.3", "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o="),
    "1.37": Module("k8s.io/kubernetes", "v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="),
}
SWAGGER = "api/openapi-spec/swagger.json"
GO_OPENAPI = "pkg/generated/openapi/zz_generated.openapi.go"

CONTROLLER_GEN = Module("sigs.k8s.io/controller-tools", "v0.23.0", "h1:GFmPTaHSyje/kZv/4XOdR1v3rWz0/OJixwpPnGyV4Sw=")

BUILT_INS: tuple[BuiltIn, ...] = (
    BuiltIn("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    BuiltIn("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    BuiltIn("apps/v1", "Deployment"),
    BuiltIn("apps/v1", "StatefulSet"),
    BuiltIn("autoscaling/v2", "HorizontalPodAutoscaler"),
    BuiltIn("batch/v1", "CronJob"),
    BuiltIn("batch/v1", "Job"),
    BuiltIn("networking.k8s.io/v1", "Ingress"),
    BuiltIn("networking.k8s.io/v1", "NetworkPolicy"),
    BuiltIn("policy/v1", "PodDisruptionBudget"),
    BuiltIn("rbac.authorization.k8s.io/v1", "ClusterRole"),
    BuiltIn("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    BuiltIn("rbac.authorization.k8s.io/v1", "Role"),
    BuiltIn("rbac.authorization.k8s.io/v1", "RoleBinding"),
    BuiltIn("resource.k8s.io/v1", "DeviceClass", since=34),
    BuiltIn("resource.k8s.io/v1", "ResourceClaim", since=34),
    BuiltIn("resource.k8s.io/v1", "ResourceClaimTemplate", since=34),
    BuiltIn("scheduling.k8s.io/v1", "PriorityClass"),
    BuiltIn("storage.k8s.io/v1", "StorageClass"),
    BuiltIn("v1", "ConfigMap"),
    BuiltIn("v1", "LimitRange"),
    BuiltIn("v1", "Namespace"),
    BuiltIn("v1", "Node"),
    BuiltIn("v1", "PersistentVolume"),
    BuiltIn("v1", "PersistentVolumeClaim"),
    BuiltIn("v1", "Pod"),
    BuiltIn("v1", "ResourceQuota"),
    BuiltIn("v1", "Secret"),
    BuiltIn("v1", "Service"),
    BuiltIn("v1", "ServiceAccount"),
)

CRDS: tuple[CrdSource, ...] = (
    CrdSource(
        Module("github.com/kedacore/keda/v2", "v2.21.0", "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps="),
        "config/crd/bases",
        (
            Custom("keda.sh_clustertriggerauthentications.yaml", "ClusterTriggerAuthentication", ("v1alpha1",)),
            Custom("keda.sh_scaledjobs.yaml", "ScaledJob", ("v1alpha1",)),
            Custom("keda.sh_scaledobjects.yaml", "ScaledObject", ("v1alpha1",)),
            Custom("keda.sh_triggerauthentications.yaml", "TriggerAuthentication", ("v1alpha1",)),
        ),
    ),
    CrdSource(
        Module("github.com/kedacore/http-add-on", "v0.15.0", "h1:6xqqvzFB/Yw9zBSsPD/T6DBTaOj6N4/NqbAs26E5XGA="),
        "config/crd/bases",
        (
            Custom("http.keda.sh_httpscaledobjects.yaml", "HTTPScaledObject", ("v1alpha1",)),
            Custom("http.keda.sh_interceptorroutes.yaml", "InterceptorRoute", ("v1beta1",)),
        ),
    ),
    CrdSource(
        Module("github.com/argoproj/argo-cd/v3", "v3.6.1", "h1:OmhqeKiR3C//awbFrhQqFdtRI+Qiv17j8vqm3UkMj/g="),
        "manifests/crds",
        (
            Custom("application-crd.yaml", "Application", ("v1alpha1",)),
            Custom("applicationset-crd.yaml", "ApplicationSet", ("v1alpha1",)),
            Custom("appproject-crd.yaml", "AppProject", ("v1alpha1",)),
        ),
    ),
    CrdSource(
        Module("sigs.k8s.io/lws", "v0.9.0", "h1:DcJCgxjjoGOx//QHZkeKpyiblxYq70aCRZNYSfykWyI="),
        "config/crd/bases",
        (
            Custom("disaggregatedset.x-k8s.io_disaggregatedsets.yaml", "DisaggregatedSet", ("v1",)),
            Custom("leaderworkerset.x-k8s.io_leaderworkersets.yaml", "LeaderWorkerSet", ("v1",)),
        ),
    ),
    CrdSource(
        Module("sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc="),
        "config/crd/standard",
        (
            Custom("gateway.networking.k8s.io_gatewayclasses.yaml", "GatewayClass", ("v1",)),
            Custom("gateway.networking.k8s.io_gateways.yaml", "Gateway", ("v1",)),
            Custom("gateway.networking.k8s.io_grpcroutes.yaml", "GRPCRoute", ("v1",)),
            Custom("gateway.networking.k8s.io_httproutes.yaml", "HTTPRoute", ("v1",)),
            Custom("gateway.networking.k8s.io_referencegrants.yaml", "ReferenceGrant", ("v1", "v1beta1")),
        ),
    ),
    CrdSource(
        Module(
            "sigs.k8s.io/gateway-api-inference-extension",
            "v1.6.0",
            "h1:cjtwMJYcTnLXBYE5ffR1/hHhn7U1aIFfe2RITYmOXVA=",
        ),
        "config/crd/bases",
        (Custom("inference.networking.k8s.io_inferencepools.yaml", "InferencePool", ("v1",)),),
    ),
    CrdSource(
        Module(
            "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring",
            "v0.93.0",
            "h1:ZIouJCjC8R/XHxzGpOw+/czH9pVzg6wteYhLjJ80XGQ=",
        ),
        "v1",
        (
            Custom("monitoring.coreos.com_podmonitors.yaml", "PodMonitor", ("v1",)),
            Custom("monitoring.coreos.com_prometheusrules.yaml", "PrometheusRule", ("v1",)),
            Custom("monitoring.coreos.com_servicemonitors.yaml", "ServiceMonitor", ("v1",)),
        ),
        generated=True,
    ),
    CrdSource(
        Module(
            "github.com/external-secrets/external-secrets",
            "v0.16.2",
            "h1:iNY+gIgSyL5higXTfnz+hdPCaiB/43UiHLqE7HBpj68=",
        ),
        "config/crds/bases",
        (
            Custom("external-secrets.io_clustersecretstores.yaml", "ClusterSecretStore", ("v1",)),
            Custom("external-secrets.io_externalsecrets.yaml", "ExternalSecret", ("v1",)),
            Custom("external-secrets.io_secretstores.yaml", "SecretStore", ("v1",)),
        ),
    ),
    CrdSource(
        Module("sigs.k8s.io/dra-driver-nvidia-gpu", "v0.4.1", "h1:up4wTyW4UxLDB8I+pDOhQ1+F3Ol2f/qHgN4v6vlcPEc="),
        "deployments/helm/dra-driver-nvidia-gpu/crds",
        (Custom("resource.nvidia.com_computedomains.yaml", "ComputeDomain", ("v1beta1",)),),
    ),
    CrdSource(
        Module("sigs.k8s.io/kueue", "v0.19.2", "h1:mPNzr37u0nwI7ikST5QQl5gg6EgtYOAvC9ZbTgywdN8="),
        "config/components/crd/bases",
        (
            Custom("kueue.x-k8s.io_clusterqueues.yaml", "ClusterQueue", ("v1beta1", "v1beta2")),
            Custom("kueue.x-k8s.io_localqueues.yaml", "LocalQueue", ("v1beta1", "v1beta2")),
            Custom("kueue.x-k8s.io_resourceflavors.yaml", "ResourceFlavor", ("v1beta1", "v1beta2")),
        ),
    ),
    # What a user writes. Left out: what KServe's controllers write themselves (LocalModelNode), the groups of nodes of
    # its local cache, and the older form of LLMInferenceServiceConfig, which nobody but KServe's own charts writes.
    CrdSource(
        Module("github.com/kserve/kserve", "v0.20.0", "h1:Bs7HxmGV4KFqqptDcWseKv+mwD4YOYHJWcuVgPG2Gug="),
        "config/crd/full",
        (
            Custom(
                "clusterstoragecontainer/serving.kserve.io_clusterstoragecontainers.yaml",
                "ClusterStorageContainer",
                ("v1alpha1",),
            ),
            Custom("serving.kserve.io_clusterservingruntimes.yaml", "ClusterServingRuntime", ("v1alpha1",)),
            Custom("serving.kserve.io_inferencegraphs.yaml", "InferenceGraph", ("v1alpha1",)),
            Custom("serving.kserve.io_inferenceservices.yaml", "InferenceService", ("v1beta1",)),
            Custom(
                "llmisvc/serving.kserve.io_llminferenceserviceconfigs.yaml", "LLMInferenceServiceConfig", ("v1alpha2",)
            ),
            Custom(
                "llmisvc/serving.kserve.io_llminferenceservices.yaml", "LLMInferenceService", ("v1alpha1", "v1alpha2")
            ),
            Custom("localmodel/serving.kserve.io_localmodelcaches.yaml", "LocalModelCache", ("v1alpha1",)),
            Custom(
                "localmodel/serving.kserve.io_localmodelnamespacecaches.yaml",
                "LocalModelNamespaceCache",
                ("v1alpha1",),
            ),
            Custom("serving.kserve.io_servingruntimes.yaml", "ServingRuntime", ("v1alpha1",)),
            Custom("serving.kserve.io_trainedmodels.yaml", "TrainedModel", ("v1alpha1",)),
        ),
    ),
)


def built_in_path(minor: str, kind: BuiltIn) -> str:
    """Name the schema file of a built-in kind, as kubeconform spells ResourceKind and KindSuffix."""
    group, _, version = kind.api_version.rpartition("/")
    suffix = f"{group.split('.')[0]}-{version}" if group else version
    return f"schemas/kubernetes/{minor}/{kind.kind.lower()}-{suffix}.json"


def custom_path(group: str, kind: str, version: str) -> str:
    """Name the schema file of a custom kind."""
    return f"schemas/crds/{group}/{kind.lower()}-{version}.json"


def structural_path(path: str) -> str:
    """Name the file of what the API server itself reads of a custom kind, beside its JSON Schema."""
    return path.replace(".json", ".structural.json")
