"""Argo CD's options: spelled exactly, and where they have an effect.

Argo CD compares options as text and passes over what it does not know, so a slip of the pen is silent: a
claim without its `Prune=false`, a sync without server-side apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

from generator.argocd.objects import group_kind
from generator.argocd.options import options
from generator.errors import nearest

Path = tuple[str | int, ...]
Finding = tuple[str, Path, str, str]
Fault = tuple[str, str]

PREFIX = "argocd.argoproj.io/"
LINK = "link.argocd.argoproj.io/"
APPLICATION = ("argoproj.io", "Application")
PROJECT = ("argoproj.io", "AppProject")

# Read by the controllers on an Application (or ApplicationSet) alone: common/common.go and
# pkg/apis/application/v1alpha1/application_annotations.go at v3.6.1.
ON_APPLICATION = frozenset(
    PREFIX + name
    for name in (
        "client-side-apply-migration-manager",
        "managed-by-url",
        "manifest-generate-paths",
        "skip-reconcile",
    )
)
# Written by Argo CD, or by a person for one moment; in Git they would come back with every sync.
NEVER_IN_GIT = frozenset(
    PREFIX + name
    for name in (
        "application-set-refresh",
        "deletion-approved",
        "hydrate",
        "hydrate-timestamp",
        "installation-id",
        "refresh",
        "refresh-timestamp",
        "tracking-id",
    )
)
# kinds of the core group that may be named without a group
CORE = frozenset({"ConfigMap", "Namespace", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"})


def check(objects: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Finding]:
    """Find every option, annotation and field of Argo CD that would have no effect."""
    for file, manifest in objects:
        for path, message, hint in _faults(manifest):
            yield file, path, message, hint


def _faults(manifest: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    kind = group_kind(manifest)
    annotations = manifest.get("metadata", {}).get("annotations") or {}
    for key, value in annotations.items():
        for message, hint in _annotation(key, str(value), of_application=kind == APPLICATION):
            yield ("metadata", "annotations", key), message, hint
    if kind in (APPLICATION, PROJECT):
        fields = options().fields[manifest["kind"]]
        yield from _unknown_fields(manifest.get("spec") or {}, fields, ("spec",))
    if kind == APPLICATION:
        yield from _application(manifest)


def _annotation(key: str, value: str, *, of_application: bool) -> Iterator[Fault]:
    if key.startswith(LINK):
        return
    known = options().annotations
    if key not in known:
        yield from _unknown_key(key)
    elif key in NEVER_IN_GIT:
        yield f"{key} belongs to the live object, not to Git", "leave it out; Argo CD writes or reads it there"
    elif key in ON_APPLICATION and not of_application:
        yield f"{key} has an effect on an Application only", "move it to the release's Application"
    elif key in _VALUES:
        yield from _VALUES[key](value, of_application)


def _unknown_key(key: str) -> Iterator[Fault]:
    meant = nearest(key, options().annotations) if "argo" in key else None
    if key.startswith(PREFIX) or meant:
        yield f"Argo CD reads no annotation {key}", _meant(meant, "see generator/argocd/options.json")


def _meant(word: str | None, otherwise: str) -> str:
    return f"did you mean {word}?" if word else otherwise


def _items(value: str) -> list[str]:
    # as GetAnnotationCSVs of the gitops-engine: comma separated, blanks around an item do not count
    return [item.strip() for item in value.split(",") if item.strip()]


def _sync_options(value: str, of_application: bool) -> Iterator[Fault]:
    # of_application: an Application is an object of the root, and may carry what every object may
    places = options().sync_options
    for item in _items(value):
        if item in places.resource:
            continue
        if item in places.application:
            yield (
                f"sync option {item} has no effect in an annotation",
                "set it in the Application's spec.syncPolicy.syncOptions",
            )
        else:
            yield f"Argo CD has no sync option {item}", _meant(nearest(item, places.resource), _listed(places.resource))


def _compare_options(value: str, of_application: bool) -> Iterator[Fault]:
    places = options().compare_options
    allowed = (*places.resource, *(places.application if of_application else ()))
    for item in _items(value):
        if item in allowed:
            continue
        if item in places.application:
            yield f"compare option {item} has an effect on an Application only", "move it to the Application"
        else:
            yield f"Argo CD has no compare option {item}", _meant(nearest(item, allowed), _listed(allowed))


def _whole_number(value: str, of_application: bool) -> Iterator[Fault]:
    try:
        int(value)
    except ValueError:
        yield f"sync wave {value!r} is no whole number; Argo CD takes it for 0", 'write a number as text, such as "-1"'


def _one_of(word: str, allowed: Callable[[], Iterable[str]]) -> Callable[[str, bool], Iterator[Fault]]:
    def faults(value: str, of_application: bool) -> Iterator[Fault]:
        for item in _items(value):
            if item not in allowed():
                yield f"Argo CD has no {word} {item}", _meant(nearest(item, allowed()), _listed(allowed()))

    return faults


def _switch(value: str, of_application: bool) -> Iterator[Fault]:
    if value not in ("true", "false"):
        yield f"{value!r} has no effect", 'write "true", or leave the annotation out'


def _ignored_fields(value: str, of_application: bool) -> Iterator[Fault]:
    try:
        written = yaml.load(value, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        written = None
    if not isinstance(written, dict) or not written.get("jsonPointers"):
        yield f"{value!r} names no field to ignore", "write YAML with a list `jsonPointers`, the only key it reads"


_VALUES: dict[str, Callable[[str, bool], Iterator[Fault]]] = {
    PREFIX + "compare-options": _compare_options,
    PREFIX + "hook": _one_of("hook", lambda: options().hooks),
    PREFIX + "hook-delete-policy": _one_of("hook delete policy", lambda: options().hook_delete_policies),
    PREFIX + "ignore-default-links": _switch,
    PREFIX + "ignore-differences": _ignored_fields,
    PREFIX + "ignore-healthcheck": _switch,
    PREFIX + "ignore-resource-updates": _switch,
    PREFIX + "ignore-restart-policy": _switch,
    PREFIX + "skip-reconcile": _switch,
    PREFIX + "sync-options": _sync_options,
    PREFIX + "sync-wave": _whole_number,
}


def _listed(words: Iterable[str]) -> str:
    return f"one of {', '.join(words)}"


def _unknown_fields(value: Any, fields: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_fields(item, fields, (*path, index))
    elif isinstance(value, dict) and fields is not None:
        for name, child in value.items():
            if name in fields:
                yield from _unknown_fields(child, fields[name], (*path, name))
            else:
                hint = _meant(nearest(name, fields), _listed(fields))
                yield (*path, name), f"Argo CD has no field {name} here", hint


def _application(manifest: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    for index, finalizer in enumerate(manifest["metadata"].get("finalizers") or ()):
        if finalizer not in options().finalizers:
            hint = _meant(nearest(finalizer, options().finalizers), _listed(options().finalizers))
            yield ("metadata", "finalizers", index), f"Argo CD has no finalizer {finalizer}", hint
    spec = manifest.get("spec") or {}
    yield from _application_options((spec.get("syncPolicy") or {}).get("syncOptions") or ())
    for index, rule in enumerate(spec.get("ignoreDifferences") or ()):
        if not rule.get("group") and rule.get("kind") not in CORE:
            message = f"without a group this rule matches no {rule.get('kind')}"
            yield ("spec", "ignoreDifferences", index), message, "name the API group, such as apps"


def _application_options(written: Iterable[str]) -> Iterator[tuple[Path, str, str]]:
    places = options().sync_options
    for index, option in enumerate(written):
        path: Path = ("spec", "syncPolicy", "syncOptions", index)
        if option in places.application:
            continue
        if option in places.resource:
            message = f"sync option {option} has no effect on an Application"
            yield path, message, f"write it in the annotation {PREFIX}sync-options of the object"
        else:
            hint = _meant(nearest(option, places.application), _listed(places.application))
            yield path, f"Argo CD has no sync option {option}", hint
