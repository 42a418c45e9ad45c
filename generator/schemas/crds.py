"""Custom kinds: from the CustomResourceDefinitions that their makers publish."""

from __future__ import annotations

from typing import Any

import yaml

from generator.schemas.convert import Schema, convert, replace_children, rooted, share

# what a definition says of each version
FLAGS = ("served", "storage", "deprecated")
_PROSE = frozenset(("description", "example", "externalDocs", "title"))


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


def served(crd: dict[str, Any]) -> list[dict[str, Any]]:
    """List every version of a CRD, taken or not: whether it is served, stored, and on its way out."""
    return [
        {"name": entry["name"], **{flag: entry.get(flag, False) for flag in FLAGS}} for entry in crd["spec"]["versions"]
    ]


def schema_of(openapi: Schema, *, api_version: str, kind: str, object_meta: Schema) -> Schema:
    """Make the schema of one custom kind; `object_meta` defines metadata and what it refers to."""
    body = convert(_without_status(openapi), structural=True)
    small, shared = share(body)
    return rooted(small, api_version=api_version, kind=kind, definitions={**shared, **object_meta})


def _without_status(openapi: Schema) -> Schema:
    members = {n: ({"type": "object"} if n == "status" else s) for n, s in openapi["properties"].items()}
    return {**openapi, "properties": members}


def structural(openapi: Schema) -> tuple[Schema, Schema]:
    """Keep what the API server reads of a CRD, without prose: the schema, and the subtrees that it refers to.

    Unlike a JSON Schema it holds defaults, formats, list types and CEL rules, each of which decides what is accepted.
    """
    return share(_without_prose(_without_status(openapi)))


def _without_prose(node: Schema) -> Schema:
    kept = {key: value for key, value in node.items() if key not in _PROSE}
    return replace_children(kept, lambda _, child: _without_prose(child))
