"""From JSON Schema 2020-12 back to the structural form of definitions: no references, one type, keys with defaults."""

from __future__ import annotations

from typing import Any

from generator.schemas.convert import Schema, replace_children

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


def resolve(node: Schema, shared: Schema) -> Schema:
    """Put the structural form of a shared JSON Schema where a definition refers to it; all else stays."""
    if "$ref" in node:
        return structural(node, shared)
    return _with_keys(replace_children(node, lambda _, child: resolve(child, shared)))


def structural(node: Schema, shared: Schema) -> Schema:
    """Turn JSON Schema back into the structural form."""
    if "$ref" in node:
        node = shared[node["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in node.items() if k != "$ref"}
    out: Schema = {key: node[key] for key in _SAME if key in node}
    out |= _type(node.get("type"))
    if "properties" in node:
        out["properties"] = {name: structural(child, shared) for name, child in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), dict):
        out["additionalProperties"] = structural(node["additionalProperties"], shared)
    if isinstance(node.get("items"), dict):
        out["items"] = structural(node["items"], shared)
    if node.get("uniqueItems"):
        # the structural form knows no uniqueItems; a set says the same
        out.setdefault("x-kubernetes-list-type", "set")
    return _with_keys(out)


def _with_keys(node: Schema) -> Schema:
    """Give each key of a list that may be absent its default; the types that Kubernetes shares have these."""
    keys = node.get("x-kubernetes-list-map-keys", ())
    absent = [key for key in keys if key not in node["items"].get("required", ())]
    if not absent:
        return node
    members = node["items"]["properties"]
    defaults = {key: {**members[key], "default": "TCP" if key == "protocol" else ""} for key in absent}
    return {**node, "items": {**node["items"], "properties": {**members, **defaults}}}


def _type(type_: Any) -> Schema:
    if isinstance(type_, list):
        named = [item for item in type_ if item != "null"]
        if set(named) == {"integer", "string"}:
            return {"x-kubernetes-int-or-string": True}
        type_ = named[0]
    return {"type": type_} if type_ else {"x-kubernetes-preserve-unknown-fields": True}
