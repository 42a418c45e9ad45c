"""The real kubeconform, offline, with our schemas: what it accepts and what it must refuse."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from generator import schemas
from generator.tools import find

POD = {
    "containers": [
        {
            "name": "main",
            "image": "registry.example/engine:1",
            "imagePullPolicy": "IfNotPresent",
            "env": [{"name": "A", "value": "1"}],
            "ports": [{"name": "http", "containerPort": 8000}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
            "resources": {"limits": {"nvidia.com/gpu": 1, "cpu": "2", "memory": "10Gi"}},
        }
    ]
}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}


def an_object(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec}


GOOD = {
    "deployment": an_object(
        "apps/v1",
        "Deployment",
        {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE},
    ),
    "service": an_object("v1", "Service", {"ports": [{"port": 80, "targetPort": "http"}]}),
    "scaledobject": an_object(
        "keda.sh/v1alpha1",
        "ScaledObject",
        {
            "scaleTargetRef": {"name": "a"},
            "minReplicaCount": 0,
            "triggers": [{"type": "prometheus", "metricType": "AverageValue", "metadata": {"threshold": "5"}}],
        },
    ),
    "httproute": an_object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {
            "parentRefs": [{"name": "gateway", "namespace": "b"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                    "backendRefs": [{"name": "a", "port": 80}],
                    "timeouts": {"request": "0s"},
                }
            ],
        },
    ),
    "leaderworkerset": an_object(
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        {
            "replicas": 1,
            "leaderWorkerTemplate": {
                "size": 2,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": TEMPLATE,
                "workerTemplate": TEMPLATE,
            },
        },
    ),
    "inferenceservice": an_object(
        "serving.kserve.io/v1beta1",
        "InferenceService",
        {"predictor": {"minReplicas": 0, "model": {"modelFormat": {"name": "vllm"}, "storageUri": "hf://a/b"}}},
    ),
    "servingruntime": an_object(
        "serving.kserve.io/v1alpha1",
        "ServingRuntime",
        {"supportedModelFormats": [{"name": "vllm", "autoSelect": True}], "containers": POD["containers"]},
    ),
    "llminferenceservice": an_object(
        "serving.kserve.io/v1alpha2",
        "LLMInferenceService",
        {"model": {"uri": "hf://a/b", "name": "a"}, "replicas": 1, "template": POD},
    ),
    "dynamographdeployment": an_object(
        "nvidia.com/v1beta1",
        "DynamoGraphDeployment",
        {
            "backendFramework": "vllm",
            "components": [
                {"name": "Frontend", "type": "frontend", "replicas": 1, "podTemplate": TEMPLATE},
                {
                    "name": "decode",
                    "type": "decode",
                    "scalingAdapter": {},
                    "sharedMemorySize": "16Gi",
                    "multinode": {"nodeCount": 2},
                    "podTemplate": TEMPLATE,
                },
            ],
        },
    ),
}
REMOVED = object()
CONTAINER = ("spec", "template", "spec", "containers", 0)
TRIGGER = ("spec", "triggers", 0)
RULE = ("spec", "rules", 0)
GROUP = ("spec", "leaderWorkerTemplate")
COMPONENT = ("spec", "components", 0)
# name, base object, place, new value, what the message must hold
Break = tuple[str, str, tuple[str | int, ...], object, str]
BROKEN: tuple[Break, ...] = (
    ("unknown-field", "deployment", (*CONTAINER, "imagePolicy"), "x", "'imagePolicy' not allowed"),
    ("unknown-root", "deployment", ("specs",), {}, "'specs' not allowed"),
    ("unknown-meta", "service", ("metadata", "label"), {}, "'label' not allowed"),
    ("no-name", "service", ("metadata",), {"labels": {}}, "missing property 'name'"),
    ("wrong-type", "deployment", ("spec", "replicas"), "1", "got string, want integer"),
    ("wrong-enum", "deployment", (*CONTAINER, "imagePullPolicy"), "Alway", "value must be one of"),
    ("number-as-text", "deployment", (*CONTAINER, "env", 0, "value"), 1, "got number, want string"),
    ("quantity", "deployment", (*CONTAINER, "resources", "limits", "memory"), "10GB", "does not match"),
    ("no-selector", "deployment", ("spec", "selector"), REMOVED, "missing property 'selector'"),
    ("no-spec", "deployment", ("spec",), REMOVED, "missing property 'spec'"),
    ("null", "deployment", ("spec", "replicas"), None, "got null, want integer"),
    ("threshold", "scaledobject", (*TRIGGER, "metadata", "threshold"), 5, "got number, want string"),
    ("no-triggers", "scaledobject", ("spec", "triggers"), REMOVED, "missing property 'triggers'"),
    ("other-version", "scaledobject", ("apiVersion",), "keda.sh/v1", "could not find schema"),
    ("timeout", "httproute", (*RULE, "timeouts", "request"), "1 hour", "does not match"),
    ("match", "httproute", (*RULE, "matches", 0, "path", "type"), "Prefix", "value must be one of"),
    ("size-text", "leaderworkerset", (*GROUP, "size"), "2", "got string, want integer"),
    ("no-worker", "leaderworkerset", (*GROUP, "workerTemplate"), REMOVED, "missing property"),
    ("runtime-without-pod", "servingruntime", ("spec", "containers"), REMOVED, "missing property 'containers'"),
    ("model-format", "inferenceservice", ("spec", "predictor", "model", "modelFormat"), "vllm", "want object"),
    ("predictor", "inferenceservice", ("spec", "predictor", "storageUri"), "hf://a/b", "'storageUri' not allowed"),
    ("model-without-uri", "llminferenceservice", ("spec", "model", "uri"), REMOVED, "missing property 'uri'"),
    ("llm-pod", "llminferenceservice", ("spec", "template", "nodeSelectors"), {}, "'nodeSelectors' not allowed"),
    ("component-type", "dynamographdeployment", (*COMPONENT, "type"), "router", "value must be one of"),
    ("adapter", "dynamographdeployment", (*COMPONENT, "scalingAdapter"), {"on": True}, "'on' not allowed"),
    (
        "pod-inside",
        "dynamographdeployment",
        (*COMPONENT, "podTemplate", "spec", "nodeSelectors"),
        {},
        "'nodeSelectors' not allowed",
    ),
    ("unknown-kind", "service", ("kind",), "Servise", "could not find schema"),
)


def broken(base: str, place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD[base])
    target: Any = changed
    for part in place[:-1]:
        target = target[part]
    if value is REMOVED:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    return changed


def kubeconform(folder: Path, minor: str) -> dict[str, dict[str, str]]:
    """Run kubeconform over a folder and return its result for each file."""
    places = [part for place in schemas.locations(minor) for part in ("-schema-location", place)]
    command = [str(find("kubeconform")), "-strict", "-output", "json", "-verbose", *places, str(folder)]
    done = subprocess.run(command, cwd=schemas.ROOT, capture_output=True, text=True, check=False)
    return {Path(entry["filename"]).stem: entry for entry in json.loads(done.stdout)["resources"]}


def write(folder: Path, objects: dict[str, dict[str, Any]]) -> Path:
    for name, content in objects.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("minor", schemas.versions())
def test_good_objects_are_accepted_on_every_minor(minor: str, tmp_path: Path) -> None:
    results = kubeconform(write(tmp_path, GOOD), minor)
    assert {name: entry["status"] for name, entry in results.items()} == dict.fromkeys(GOOD, "statusValid"), [
        entry["msg"] for entry in results.values()
    ]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("broken")
    objects = {name: broken(base, place, value) for name, base, place, value, _ in BROKEN}
    return kubeconform(write(folder, objects), schemas.versions()[-1])


@pytest.mark.parametrize(("name", "message"), [(entry[0], entry[4]) for entry in BROKEN])
def test_a_broken_object_is_refused(refusals: dict[str, dict[str, str]], name: str, message: str) -> None:
    assert refusals[name]["status"] in ("statusInvalid", "statusError")
    assert message in refusals[name]["msg"]
