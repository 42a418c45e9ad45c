"""CustomResourceDefinitions made from our own schemas, for kinds whose own no registry carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generator.schemas.convert import inline
from generator.schemas.sources import custom_path, structural_path
from generator.schemas.summaries import DYNAMO, summary

Tree = dict[str, Any]

MARK = "modelyard.dev/derived"


def definitions(root: Path) -> list[Tree]:
    """Make the definitions of the Dynamo kinds, each with the version that is stored.

    Between versions the operator converts, which is not there.
    """
    stored = [kind for kind in summary(DYNAMO)["kinds"] if kind["storage"]]
    return [
        _definition(kind, json.loads((root / structural_path(_path(kind))).read_text(encoding="utf-8")))
        for kind in sorted(stored, key=lambda kind: str(kind["kind"]))
    ]


def _path(kind: Tree) -> str:
    return custom_path(DYNAMO, kind["kind"], kind["version"])


def _definition(kind: Tree, schema: Tree) -> Tree:
    name, plural = kind["kind"], kind["plural"]
    body = {
        "type": "object",
        "properties": {
            **inline({"properties": schema["properties"]}, schema.get("$defs", {}))["properties"],
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
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
