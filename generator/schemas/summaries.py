"""Kinds of Dynamo and Grove: derived from summaries of the CRDs, because no registry carries the operators' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generator.schemas.convert import QUANTITY_PATTERN, Schema, convert, rooted

DYNAMO, GROVE = "nvidia.com", "grove.io"
_FILES = {DYNAMO: "dynamo.json", GROVE: "grove.json"}
_SAME = ("enum", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern")


def summary(group: str) -> dict[str, Any]:
    """Read the summary of a group: its source, what it does not cover, and each version of each kind."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name(_FILES[group]).read_text(encoding="utf-8"))
    return found


def summaries() -> list[dict[str, Any]]:
    """Read them all."""
    return [summary(group) for group in _FILES]


def openapi(node: dict[str, Any]) -> Schema:
    """Spell a node of the summary as the CRD does; built-in types become references."""
    if "k8sCore" in node:
        return {"$ref": f"#/$defs/{node['k8sCore'].replace('/', '.').replace(' ', '.')}"}
    out: Schema = {key: node[key] for key in (*_SAME, "default") if key in node}
    if node["type"] == "int-or-string":
        out["x-kubernetes-int-or-string"] = True
    elif node["type"] != "any":
        out["type"] = node["type"]
    if node.get("preserveUnknown"):
        out["x-kubernetes-preserve-unknown-fields"] = True
    if "listType" in node:
        out["x-kubernetes-list-type"] = node["listType"]
        out["x-kubernetes-list-map-keys"] = node.get("listMapKeys", [])
    return out | _parts(node)


def _parts(node: dict[str, Any]) -> Schema:
    out: Schema = {}
    if "properties" in node:
        out["properties"] = {name: openapi(child) for name, child in node["properties"].items()}
        required = [name for name, child in node["properties"].items() if child.get("required")]
        if required:
            out["required"] = required
    if "items" in node:
        out["items"] = openapi(node["items"])
    if "values" in node:
        out["additionalProperties"] = openapi(node["values"])
    return out


def schema_of(group: str, kind: dict[str, Any], built_ins: Schema, object_meta: Schema) -> Schema:
    """Make the schema of one derived kind; its pods are checked against the built-in definitions."""
    tree = {"type": "object", "properties": {"spec": openapi(kind["spec"]), "status": {"type": "object"}}}
    body = convert(tree, structural=True)
    # CRDs take a quantity as an integer or a string; a fraction without quotes is refused.
    quantity = {"type": ["integer", "string"], "pattern": QUANTITY_PATTERN}
    definitions = {**built_ins, **object_meta, "api.resource.Quantity": quantity}
    api_version = f"{group}/{kind['version']}"
    return rooted(body, api_version=api_version, kind=kind["kind"], definitions=definitions)
