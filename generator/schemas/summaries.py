"""Kinds of Dynamo and Grove: derived from summaries of the CRDs, because no registry carries the operators' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generator.schemas.convert import QUANTITY_PATTERN, Schema, convert, rooted, share
from generator.schemas.structural import resolve

DYNAMO, GROVE = "nvidia.com", "grove.io"
_FILES = {DYNAMO: "dynamo.json", GROVE: "grove.json"}
_SAME = ("enum", "format", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern")
# CRDs take a quantity as an integer or a string; a fraction without quotes is refused.
_QUANTITY: Schema = {"api.resource.Quantity": {"type": ["integer", "string"], "pattern": QUANTITY_PATTERN}}
# Where a kind's own schema keeps the rules that hold for it and that no expression here asks.
UNWRITTEN = "x-modelyard-unwritten-rules"


def summary(group: str) -> dict[str, Any]:
    """Read the summary of a group: its source, what it does not cover, and each version of each kind."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name(_FILES[group]).read_text(encoding="utf-8"))
    return found


def summaries() -> list[dict[str, Any]]:
    """Read them all."""
    return [summary(group) for group in _FILES]


def openapi(node: dict[str, Any]) -> Schema:
    """Spell a node of the summary as the CRD does; built-in types become references.

    Rules of the operator's webhook stand there as CEL: what it refuses, the API server and our checks then refuse.
    """
    if "k8sCore" in node:
        return {"$ref": f"#/$defs/{node['k8sCore'].replace('/', '.').replace(' ', '.')}"}
    out: Schema = {key: node[key] for key in (*_SAME, "default") if key in node}
    if node["type"] == "int-or-string":
        out["x-kubernetes-int-or-string"] = True
    elif node["type"] != "any":
        out["type"] = node["type"]
    if node.get("preserveUnknown") or node["type"] == "any":
        out["x-kubernetes-preserve-unknown-fields"] = True
    if "listType" in node:
        out["x-kubernetes-list-type"] = node["listType"]
    if "listMapKeys" in node:
        out["x-kubernetes-list-map-keys"] = node["listMapKeys"]
    if "rules" in node:
        out["x-kubernetes-validations"] = node["rules"]
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
    definitions = {**built_ins, **object_meta, **_QUANTITY}
    api_version = f"{group}/{kind['version']}"
    return rooted(body, api_version=api_version, kind=kind["kind"], definitions=definitions)


def structural_of(summary: dict[str, Any], kind: dict[str, Any], built_ins: Schema) -> tuple[Schema, Schema]:
    """Make what the API server would read of one derived kind: the schema, and the subtrees that it refers to."""
    members: Schema = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": resolve(openapi(kind["spec"]), built_ins | _QUANTITY),
        "status": {"type": "object"},
    }
    unwritten = [*kind.get("unwritten", ()), *summary["unwritten"]]
    small, shared = share({"type": "object", "properties": members})
    return {**small, UNWRITTEN: unwritten}, shared
