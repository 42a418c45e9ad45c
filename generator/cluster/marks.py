"""Which pods the node agent runs: the API server itself marks them as they are made, so manifests stay as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping

from generator.cluster.agent import ANNOTATION, SIMULATOR
from generator.cluster.client import Api, Manifest

_VERSION = "admissionregistration.k8s.io/v1"
_INSTANCE = "app.kubernetes.io/instance"
# a part of the image's name, and the program of ours that stands in for it
SIMULATORS = {"llm-d-inference-sim": SIMULATOR}
ENGINES = {**SIMULATORS, "vllm-openai": "vllm", "lmsysorg/sglang": "sglang"}


def mark(api: Api, images: Mapping[str, str], releases: Collection[str] = ()) -> None:
    """Have pods of these images marked from now on, of all releases or of some.

    Raises: TimeoutError when the API server does not do so.
    """
    for image, program in images.items():
        for manifest in _policy(image, program, releases):
            api.apply(manifest)
    for image, program in images.items():
        _wait(api, image, program, next(iter(releases), "any"))


def _policy(image: str, program: str, releases: Collection[str]) -> Iterator[Manifest]:
    name = f"{program}.modelyard.dev"
    conditions = [f"object.spec.containers[0].image.contains({json.dumps(image)})"]
    if releases:
        label = f'object.metadata.?labels["{_INSTANCE}"].orValue("")'
        conditions.append(f"{label} in {json.dumps(sorted(releases))}")
    annotations = f"{{{json.dumps(ANNOTATION)}: {json.dumps(program)}}}"
    yield {
        "apiVersion": _VERSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ]
            },
            "matchConditions": [
                {"name": f"condition-{index}", "expression": text} for index, text in enumerate(conditions)
            ],
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {
                        "expression": f"Object{{metadata: Object.metadata{{annotations: {annotations}}}}}"
                    },
                }
            ],
        },
    }
    yield {
        "apiVersion": _VERSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }


def _wait(api: Api, image: str, program: str, release: str) -> None:
    """Wait until the API server follows a new policy: it reads them some moments after they are stored."""
    example = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "is-it-marked", "namespace": "default", "labels": {_INSTANCE: release}},
        "spec": {"containers": [{"name": "engine", "image": f"example.com/{image}:1"}]},
    }
    path = api.path("v1", "Pod", "default")
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        made = api.request("POST", f"{path}?dryRun=All", example)
        if made["metadata"].get("annotations", {}).get(ANNOTATION) == program:
            return
        time.sleep(0.1)
    raise TimeoutError(f"the API server does not mark pods of {image}")
