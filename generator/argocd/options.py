"""What Argo CD understands in manifests, as read from its source (`options.json`)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec

from generator.argocd.objects import GroupKind

Fields = dict[str, Any]


class Places(msgspec.Struct, frozen=True):
    """Options by the place where they have an effect: in an Application, or on any object that it holds."""

    application: tuple[str, ...]
    resource: tuple[str, ...]


class HealthChecks(msgspec.Struct, frozen=True):
    """Kinds with a check of their own, in Go or in Lua; `*` in a group or kind matches any text."""

    go: tuple[GroupKind, ...]
    lua: tuple[GroupKind, ...]


class Origin(msgspec.Struct, frozen=True):
    """Where the options were read."""

    modules: tuple[str, ...]
    version: str


class Options(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that is spelled exactly or has no effect."""

    source: Origin
    sync_options: Places
    compare_options: Places
    annotations: tuple[str, ...]
    hooks: tuple[str, ...]
    hook_delete_policies: tuple[str, ...]
    finalizers: tuple[str, ...]
    health_checks: HealthChecks
    fields: Fields


@cache
def options() -> Options:
    """Read options.json."""
    text = resources.files("generator.argocd").joinpath("options.json").read_bytes()
    return msgspec.json.decode(text, type=Options)
