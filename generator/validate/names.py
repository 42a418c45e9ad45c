"""Names of objects: short enough for what is derived from them, and nobody else's.

A controller makes objects of its own whose names it derives. One that is too long is refused long after the sync,
and one that we already use is taken as it is: a LeaderWorkerSet finds a Service of its name, makes no headless one,
and its workers never find their leader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from generator.model import names
from generator.validate.pods import Manifest, Path
from generator.validate.scope import Finding, ReleaseScope

# Kubernetes: a label's value
_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?")


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find names and labels that Kubernetes or a controller cannot take."""
    owners: dict[tuple[str, str], str] = {}
    for file, manifest in scope.objects.items():
        yield from _length(file, manifest)
        yield from _labels(file, manifest)
        key = (manifest["kind"], manifest["metadata"]["name"])
        if key in owners:
            message = f"a second {key[0]} is named {key[1]}: {owners[key]} makes it too"
            yield Finding(file, ("metadata", "name"), message, "an object of one kind has a name of its own")
        owners.setdefault(key, file)
    for file, manifest in scope.objects.items():
        yield from _derived(file, manifest, owners)
    for pod in scope.pods:
        metadata: Path = (*pod.path, "metadata")
        for key_, value in pod.labels.items():
            yield from _label(pod.file, (*metadata, "labels", key_), value)
        for key_ in (pod.template.get("metadata") or {}).get("annotations") or {}:
            yield from _key(pod.file, (*metadata, "annotations", key_), key_)
        # an API server refuses a node label that no node can have
        for key_, value in (pod.spec.get("nodeSelector") or {}).items():
            path: Path = (*pod.path, "spec", "nodeSelector", key_)
            yield from _key(pod.file, path, key_)
            yield from _label(pod.file, path, value)


def _length(file: str, manifest: Manifest) -> Iterator[Finding]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    most = names.limit(kind)
    if len(name) > most:
        message = f"the name {name} has {len(name)} characters; a {kind} may have {most}"
        yield Finding(file, ("metadata", "name"), message, f"shorten the release's name by {len(name) - most}")
    elif not all(names.LABEL.fullmatch(part) for part in name.split(".")):
        message = f"{name!r} cannot be a name"
        yield Finding(file, ("metadata", "name"), message, "use small letters, digits and `-`")


def _labels(file: str, manifest: Manifest) -> Iterator[Finding]:
    for key, value in (manifest["metadata"].get("labels") or {}).items():
        yield from _label(file, ("metadata", "labels", key), value)


def _key(file: str, path: Path, key: str) -> Iterator[Finding]:
    prefix, slash, name = key.rpartition("/")
    well = _KEY.fullmatch(name) is not None and len(name) <= names.LABEL_LIMIT
    if not well or (slash and not all(names.LABEL.fullmatch(part) for part in prefix.split("."))):
        message = f"{key!r} cannot be the key of a label or an annotation"
        yield Finding(file, path, message, "write a name of at most 63 letters, digits, `-`, `_` and `.`")


def _label(file: str, path: tuple[str | int, ...], value: str) -> Iterator[Finding]:
    if len(value) > names.LABEL_LIMIT:
        message = f"the label's value has {len(value)} characters; Kubernetes takes {names.LABEL_LIMIT}"
        yield Finding(file, path, message, f"shorten it by {len(value) - names.LABEL_LIMIT}")
    elif not _LABEL_VALUE.fullmatch(value):
        message = f"{value!r} cannot be the value of a label"
        yield Finding(file, path, message, "use letters, digits, `-`, `_` and `.`, a letter or digit at both ends")


# ---- what controllers derive -------------------------------------------------------------------------------


def _of_group(manifest: Manifest) -> Iterator[tuple[str, str]]:
    # Source: kubernetes-sigs/lws v0.9.0 pkg/utils/controller: a Service of this name is taken as it is
    if (manifest["spec"].get("networkConfig") or {}).get("subdomainPolicy", "Shared") == "Shared":
        yield "Service", manifest["metadata"]["name"]


def _of_graph(manifest: Manifest) -> Iterator[tuple[str, str]]:
    # Source: ai-dynamo/dynamo deploy/operator/internal/dynamo @ 2a6da14c
    for component in manifest["spec"].get("components") or ():
        name = f"{manifest['metadata']['name']}-{component['name'].lower()}"
        yield "Service", name
        yield "Deployment", name


def _of_scaling(manifest: Manifest) -> Iterator[tuple[str, str]]:
    advanced = manifest["spec"].get("advanced") or {}
    named = (advanced.get("horizontalPodAutoscalerConfig") or {}).get("name")
    yield "HorizontalPodAutoscaler", named or f"keda-hpa-{manifest['metadata']['name']}"


DERIVED: dict[str, Callable[[Manifest], Iterator[tuple[str, str]]]] = {
    "LeaderWorkerSet": _of_group,
    "DynamoGraphDeployment": _of_graph,
    "ScaledObject": _of_scaling,
}


def derived(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """List the objects, by kind and name, that a controller makes of this one."""
    of_kind = DERIVED.get(manifest["kind"])
    if of_kind is not None:
        yield from of_kind(manifest)


def _derived(file: str, manifest: Manifest, owners: dict[tuple[str, str], str]) -> Iterator[Finding]:
    for kind, name in derived(manifest):
        owner = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if (kind, name) in owners:
            message = f"the controller of {owner} makes a {kind} named {name}, and so does {owners[kind, name]}"
            yield Finding(file, ("metadata", "name"), message, f"give the chart's own {kind} another name")
        elif len(name) > names.limit(kind):
            message = f"the controller of {owner} makes a {kind} named {name}: {len(name)} characters, not the "
            message += f"{names.limit(kind)} that Kubernetes takes"
            over = len(name) - names.limit(kind)
            yield Finding(file, ("metadata", "name"), message, f"shorten the release's name by {over}")
