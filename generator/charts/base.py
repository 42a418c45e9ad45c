"""The charts of an environment itself: one for each namespace, one for what the cluster needs once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from generator.contract import Object
from generator.model import waves
from generator.objects.labels import MANAGED_BY
from generator.template.refs import either, filled, refs, when
from generator.values.base import OptionalName, OptionalQuantity, Values
from generator.values.common import SecretStore

Data = dict[str, Any]

NAMESPACE_CHART = "environment-namespace"
SECRET_CHART = "environment-secret"
CLUSTER_CHART = "environment-cluster"


class Quota(Values, frozen=True, kw_only=True):
    """What the namespace may use."""

    gpus: Annotated[str, Meta(pattern=r"^[0-9]*$", description="GPUs; empty: no limit")] = ""
    cpu: Annotated[OptionalQuantity, Meta(description="CPUs requested; empty: no limit")] = ""
    memory: Annotated[OptionalQuantity, Meta(description="Memory requested; empty: no limit")] = ""
    pods: Annotated[str, Meta(pattern=r"^[0-9]*$", description="Pods; empty: no limit")] = ""


class NamespaceValues(Values, frozen=True, kw_only=True):
    """Values of one namespace."""

    name: Annotated[str, Meta(min_length=1, description="Name of the namespace")]
    team: Annotated[str, Meta(min_length=1, description="Team that owns it")]
    quota: Annotated[Quota, Meta(description="What it may use")] = Quota()
    keda_namespace: Annotated[OptionalName, Meta(description="Namespace of the interceptor; empty: none")] = ""
    interceptor: Annotated[OptionalName, Meta(description="Service of the interceptor")] = ""


class NamedStore(SecretStore, frozen=True, kw_only=True):
    """The store that a Secret is filled from; there is no such Secret without one."""

    name: Annotated[str, Meta(min_length=1, description="Store")]


class SecretValues(Values, frozen=True, kw_only=True):
    """Values of one Secret of the environment in one namespace."""

    name: Annotated[str, Meta(min_length=1, description="Secret to fill")]
    namespace: Annotated[str, Meta(min_length=1, description="Namespace of the Secret")]
    key: Annotated[str, Meta(min_length=1, description="Key in the Secret")]
    remote_key: Annotated[str, Meta(min_length=1, description="Key in the secret store")]
    type: Annotated[Literal["Opaque", "kubernetes.io/dockerconfigjson"], Meta(description="Type of the Secret")] = (
        "Opaque"
    )
    secret_store: Annotated[NamedStore, Meta(description="Where it comes from")]


class ClusterValues(Values, frozen=True, kw_only=True):
    """Values of what stands once in the cluster."""

    environment: Annotated[str, Meta(min_length=1, description="Name of the environment")]
    priority_class: Annotated[OptionalName, Meta(description="PriorityClass of the models' pods; empty: none")] = ""


def namespace_objects(values: NamespaceValues) -> list[Object]:
    """The namespace, closed by default, with its limits."""
    quota = values.quota
    labels = {"modelyard.dev/team": values.team, **MANAGED_BY}
    hard = {
        **when(filled(quota.gpus), {"requests.nvidia.com/gpu": quota.gpus}),
        **when(filled(quota.cpu), {"requests.cpu": quota.cpu}),
        **when(filled(quota.memory), {"requests.memory": quota.memory}),
        **when(filled(quota.pods), {"pods": quota.pods}),
    }
    return [
        Object(
            api="v1",
            kind="Namespace",
            name=values.name,
            labels=labels,
            annotations=waves.annotations("Namespace"),
        ),
        Object(
            api="networking.k8s.io/v1",
            kind="NetworkPolicy",
            name="default-deny",
            namespace=values.name,
            labels=labels,
            annotations=waves.annotations("NetworkPolicy"),
            # what a model needs to reach, the hub and its mirrors, is not ours to list: egress stays open
            body={"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
        ),
        Object(
            api="v1",
            kind="ResourceQuota",
            name="models",
            namespace=values.name,
            labels=labels,
            annotations=waves.annotations("ResourceQuota"),
            condition=either(filled(quota.gpus), filled(quota.cpu), filled(quota.memory), filled(quota.pods)),
            body={"spec": {"hard": hard}},
        ),
        Object(
            api="v1",
            kind="LimitRange",
            name="models",
            namespace=values.name,
            labels=labels,
            annotations=waves.annotations("LimitRange"),
            # a pod that asks for nothing would not be counted by the quota, and be the first to be evicted
            body={
                "spec": {
                    "limits": [
                        {
                            "type": "Container",
                            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
                            "default": {"memory": "512Mi"},
                        }
                    ]
                }
            },
        ),
        Object(
            api="gateway.networking.k8s.io/v1",
            kind="ReferenceGrant",
            # one a namespace: a grant holds 16 origins at most
            name=f"{values.name}-to-interceptor",
            namespace=values.keda_namespace,
            labels=labels,
            annotations=waves.annotations("ReferenceGrant"),
            condition=filled(values.keda_namespace),
            body={
                "spec": {
                    "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": values.name}],
                    "to": [{"group": "", "kind": "Service", "name": values.interceptor}],
                }
            },
        ),
    ]


def secret_objects(values: SecretValues) -> list[Object]:
    """One Secret, filled from the store in the form that its reader wants."""
    store = values.secret_store
    return [
        Object(
            api="external-secrets.io/v1",
            kind="ExternalSecret",
            name=values.name,
            namespace=values.namespace,
            labels=MANAGED_BY,
            annotations=waves.annotations("ExternalSecret"),
            body={
                "spec": {
                    "refreshInterval": f"{store.refresh_seconds}s",
                    "secretStoreRef": {"name": store.name, "kind": store.kind},
                    "target": {
                        "name": values.name,
                        "creationPolicy": "Owner",
                        "template": {"type": values.type},
                    },
                    "data": [{"secretKey": values.key, "remoteRef": {"key": values.remote_key}}],
                }
            },
        )
    ]


def cluster_objects(values: ClusterValues) -> list[Object]:
    """What no namespace can hold."""
    return [
        Object(
            api="scheduling.k8s.io/v1",
            kind="PriorityClass",
            name=values.priority_class,
            labels=MANAGED_BY,
            annotations=waves.annotations("PriorityClass"),
            condition=filled(values.priority_class),
            body={
                "value": 1000,
                "globalDefault": False,
                # a model that serves is not thrown out for one that starts
                "preemptionPolicy": "Never",
                "description": f"Models of {values.environment}",
            },
        ),
    ]


class BaseChart(msgspec.Struct, frozen=True):
    """One chart of the environment itself."""

    name: str
    type: type[msgspec.Struct]
    objects: Any
    about: str


BASE_CHARTS: tuple[BaseChart, ...] = (
    BaseChart(NAMESPACE_CHART, NamespaceValues, namespace_objects, "A namespace for models, closed by default"),
    BaseChart(SECRET_CHART, SecretValues, secret_objects, "A Secret that every model of a namespace may read"),
    BaseChart(CLUSTER_CHART, ClusterValues, cluster_objects, "What an environment needs once in its cluster"),
)

# values that are enough for an installation by hand
EXAMPLES: dict[str, Data] = {
    NAMESPACE_CHART: {"name": "assistants", "team": "assistants"},
    SECRET_CHART: {
        "name": "reader",
        "namespace": "assistants",
        "key": "token",
        "remoteKey": "reader",
        "secretStore": {"name": "vault"},
    },
    CLUSTER_CHART: {"environment": "dev", "priorityClass": "model-serving"},
}


def base_objects(chart: BaseChart) -> list[Object]:
    """The objects of a base chart, with references inside."""
    return list(chart.objects(refs(chart.type, "@.Values")))
