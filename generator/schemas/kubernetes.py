"""Built-in kinds: from the OpenAPI of a Kubernetes release, with the enums that only its Go text holds."""

from __future__ import annotations

import json
import re
from typing import Any

from generator.schemas.convert import QUANTITY, Schema, convert, replace_children, rooted
from generator.schemas.sources import BuiltIn

_FUNCTION = re.compile(r"^func schema_k8sio_(api_\w+)\(")
_MEMBER = re.compile(r'^\t{5}"([^"]+)": \{$')
_ENUM = re.compile(r"^(\t+)Enum:\s+\[\]interface\{\}\{(.*)\},$")
_MEMBER_ENUM_DEPTH = 7

# name of the type (as in the Go function), name of the member, allowed values, whether of its items
Enum = tuple[str, str, list[str], bool]


def enums(go_text: str) -> list[Enum]:
    """Read the enums of the generated Go OpenAPI: the published JSON leaves them out.

    Source: k8s.io/kubernetes pkg/generated/openapi/zz_generated.openapi.go
    """
    found: list[Enum] = []
    kind = member = ""
    for line in go_text.splitlines():
        if match := _FUNCTION.match(line):
            kind = match[1]
        elif line.startswith("func "):
            kind = ""
        elif match := _MEMBER.match(line):
            member = match[1]
        elif kind and (match := _ENUM.match(line)):
            values: list[str] = json.loads(f"[{match[2]}]")
            found.append((kind, member, values, len(match[1]) > _MEMBER_ENUM_DEPTH))
    return found


def definitions(swagger: dict[str, Any], known_enums: list[Enum]) -> Schema:
    """Convert all definitions of one release, under short names such as `core.v1.PodSpec`."""
    raw: Schema = swagger["definitions"]
    out: Schema = {}
    for name, node in raw.items():
        short = short_name(name)
        if short in out:
            raise ValueError(f"two definitions would be called {short}")
        out[short] = _shorten_references(convert(node, structural=False))
    out["api.resource.Quantity"] = QUANTITY
    go_names = {_go_name(name): short_name(name) for name in raw}
    for kind, member, values, of_items in known_enums:
        if kind in go_names:
            _add_enum(out[go_names[kind]]["properties"], member, values, of_items=of_items)
    return out


def _add_enum(members: Schema, member: str, values: list[str], *, of_items: bool) -> None:
    # A member whose Go name differs from its JSON name does not exist; better to fail than to lose the enum.
    target: Schema = members[member]
    if of_items:
        target = target["items"] if "items" in target else target["additionalProperties"]
    target["enum"] = values


def short_name(name: str) -> str:
    """Shorten `io.k8s.api.core.v1.PodSpec` to `core.v1.PodSpec`."""
    return ".".join(name.split(".")[-3:])


def _go_name(name: str) -> str:
    return name.removeprefix("io.k8s.").replace(".", "_")


def _shorten_references(node: Schema) -> Schema:
    if "$ref" in node:
        return {"$ref": f"#/$defs/{short_name(node['$ref'].removeprefix('#/definitions/'))}"}
    return replace_children(node, lambda _, child: _shorten_references(child))


def find_definition(swagger: dict[str, Any], kind: BuiltIn) -> str:
    """Find the short name of the definition that describes a kind."""
    group, _, version = kind.api_version.rpartition("/")
    wanted = {"group": group, "kind": kind.kind, "version": version}
    names = [
        short_name(name)
        for name, node in swagger["definitions"].items()
        if node.get("x-kubernetes-group-version-kind") == [wanted]
    ]
    if len(names) != 1:
        raise ValueError(f"{kind.api_version} {kind.kind} has {len(names)} definitions")
    return names[0]


def kinds(swagger: dict[str, Any]) -> dict[str, list[str]]:
    """List the kinds of each API that a release has, taken or not, on by default or not; lists are left out."""
    found: dict[str, list[str]] = {}
    for node in swagger["definitions"].values():
        names = node.get("x-kubernetes-group-version-kind", ())
        # options of requests belong to every group
        if len(names) == 1 and not names[0]["kind"].endswith("List"):
            api = f"{names[0]['group']}/{names[0]['version']}".removeprefix("/")
            found.setdefault(api, []).append(names[0]["kind"])
    return {api: sorted(found[api]) for api in sorted(found)}


def schema_of(kind: BuiltIn, name: str, converted: Schema) -> Schema:
    """Make the schema of one built-in kind."""
    return rooted(converted[name], api_version=kind.api_version, kind=kind.kind, definitions=converted)
