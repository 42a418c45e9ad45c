"""Pods of a DynamoGraphDeployment as its operator would make them: a Deployment or a group for each component.

The operator itself is in no registry. The rules are read from ai-dynamo/dynamo, deploy/operator/internal/controller
and deploy/operator/internal/dynamo @ 2a6da14c: the pathway without Grove, which our graphs ask for.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

KIND = "DynamoGraphDeployment"
_SURGE = "nvidia.com/deployment-rolling-update-max-surge"
_UNAVAILABLE = "nvidia.com/deployment-rolling-update-max-unavailable"
_GRAPH, _COMPONENT = "nvidia.com/dynamo-graph-deployment-name", "nvidia.com/dynamo-component"


def workloads(graph: Manifest) -> Iterator[Manifest]:
    """Model what the operator creates of a graph."""
    for component in graph["spec"]["components"]:
        yield _workload(graph, component)


def name_of(graph: Manifest, component: Manifest) -> str:
    """Name the workload of a component."""
    return f"{graph['metadata']['name']}-{component['name'].lower()}"


def _workload(graph: Manifest, component: Manifest) -> Manifest:
    name = name_of(graph, component)
    template: Manifest = copy.deepcopy(component["podTemplate"])
    labels = {_GRAPH: graph["metadata"]["name"], _COMPONENT: component["name"]}
    metadata = template.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    annotations = metadata.get("annotations") or {}
    common = {"metadata": {"name": name, "namespace": graph["metadata"]["namespace"], "labels": metadata["labels"]}}
    replicas = component.get("replicas", 1)
    nodes = (component.get("multinode") or {}).get("nodeCount", 1)
    if nodes > 1:
        group = {"size": nodes, "workerTemplate": template}
        spec: Manifest = {"replicas": replicas, "leaderWorkerTemplate": group}
        return {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", **common, "spec": spec}
    rolling = {
        "maxSurge": _count(annotations.get(_SURGE, "25%")),
        "maxUnavailable": _count(annotations.get(_UNAVAILABLE, "25%")),
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "template": template,
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", **common, "spec": spec}


def _count(written: str) -> int | str:
    return int(written) if written.isdigit() else written
