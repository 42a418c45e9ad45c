"""Objects that controllers find when they start: what their charts would install, for processes on this machine."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

from generator.cluster import setup
from generator.cluster.setup import NODE_ADDRESS, Setup
from generator.sources.environment import Environment, Keda

Manifest = dict[str, Any]

IN_CLUSTER = "https://kubernetes.default.svc"
KEDA_METRICS, KEDA_WEBHOOKS = "keda-metrics-apiserver", "keda-admission-webhooks"
LWS_NAMESPACE, LWS_WEBHOOKS = "lws-system", "lws-webhook-service"
SCALER, ADMIN = "keda-add-ons-http-external-scaler", "keda-add-ons-http-interceptor-admin"
_LWS_NAME = "leaderworkerset.sigs.k8s.io/name"


def base(environment: Environment, run: Setup, webhooks: list[Manifest]) -> Iterator[Manifest]:
    """Give all objects that the parts of a run need."""
    for namespace in namespaces(environment, run):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    if setup.ARGOCD in run.parts:
        yield from _argocd(environment)
    if setup.KEDA in run.parts:
        yield from _keda(environment, run)
    if setup.HTTP_ADDON in run.parts and run.isolated:
        yield from _http_addon(environment, run)
    if setup.LWS in run.parts:
        yield from _lws(run, webhooks)


def namespaces(environment: Environment, run: Setup) -> list[str]:
    """List the namespaces of the controllers; those of the models come with the environment itself."""
    found = {environment.argocd_namespace}
    if environment.keda is not None:
        found.add(environment.keda.namespace)
    if environment.gateway is not None:
        found.add(environment.gateway.namespace)
    if environment.monitoring is not None:
        found.add(environment.monitoring.namespace)
    if setup.LWS in run.parts:
        found.add(LWS_NAMESPACE)
    return sorted(found)


def _bundle(run: Setup) -> str:
    return base64.b64encode((run.keys / "ca.crt").read_bytes()).decode()


def _argocd(environment: Environment) -> Iterator[Manifest]:
    where = {"namespace": environment.argocd_namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}}
    for name in ("argocd-cm", "argocd-rbac-cm"):
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **where}}
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "argocd-secret", **where},
        "stringData": {"server.secretkey": "throw-away"},
    }
    yield {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": environment.argocd_namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }


def cluster_secret(environment: Environment, run: Setup) -> Manifest | None:
    """Register the environment's cluster in Argo CD, where it is not the one that Argo CD runs in."""
    if environment.cluster.server == IN_CLUSTER:
        return None
    keys = {name: (run.keys / file).read_bytes() for name, file in _TLS.items()}
    config = {"tlsClientConfig": {name: base64.b64encode(data).decode() for name, data in keys.items()}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"cluster-{environment.cluster.name}",
            "namespace": environment.argocd_namespace,
            "labels": {"argocd.argoproj.io/secret-type": "cluster"},
        },
        "stringData": {
            "name": environment.cluster.name,
            "server": environment.cluster.server,
            "config": json.dumps(config),
        },
    }


_TLS = {"caData": "ca.crt", "certData": "admin.crt", "keyData": "admin.key"}


def _outside(name: str, namespace: str, port: int) -> Manifest:
    # The API server calls webhooks and aggregated APIs by Service; this one leads to the process on localhost.
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }


def _keda(environment: Environment, run: Setup) -> Iterator[Manifest]:
    namespace = (environment.keda or Keda()).namespace
    yield _outside(KEDA_METRICS, namespace, run.ports["keda-adapter"])
    yield _outside(KEDA_WEBHOOKS, namespace, run.ports["keda-webhooks"])
    yield {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
        "spec": {
            "group": "external.metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": _bundle(run),
            "service": {"name": KEDA_METRICS, "namespace": namespace, "port": run.ports["keda-adapter"]},
        },
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "keda-external-metrics-reader"},
        "rules": [{"apiGroups": ["external.metrics.k8s.io"], "resources": ["*"], "verbs": ["*"]}],
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "keda-hpa-controller-external-metrics"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "keda-external-metrics-reader",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "horizontal-pod-autoscaler", "namespace": "kube-system"}],
    }
    kinds = {
        "scaledobject": ("keda.sh", "scaledobjects"),
        "scaledjob": ("keda.sh", "scaledjobs"),
        "triggerauthentication": ("keda.sh", "triggerauthentications"),
    }
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "keda-admission"},
        "webhooks": [_keda_webhook(run, namespace, kind, group, plural) for kind, (group, plural) in kinds.items()],
    }


def _keda_webhook(run: Setup, namespace: str, kind: str, group: str, plural: str) -> Manifest:
    service = {
        "name": KEDA_WEBHOOKS,
        "namespace": namespace,
        "port": run.ports["keda-webhooks"],
        "path": f"/validate-keda-sh-v1alpha1-{kind}",
    }
    return {
        "name": f"v{kind}.kb.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": service, "caBundle": _bundle(run)},
        # KEDA ships Ignore; here a webhook that does not answer must not pass for one that agrees
        "failurePolicy": "Fail",
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": ["v1alpha1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": [plural],
            }
        ],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }


def _http_addon(environment: Environment, run: Setup) -> Iterator[Manifest]:
    keda = environment.keda
    if keda is None:
        return
    served = {
        ADMIN: (9090, "interceptor-admin"),
        keda.interceptor: (keda.interceptor_port, "interceptor"),
        SCALER: (9090, "scaler"),
    }
    for name, (port, process) in served.items():
        target = run.ports[process]
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": keda.namespace},
            "spec": {"ports": [{"port": port, "targetPort": target}]},
        }
        yield {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "namespace": keda.namespace,
                "labels": {"kubernetes.io/service-name": name},
            },
            "addressType": "IPv4",
            "ports": [{"port": target}],
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
        }


def _lws(run: Setup, webhooks: list[Manifest]) -> Iterator[Manifest]:
    yield _outside(LWS_WEBHOOKS, LWS_NAMESPACE, run.ports["lws-webhook"])
    for shipped in webhooks:
        found = copy.deepcopy(shipped)
        found["metadata"]["name"] = f"lws-{found['metadata']['name']}"
        for hook in found["webhooks"]:
            service = hook["clientConfig"]["service"]
            service |= {"name": LWS_WEBHOOKS, "namespace": LWS_NAMESPACE, "port": run.ports["lws-webhook"]}
            hook["clientConfig"]["caBundle"] = _bundle(run)
            if hook["name"].endswith("pod.kb.io"):
                # as LeaderWorkerSet's own patches do: only its pods, not every pod of the cluster
                hook["objectSelector"] = {"matchExpressions": [{"key": _LWS_NAME, "operator": "Exists"}]}
        yield found
