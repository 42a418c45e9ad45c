"""CustomResourceDefinitions made from our own schemas, for kinds whose own no registry carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generator.schemas.sources import custom_path
from generator.schemas.summaries import DYNAMO, summary

Tree = dict[str, Any]

MARK = "modelyard.dev/derived"
_SAME = (
    "enum",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "required",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
)


def definitions(root: Path) -> list[Tree]:
    """Make the definitions of the Dynamo kinds, each with the version that is stored.

    Between versions the operator converts, which is not there.
    """
    stored = [kind for kind in summary(DYNAMO)["kinds"] if kind["storage"]]
    return [
        _definition(kind, json.loads((root / custom_path(DYNAMO, kind["kind"], kind["version"])).read_text()))
        for kind in sorted(stored, key=lambda kind: str(kind["kind"]))
    ]


def _definition(kind: Tree, schema: Tree) -> Tree:
    name, plural = kind["kind"], kind["plural"]
    body = structural(schema, schema["$defs"])
    body["properties"] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": body["properties"]["spec"],
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    body.pop("required", None)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{DYNAMO}", "annotations": {MARK: "true"}},
        "spec": {
            "group": DYNAMO,
            "scope": "Namespaced",
            "names": {"kind": name, "listKind": f"{name}List", "plural": plural, "singular": name.lower()},
            "versions": [
                {
                    "name": kind["version"],
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": body},
                    "subresources": kind["subresources"],
                }
            ],
        },
    }


def structural(node: Tree, shared: dict[str, Tree]) -> Tree:
    """Turn JSON Schema 2020-12 back into the structural form of definitions: no references, one type."""
    if "$ref" in node:
        node = shared[node["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in node.items() if k != "$ref"}
    out: Tree = {key: node[key] for key in _SAME if key in node}
    out |= _type(node.get("type"))
    if "properties" in node:
        out["properties"] = {name: structural(child, shared) for name, child in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), dict):
        out["additionalProperties"] = structural(node["additionalProperties"], shared)
    if isinstance(node.get("items"), dict):
        out["items"] = structural(node["items"], shared)
    for key in out.get("x-kubernetes-list-map-keys", ()):
        # a key that may be absent needs a default; the types that Kubernetes shares have these
        if key not in out["items"].get("required", ()):
            out["items"]["properties"][key]["default"] = "TCP" if key == "protocol" else ""
    if node.get("uniqueItems"):
        # the structural form knows no uniqueItems; a set says the same
        out.setdefault("x-kubernetes-list-type", "set")
    return out


def _type(type_: Any) -> Tree:
    if isinstance(type_, list):
        named = [item for item in type_ if item != "null"]
        if set(named) == {"integer", "string"}:
            return {"x-kubernetes-int-or-string": True}
        type_ = named[0]
    return {"type": type_} if type_ else {"x-kubernetes-preserve-unknown-fields": True}
