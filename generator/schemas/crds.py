"""Custom kinds: from the CustomResourceDefinitions that their makers publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from generator.schemas.convert import Schema, convert, rooted, share

_RULE_KEYS = ("fieldPath", "message", "messageExpression", "optionalOldSelf", "reason", "rule")


class _Loader(yaml.CSafeLoader):
    """Reads a plain `=`, which YAML 1.1 gives a type of its own and PyYAML no constructor."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def definitions_in(text: str) -> list[dict[str, Any]]:
    """Read the CustomResourceDefinitions of a YAML file, in its order."""
    documents = yaml.load_all(text, Loader=_Loader)
    return [d for d in documents if d and d.get("kind") == "CustomResourceDefinition"]


def version_schema(crd: dict[str, Any], version: str) -> Schema:
    """Return the OpenAPI schema of one version; an absent one would accept everything."""
    for entry in crd["spec"]["versions"]:
        if entry["name"] == version:
            schema: Schema = entry["schema"]["openAPIV3Schema"]
            return schema
    raise ValueError(f"{crd['metadata']['name']} has no version {version}")


def schema_of(openapi: Schema, *, api_version: str, kind: str, object_meta: Schema) -> Schema:
    """Make the schema of one custom kind; `object_meta` defines metadata and what it refers to."""
    body = convert(_without_status(openapi), structural=True)
    small, shared = share(body)
    return rooted(small, api_version=api_version, kind=kind, definitions={**shared, **object_meta})


def _without_status(openapi: Schema) -> Schema:
    members = {n: ({"type": "object"} if n == "status" else s) for n, s in openapi["properties"].items()}
    return {**openapi, "properties": members}


def rules(openapi: Schema, path: str = "") -> Iterator[dict[str, Any]]:
    """Walk the CEL rules of a schema with the place of each: `.spec.items[*].name`, `{*}` for map values."""
    for rule in openapi.get("x-kubernetes-validations", []):
        yield {"path": path or ".", **{key: rule[key] for key in _RULE_KEYS if key in rule}}
    for name, child in openapi.get("properties", {}).items():
        if path or name != "status":
            yield from rules(child, f"{path}.{name}")
    if isinstance(openapi.get("items"), dict):
        yield from rules(openapi["items"], f"{path}[*]")
    if isinstance(openapi.get("additionalProperties"), dict):
        yield from rules(openapi["additionalProperties"], f"{path}{{*}}")
