"""Which fields of which objects Argo CD leaves to an autoscaler."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.argocd import ignore
from generator.tools import find

Manifest = dict[str, Any]


def an_object(api: str, kind: str, name: str, **spec: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "chat"}, "spec": spec}


def a_scaled_object(**target: str) -> Manifest:
    return an_object("keda.sh/v1alpha1", "ScaledObject", "scaler", scaleTargetRef=target)


DEPLOYMENT = an_object("apps/v1", "Deployment", "qwen")
GRAPH = an_object(
    "nvidia.com/v1beta1",
    "DynamoGraphDeployment",
    "qwen",
    components=[
        {"name": "prefill", "scalingAdapter": {}},
        {"name": "frontend", "replicas": 1},
        {"name": "decode", "scalingAdapter": {}},
    ],
)


def test_a_deployment_that_keda_scales_is_named_with_its_group() -> None:
    assert ignore.rules([DEPLOYMENT, a_scaled_object(name="qwen")]) == [
        {"group": "apps", "kind": "Deployment", "name": "qwen", "jsonPointers": ["/spec/replicas"]}
    ]


def test_a_deployment_that_nothing_scales_gets_no_rule() -> None:
    assert ignore.rules([DEPLOYMENT, a_scaled_object(name="other")]) == []


def test_a_target_is_matched_by_kind_as_well_as_by_name() -> None:
    target = a_scaled_object(name="qwen", apiVersion="apps/v1", kind="StatefulSet")
    assert ignore.rules([DEPLOYMENT, target]) == []


def test_a_leader_worker_set_is_matched_by_its_own_group() -> None:
    api = "leaderworkerset.x-k8s.io/v1"
    workload = an_object(api, "LeaderWorkerSet", "qwen")
    target = a_scaled_object(name="qwen", apiVersion=api, kind="LeaderWorkerSet")
    assert [rule["group"] for rule in ignore.rules([workload, target])] == ["leaderworkerset.x-k8s.io"]


def test_a_plain_autoscaler_owns_replicas_too_and_gets_no_rule_itself() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "qwen"}
    autoscaler = an_object("autoscaling/v2", "HorizontalPodAutoscaler", "qwen", scaleTargetRef=target)
    assert [rule["kind"] for rule in ignore.rules([autoscaler, DEPLOYMENT])] == ["Deployment"]


def test_only_components_with_a_scaling_adapter_are_named() -> None:
    assert ignore.rules([GRAPH]) == [
        {
            "group": "nvidia.com",
            "kind": "DynamoGraphDeployment",
            "name": "qwen",
            "jqPathExpressions": [
                '.spec.components[] | select(.name == "decode") | .replicas',
                '.spec.components[] | select(.name == "prefill") | .replicas',
            ],
        }
    ]


def test_a_graph_without_scaling_adapter_gets_no_rule() -> None:
    fixed = an_object("nvidia.com/v1beta1", "DynamoGraphDeployment", "qwen", components=[{"name": "decode"}])
    assert ignore.rules([fixed]) == []


def test_a_component_that_writes_its_replicas_gets_no_rule_because_the_rule_would_freeze_the_graph() -> None:
    component = {"name": "decode", "scalingAdapter": {}, "replicas": 2}
    graph = an_object("nvidia.com/v1beta1", "DynamoGraphDeployment", "qwen", components=[component])
    assert ignore.rules([graph]) == []


def test_rules_are_sorted() -> None:
    second = an_object("apps/v1", "Deployment", "a")
    objects = [DEPLOYMENT, second, a_scaled_object(name="qwen"), a_scaled_object(name="a")]
    assert [rule["name"] for rule in ignore.rules(objects)] == ["a", "qwen"]


def ignored(rule: Manifest, live: Manifest, folder: Path, group: str | None = None) -> str:
    """Ask Argo CD, which offers this for rules of the whole system only, about one of an Application."""
    paths = {key: rule[key] for key in ("jsonPointers", "jqPathExpressions") if key in rule}
    prefix = rule["group"] if group is None else group
    key = f"resource.customizations.ignoreDifferences.{prefix}_{rule['kind']}"
    settings = folder / "argocd-cm.yaml"
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}}
    settings.write_text(yaml.safe_dump({**configmap, "data": {key: yaml.safe_dump(paths)}}))
    file = folder / "object.yaml"
    file.write_text(yaml.safe_dump(live))
    command = ["admin", "settings", "resource-overrides", "ignore-differences", str(file)]
    done = subprocess.run(
        [find("argocd"), *command, "--argocd-cm-path", str(settings)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_argo_cd_ignores_the_replicas_of_a_deployment(tmp_path: Path) -> None:
    (rule,) = ignore.rules([DEPLOYMENT, a_scaled_object(name="qwen")])
    live = an_object("apps/v1", "Deployment", "qwen", replicas=5, paused=False)
    told = ignored(rule, live, tmp_path)
    assert "replicas: 5" in told
    assert "<   paused" not in told


@pytest.mark.parametrize("group", ["", "extensions"])
def test_argo_cd_overlooks_a_rule_with_the_wrong_group(group: str, tmp_path: Path) -> None:
    (rule,) = ignore.rules([DEPLOYMENT, a_scaled_object(name="qwen")])
    live = an_object("apps/v1", "Deployment", "qwen", replicas=5)
    assert "replicas: 5" not in ignored(rule, live, tmp_path, group)


def test_argo_cd_ignores_the_replicas_of_scaled_components_only(tmp_path: Path) -> None:
    (rule,) = ignore.rules([GRAPH])
    components = [
        {"name": "decode", "replicas": 5},
        {"name": "frontend", "replicas": 2},
        {"name": "prefill", "replicas": 4},
    ]
    live = an_object("nvidia.com/v1beta1", "DynamoGraphDeployment", "qwen", components=components)
    changes = [line for line in ignored(rule, live, tmp_path).splitlines() if line.startswith("<")]
    assert [line.strip("< ") for line in changes if "replicas" in line] == ["replicas: 5", "replicas: 4"]
