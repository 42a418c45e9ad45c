"""Mistakes in rendered objects: where each is, what stands there instead, and what is said of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from generator.validate.scope import Path, ReleaseScope
from tests.support.scopes import GRAPH, GROUP, PLAIN, REMOVED, SGLANG, ZERO, changed, scopes, with_object


class Mistake(NamedTuple):
    """One place of one object of a real release, set to something else; a function makes it from what stands there."""

    name: str
    check: str
    release: str
    file: str
    path: Path
    value: Any
    says: str
    # where it is reported, if not there
    at: Path | None = None

    def apply(self) -> ReleaseScope:
        """Copy the release with the mistake in it."""
        scope = scopes()[self.release]
        value = (
            self.value(copy.deepcopy(_at(scope.objects[self.file], self.path))) if callable(self.value) else self.value
        )
        return changed(scope, self.file, self.path, value)


class Extra(NamedTuple):
    """One more object in a real release."""

    name: str
    check: str
    release: str
    like: str
    change: Callable[[dict[str, Any]], None]
    says: str

    def apply(self) -> ReleaseScope:
        """Copy the release with the object in it."""
        scope = scopes()[self.release]
        manifest = copy.deepcopy(scope.objects[self.like])
        self.change(manifest)
        return with_object(scope, "extra.yaml", manifest)


def _at(node: Any, path: Path) -> Any:
    for part in path:
        if isinstance(node, dict) and part not in node:
            return None
        node = node[part]
    return node


def more(*words: str) -> Callable[[list[str]], list[str]]:
    """Arguments with these after them."""
    return lambda args: [*args, *words]


def after(flag: str, value: str) -> Callable[[list[str]], list[str]]:
    """Arguments with another value of one flag."""

    def change(args: list[str]) -> list[str]:
        args[args.index(flag) + 1] = value
        return args

    return change


def replaced(old: str, new: str) -> Callable[[str], str]:
    """A text with one part of it replaced."""

    def change(text: str) -> str:
        assert old in text, text
        return text.replace(old, new)

    return change


SERVER, SCALED, ROUTE = "deployment-server.yaml", "scaledobject-server.yaml", "httproute.yaml"
POD: Path = ("spec", "template", "spec")
ENGINE: Path = (*POD, "containers", 0)
ARGS: Path = (*ENGINE, "args")
TRIGGER: Path = ("spec", "triggers", 0)
QUERY: Path = (*TRIGGER, "metadata", "query")
GRAPH_FILE, GROUP_FILE = "dynamographdeployment.yaml", "leaderworkerset-server.yaml"
LEADER: Path = ("spec", "leaderWorkerTemplate", "leaderTemplate", "spec")

FLAGS = (
    Mistake(
        "a flag of an older Dynamo",
        "flags",
        GRAPH,
        GRAPH_FILE,
        ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "args"),
        more("--is-prefill-worker"),
        "`--is-prefill-worker` is not a flag of dynamo-vllm 1.6.1",
    ),
    Mistake("a misspelt flag", "flags", PLAIN, SERVER, ARGS, more("--max-num-seq", "4"), "`--max-num-seq` is"),
    Mistake(
        "a flag that never was", "flags", PLAIN, SERVER, ARGS, more("--no-such-flag"), "is not a flag of vllm 0.33.0"
    ),
    Mistake(
        "a flag of an older version",
        "flags",
        PLAIN,
        SERVER,
        ARGS,
        more("--swap-space", "4"),
        "`--swap-space` is not a flag of vllm 0.33.0",
    ),
    Mistake(
        "a flag of a newer version",
        "flags",
        GRAPH,
        GRAPH_FILE,
        ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "args"),
        more("--custom-histogram-buckets", "{}"),
        "`--custom-histogram-buckets` is not a flag of dynamo-vllm 1.6.1",
    ),
    Mistake(
        "a flag of another engine", "flags", PLAIN, SERVER, ARGS, more("--mem-fraction-static", "0.8"), "is not a flag"
    ),
    Mistake(
        "the parser of another engine",
        "flags",
        PLAIN,
        SERVER,
        ARGS,
        after("--tool-call-parser", "qwen25"),
        "has no tool parser 'qwen25'",
    ),
    Mistake(
        "a flag with underscores", "flags", SGLANG, SERVER, ARGS, more("--log_requests"), "underscores are not accepted"
    ),
    Mistake(
        "a word for a number", "flags", PLAIN, SERVER, ARGS, after("--port", "http"), "the value 'http' of `--port`"
    ),
    Mistake("a flag given twice", "flags", PLAIN, SERVER, ARGS, more("--seed", "1", "--seed", "2"), "is given twice"),
    Mistake(
        "a deprecated flag",
        "flags",
        PLAIN,
        SERVER,
        ARGS,
        more("--log-config-file", "/f"),
        "is deprecated in vllm 0.33.0",
    ),
    Mistake(
        "a misspelt variable",
        "flags",
        PLAIN,
        SERVER,
        (*ENGINE, "env", 6),
        {"name": "VLLM_LOGING_LEVEL", "value": "INFO"},
        "`VLLM_LOGING_LEVEL` is not read by vllm 0.33.0",
    ),
    Mistake(
        "an image that nobody described",
        "flags",
        PLAIN,
        SERVER,
        (*ENGINE, "image"),
        replaced("v0.33.0", "v0.33.1"),
        "is none of the catalog",
    ),
    Mistake(
        "a shell around the engine",
        "flags",
        PLAIN,
        SERVER,
        (*ENGINE, "command"),
        ["/bin/sh", "-c", "vllm serve m | tee log"],
        "stand inside a shell's text",
    ),
)

REFERENCES = (
    Mistake(
        "a Service that selects nothing",
        "references",
        PLAIN,
        "service.yaml",
        ("spec", "selector"),
        {"app": "vllm"},
        "the Service selects no pod",
    ),
    Mistake(
        "a port that nobody opens",
        "references",
        PLAIN,
        "service.yaml",
        ("spec", "ports", 0, "targetPort"),
        "web",
        "declare no port web",
    ),
    Mistake(
        "a route to another Service",
        "references",
        PLAIN,
        ROUTE,
        ("spec", "rules", 0, "backendRefs", 0, "name"),
        "llama",
        "there is no Service llama",
        ("spec", "rules", 0, "backendRefs", 0),
    ),
    Mistake(
        "a gateway that the cluster lacks",
        "references",
        PLAIN,
        ROUTE,
        ("spec", "parentRefs", 0, "name"),
        "public",
        "the environment has no gateway",
        ("spec", "parentRefs", 0),
    ),
    Mistake(
        "a port that a variable moves",
        "references",
        GRAPH,
        GRAPH_FILE,
        ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "env", 11),
        {"name": "DYN_SYSTEM_PORT", "value": "8081"},
        "DYN_SYSTEM_PORT moves the server to port 8081, and port `system` is 9090",
        ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "ports"),
    ),
    Mistake(
        "a probe that the engine does not answer",
        "references",
        PLAIN,
        SERVER,
        (*ENGINE, "readinessProbe", "httpGet", "path"),
        "/ready",
        "asks /ready, which vllm does not answer",
    ),
    Mistake(
        "a volume that the pod lacks",
        "references",
        PLAIN,
        SERVER,
        (*ENGINE, "volumeMounts", 0, "name"),
        "weights",
        "the pod has no volume weights",
    ),
    Mistake(
        "a claim that nobody makes",
        "references",
        PLAIN,
        SERVER,
        (*POD, "volumes", 0, "persistentVolumeClaim", "claimName"),
        "weights",
        "there is no PersistentVolumeClaim weights",
    ),
)

SCALING = (
    Mistake(
        "replicas in Git beside an autoscaler",
        "replicas",
        PLAIN,
        SERVER,
        ("spec", "replicas"),
        2,
        "Git says 2 replicas",
    ),
    Mistake(
        "a query without aggregation",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        'vllm:num_requests_running{job="assistants/llama-8b"}',
        "more than one element",
    ),
    Mistake(
        "a share in percent",
        "replicas",
        PLAIN,
        SCALED,
        TRIGGER,
        {
            "type": "prometheus",
            "name": "load",
            "metadata": {
                "query": 'max(vllm:kv_cache_usage_perc{job="assistants/llama-8b"})',
                "threshold": "80",
                "ignoreNullValues": "false",
                "serverAddress": "http://prometheus-operated.monitoring.svc:9090",
            },
        },
        "can never ask for more than 1 replicas",
        (*TRIGGER, "metadata", "threshold"),
    ),
    Mistake(
        "a load divided twice",
        "replicas",
        PLAIN,
        SCALED,
        QUERY,
        'avg(vllm:num_requests_waiting{job="assistants/llama-8b"})',
        "AverageValue divides again",
    ),
    Mistake(
        "a short address of Prometheus",
        "replicas",
        PLAIN,
        SCALED,
        (*TRIGGER, "metadata", "serverAddress"),
        "http://prometheus:9090",
        "in its own namespace",
    ),
    Mistake(
        "a cooldown that nothing waits for",
        "replicas",
        PLAIN,
        SCALED,
        ("spec", "cooldownPeriod"),
        300,
        "cooldownPeriod has no effect with at least 1",
    ),
    Mistake(
        "a minimum above the maximum", "replicas", PLAIN, SCALED, ("spec", "minReplicaCount"), 9, "at least 9 replicas"
    ),
    Mistake(
        "a model that nothing wakes",
        "replicas",
        ZERO,
        SCALED,
        TRIGGER,
        REMOVED,
        "nothing wakes it",
        ("spec", "minReplicaCount"),
    ),
)

QUERIES = (
    Mistake(
        "a dead metric",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        replaced("vllm:num_requests_waiting", "vllm:num_requests_swapped"),
        "exports no vllm:num_requests_swapped",
    ),
    Mistake(
        "a label that no scrape adds",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        replaced('num_requests_waiting{job="assistants/llama-8b"', 'num_requests_waiting{deployment="llama-8b"'),
        "never has the label deployment",
    ),
    Mistake(
        "the name of another model",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        replaced('model_name="llama-3.1-8b-instruct"', 'model_name="meta-llama/Llama-3.1-8B-Instruct"'),
        "the engine is served as llama-3.1-8b-instruct",
    ),
    Mistake(
        "a rate of a gauge",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        'sum(rate(vllm:num_requests_waiting{job="assistants/llama-8b"}[5m]))',
        "it is a gauge",
    ),
    Mistake(
        "a gap that reads as idle",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        'sum(vllm:num_requests_waiting{job="assistants/llama-8b"}) or vector(0)',
        "a gap reads as no load",
    ),
    Mistake(
        "a query that does not parse",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        replaced("or max", "or (max"),
        "cannot read the query",
    ),
    Mistake(
        "a quantile without buckets",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        'histogram_quantile(0.9, sum(rate(vllm:time_to_first_token_seconds_bucket{job="assistants/llama-8b"}[5m])))',
        "needs the label le",
    ),
    Mistake(
        "the load of the whole cluster",
        "promql",
        PLAIN,
        SCALED,
        QUERY,
        "sum(vllm:num_requests_waiting)",
        "is read of every model and namespace",
    ),
)

TIMES = (
    Mistake(
        "a probe of one second",
        "lifecycle",
        PLAIN,
        SERVER,
        (*ENGINE, "readinessProbe", "timeoutSeconds"),
        REMOVED,
        "the readinessProbe has 1 s to answer",
    ),
    Mistake(
        "a grace period that the drain fills",
        "lifecycle",
        PLAIN,
        SERVER,
        (*POD, "terminationGracePeriodSeconds"),
        1695,
        "preStop 15 s + drain 1680 s = 1695 s",
    ),
    Mistake(
        "a liveness probe without a start",
        "lifecycle",
        PLAIN,
        SERVER,
        (*ENGINE, "startupProbe"),
        REMOVED,
        "there is no startupProbe",
        (*ENGINE, "livenessProbe"),
    ),
    Mistake(
        "a route without a timeout",
        "lifecycle",
        PLAIN,
        ROUTE,
        ("spec", "rules", 0, "timeouts"),
        REMOVED,
        "the route has no request timeout",
        ("spec", "rules", 0, "timeouts", "request"),
    ),
    Mistake(
        "a request held without limit",
        "lifecycle",
        ZERO,
        "interceptorroute.yaml",
        ("spec", "timeouts", "readiness"),
        REMOVED,
        "a request is held without limit",
    ),
)

SECURITY = (
    Mistake(
        "a floating tag",
        "security",
        PLAIN,
        SERVER,
        (*POD, "volumes", 2),
        {"name": "adapter", "image": {"reference": "registry.example.com/adapter:latest"}},
        "the tag latest moves",
        (*POD, "volumes", 2, "image", "reference"),
    ),
    Mistake(
        "a way past the gateway",
        "security",
        PLAIN,
        "service.yaml",
        ("spec", "type"),
        "NodePort",
        "leads past the gateway",
    ),
    Mistake(
        "a path that is no API",
        "security",
        PLAIN,
        ROUTE,
        ("spec", "rules", 0, "matches", 0, "path", "value"),
        "/invocations",
        "the path /invocations is none",
    ),
    Mistake(
        "variables of every Service",
        "security",
        PLAIN,
        SERVER,
        (*POD, "enableServiceLinks"),
        REMOVED,
        "sets variables here",
    ),
    Mistake(
        "a token in a variable",
        "secrets",
        PLAIN,
        SERVER,
        (*ENGINE, "env", 6),
        {"name": "HF_TOKEN_OLD", "value": "hf_" + "a1B2" * 6},
        "looks like a secret",
        (*ENGINE, "env", 6, "value"),
    ),
)

PLACEMENT = (
    Mistake(
        "a build for another architecture",
        "topology",
        GRAPH,
        GRAPH_FILE,
        ("spec", "components", 0, "podTemplate", "spec", "nodeSelector", "kubernetes.io/arch"),
        "s390x",
        "s390x",
        ("spec", "components", 0, "podTemplate", "spec"),
    ),
    Mistake(
        "a pod for any architecture",
        "topology",
        PLAIN,
        SERVER,
        (*POD, "nodeSelector", "kubernetes.io/arch"),
        REMOVED,
        "may land on nodes of any architecture",
    ),
    Mistake(
        "a group that is too small", "topology", GROUP, GROUP_FILE, ("spec", "leaderWorkerTemplate", "size"), 1, "GPUs"
    ),
    Mistake(
        "a replica over two racks",
        "topology",
        GROUP,
        GROUP_FILE,
        ("metadata", "annotations", "leaderworkerset.sigs.k8s.io/exclusive-topology"),
        REMOVED,
        "NVLink domains",
    ),
    Mistake(
        "a slice in place of the GPU",
        "topology",
        PLAIN,
        SERVER,
        (*ENGINE, "resources", "limits"),
        {"memory": "32Gi", "nvidia.com/mig-1g.12gb": "1"},
        "has no slice 1g.12gb: it has 1g.10gb",
        (*ENGINE, "resources", "limits", "nvidia.com/mig-1g.12gb"),
    ),
    Mistake(
        "a pod on whatever GPU there is",
        "topology",
        PLAIN,
        SERVER,
        POD,
        lambda spec: {**spec, "affinity": {}, "nodeSelector": {"kubernetes.io/arch": "amd64"}},
        "nothing keeps the pod on NVIDIA H100",
        (*POD, "affinity"),
    ),
    Mistake(
        "a volume of one node for several pods",
        "topology",
        PLAIN,
        "persistentvolumeclaim.yaml",
        ("spec", "accessModes"),
        ["ReadWriteOnce"],
        "up to 2 pods mount",
        None,
    ),
    Mistake(
        "a taint that is not tolerated", "topology", PLAIN, SERVER, (*POD, "tolerations"), [], "is not tolerated", POD
    ),
    Mistake(
        "a label that cannot be",
        "names",
        PLAIN,
        SERVER,
        ("metadata", "labels", "team"),
        "chat and search",
        "cannot be the value of a label",
    ),
    Mistake(
        "a sync option that is misspelt",
        "options",
        PLAIN,
        "persistentvolumeclaim.yaml",
        ("metadata", "annotations", "argocd.argoproj.io/sync-options"),
        "Prune=flase",
        "Argo CD has no sync option Prune=flase",
    ),
    Mistake(
        "a version that the cluster no longer serves",
        "apis",
        PLAIN,
        "poddisruptionbudget-server.yaml",
        ("apiVersion",),
        "policy/v1beta1",
        "policy/v1beta1 PodDisruptionBudget is no longer served since Kubernetes 1.25",
    ),
    Mistake(
        "a claim that comes after its pod",
        "waves",
        PLAIN,
        "persistentvolumeclaim.yaml",
        ("metadata", "annotations", "argocd.argoproj.io/sync-wave"),
        "3",
        "which waits for it",
        (*POD, "volumes", 0, "persistentVolumeClaim", "claimName"),
    ),
)

MISTAKES = (*FLAGS, *REFERENCES, *SCALING, *QUERIES, *TIMES, *SECURITY, *PLACEMENT)


def _renamed(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest["metadata"].__setitem__("name", name)


def _rule(manifest: dict[str, Any]) -> None:
    job = 'job="assistants/llama-8b"'
    share = f'100 * rate(http_requests_total{{{job},status!="2xx"}}[5m]) / rate(http_requests_total{{{job}}}[5m])'
    manifest.update(kind="PrometheusRule", spec={"groups": [{"name": "m", "rules": [{"alert": "A", "expr": share}]}]})


EXTRAS = (
    Extra("a second monitor", "monitors", PLAIN, "podmonitor-server.yaml", _renamed("again"), "counters double"),
    Extra(
        "two objects of one name", "names", PLAIN, "poddisruptionbudget-server.yaml", lambda manifest: None, "a second"
    ),
    Extra("a share that is always one", "promql", PLAIN, "podmonitor-server.yaml", _rule, "the share is always 1"),
    Extra(
        "a Secret with its content",
        "secrets",
        PLAIN,
        "serviceaccount.yaml",
        lambda manifest: manifest.update(kind="Secret"),
        "would stand in Git",
    ),
    Extra("two autoscalers", "replicas", PLAIN, SCALED, _renamed("other"), "is scaled twice"),
)

# what only the schemas tell; read by kubeconform, all in one run
SCHEMAS = (
    Mistake(
        "a misspelt field",
        "schema",
        PLAIN,
        SERVER,
        (*ENGINE, "imagePolicy"),
        "Always",
        "'imagePolicy' not allowed",
        ENGINE,
    ),
    Mistake("text for a number", "schema", PLAIN, SERVER, ("spec", "progressDeadlineSeconds"), "600", "want integer"),
    Mistake(
        "a quantity in GB",
        "schema",
        PLAIN,
        SERVER,
        (*ENGINE, "resources", "limits", "memory"),
        "10GB",
        "does not match",
    ),
    Mistake("a kind of another group", "schema", PLAIN, SCALED, ("apiVersion",), "keda.sh/v2", "no schema", ("kind",)),
    Mistake(
        "an effect that is none", "schema", PLAIN, SERVER, (*POD, "tolerations", 0, "operator"), ["x"], "want string"
    ),
    Mistake(
        "a field of a CRD that is not there",
        "schema",
        ZERO,
        "interceptorroute.yaml",
        ("spec", "target", "svc"),
        "x",
        "svc",
    ),
    Mistake(
        "a component type of an older Dynamo",
        "schema",
        GRAPH,
        GRAPH_FILE,
        ("spec", "components", 1, "type"),
        "main",
        "'worker'",
    ),
    Mistake(
        "a field that must be there",
        "schema",
        GROUP,
        GROUP_FILE,
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
        REMOVED,
        "workerTemplate",
    ),
)

# what only a rule of a CRD tells
RULES = (
    Mistake(
        "two ways to name a port",
        "cel",
        ZERO,
        "interceptorroute.yaml",
        ("spec", "target", "portName"),
        "http",
        "port",
        ("spec", "target"),
    ),
    Mistake(
        "a figure to scale on that is missing",
        "cel",
        ZERO,
        "interceptorroute.yaml",
        ("spec", "scalingMetric"),
        {},
        "concurrency",
        ("spec", "scalingMetric"),
    ),
)
