"""Fields that something else than Git owns: replicas of whatever an autoscaler scales.

The manifests leave these fields out. The rules are needed all the same: when a release changes from a fixed
number to an autoscaler, server-side apply would remove the number that Argo CD wrote before, and the API
server would put 1 in its place. With a rule and `RespectIgnoreDifferences=true` Argo CD applies the live
number instead.

An Application follows the newest commit of its folder at once, and its own new definition only after the root did. A
release that gets an autoscaler would so be applied under the old definition, without the rule. It therefore lies in
another folder from then on: the old definition finds none and waits, the new one comes with the rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from generator.argocd.objects import GroupKind, Manifest, group_kind, group_of

GRAPH: GroupKind = ("nvidia.com", "DynamoGraphDeployment")
OWNED_ELSEWHERE = "autoscaled"
AUTOSCALERS: frozenset[GroupKind] = frozenset({("keda.sh", "ScaledObject"), ("autoscaling", "HorizontalPodAutoscaler")})


def rules(objects: Iterable[Manifest]) -> list[Manifest]:
    """List the `ignoreDifferences` of an Application over these objects, by group, kind and name."""
    objects = list(objects)
    targets = {target for manifest in objects for target in _targets(manifest)}
    found = [rule for manifest in objects for rule in _rules_of(manifest, targets)]
    return sorted(found, key=lambda rule: (rule["group"], rule["kind"], rule["name"]))


def folder(release: str, found: list[Manifest]) -> str:
    """Name the folder of a release below `rendered/` by its rules: another one where Git does not own everything."""
    return f"{release}/{OWNED_ELSEWHERE}" if found else release


def _targets(manifest: Manifest) -> list[tuple[str, str, str]]:
    if group_kind(manifest) not in AUTOSCALERS:
        return []
    target = manifest["spec"]["scaleTargetRef"]
    # KEDA's defaults (scaling.md of its API: apps/v1, Deployment)
    group = group_of(target.get("apiVersion", "apps/v1"))
    return [(group, target.get("kind", "Deployment"), target["name"])]


def _rules_of(manifest: Manifest, targets: set[tuple[str, str, str]]) -> list[Manifest]:
    group, kind = group_kind(manifest)
    name = manifest["metadata"]["name"]
    # The group has to be there: a rule without one matches the core group alone, never a Deployment
    # (argoproj/argo-cd#28590).
    entry: Manifest = {"group": group, "kind": kind, "name": name}
    if (group, kind) == GRAPH:
        paths = _graph_paths(manifest)
        return [{**entry, "jqPathExpressions": paths}] if paths else []
    return [{**entry, "jsonPointers": ["/spec/replicas"]}] if (group, kind, name) in targets else []


def _graph_paths(graph: Manifest) -> list[str]:
    """Name the replicas of each component that has a scaling adapter.

    A component that writes `replicas` all the same gets no rule: Argo CD would then apply the live list of
    components in place of the one in Git (controller/sync.go, normalizeTargetResources, v3.6.1), and no
    change of an image would ever arrive.
    """
    names = sorted(
        component["name"]
        for component in graph["spec"].get("components", ())
        if "scalingAdapter" in component and "replicas" not in component
    )
    return [f".spec.components[] | select(.name == {json.dumps(name)}) | .replicas" for name in names]
