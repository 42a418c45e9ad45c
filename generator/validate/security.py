"""Who reaches what: no token without need, no way around the gateway, no image that can change under its name.

An engine's API key guards a few paths and not the others, its port also sleeps, unloads and profiles it: only the
API paths of the task may be reached from outside, through the route and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.sources.secrets import masked
from generator.validate.pods import Manifest, Path, Pod
from generator.validate.scope import Finding, ReleaseScope
from generator.values.common import API_PATHS

EXPOSED = frozenset(("NodePort", "LoadBalancer"))
HOST_SPACES = ("hostNetwork", "hostPID", "hostIPC")
# names that a registry moves from build to build
FLOATING = frozenset(("latest", "main", "master", "nightly", "edge", "stable", "dev"))
# their operator makes the accounts and Roles of its pods, which read the registry of workers
OWN_ACCOUNTS = frozenset(("DynamoGraphDeployment",))


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find what opens more than the release needs."""
    accounts = _accounts_with_roles(scope)
    for pod in scope.pods:
        yield from _account(scope, pod, accounts)
        yield from _pod(pod)
        for path, container in pod.containers:
            yield from _container(pod, path, container)
    for file, manifest in scope.of_kind("Service"):
        kind = manifest["spec"].get("type", "ClusterIP")
        if kind in EXPOSED:
            message = f"a {kind} leads past the gateway to every path of the engine, key or not"
            yield Finding(file, ("spec", "type"), message, "leave the type out; clients come in by the HTTPRoute")
    for file, manifest in scope.of_kind("HTTPRoute"):
        yield from _route(scope, file, manifest)


def _accounts_with_roles(scope: ReleaseScope) -> set[str]:
    return {
        subject["name"]
        for _, binding in scope.of_kind("RoleBinding")
        for subject in binding.get("subjects") or ()
        if subject.get("kind") == "ServiceAccount"
    }


def _account(scope: ReleaseScope, pod: Pod, accounts: set[str]) -> Iterator[Finding]:
    if pod.owner["kind"] in OWN_ACCOUNTS:
        return
    name = pod.spec.get("serviceAccountName", "default")
    file = scope.by_name.get(("ServiceAccount", name))
    of_account = scope.objects[file].get("automountServiceAccountToken", True) if file is not None else True
    mounted = pod.spec.get("automountServiceAccountToken", of_account)
    if mounted and name not in accounts:
        message = f"the pod gets a token of the account {name}, to which no Role gives anything to do"
        path = (*pod.path, "spec", "automountServiceAccountToken")
        yield Finding(pod.file, path, message, "write automountServiceAccountToken: false")


def _pod(pod: Pod) -> Iterator[Finding]:
    place: Path = (*pod.path, "spec")
    for space in HOST_SPACES:
        if pod.spec.get(space):
            message = f"{space} puts the pod beside the node's own processes, past every NetworkPolicy"
            yield Finding(pod.file, (*place, space), message, "leave it out")
    if pod.spec.get("enableServiceLinks", True):
        message = "every Service of the namespace sets variables here; one named like the engine stops its start"
        yield Finding(pod.file, (*place, "enableServiceLinks"), message, "write enableServiceLinks: false")
    for index, volume in enumerate(pod.spec.get("volumes") or ()):
        if "hostPath" in volume:
            message = f"the volume {volume['name']} is a folder of the node, shared with whatever runs there"
            yield Finding(pod.file, (*place, "volumes", index), message, "use a claim, an emptyDir or an image")
        reference = (volume.get("image") or {}).get("reference")
        if reference is not None:
            yield from _image(pod.file, (*place, "volumes", index, "image", "reference"), reference)


def _container(pod: Pod, path: Path, container: Manifest) -> Iterator[Finding]:
    security = container.get("securityContext") or {}
    if security.get("privileged"):
        message = "a privileged container is root on its node"
        yield Finding(pod.file, (*path, "securityContext", "privileged"), message, "leave it out")
    if security.get("allowPrivilegeEscalation", True):
        message = "a process of the container may become root"
        place = (*path, "securityContext", "allowPrivilegeEscalation")
        yield Finding(pod.file, place, message, "write allowPrivilegeEscalation: false")
    yield from _image(pod.file, (*path, "image"), container.get("image", ""))


def _image(file: str, path: Path, reference: str) -> Iterator[Finding]:
    if "@sha256:" in reference:
        return
    _, colon, tag = reference.rpartition("/")[2].partition(":")
    if not colon or not tag:
        message = f"the image {reference} has no tag: what runs is whatever is newest"
        yield Finding(file, path, message, "name a tag, better a digest")
    elif tag in FLOATING:
        message = f"the tag {tag} moves: the same manifest runs other programs tomorrow"
        yield Finding(file, path, message, "name the tag of one release, better a digest")


def _route(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    task = scope.resolved.context.model.value.capabilities.task
    allowed = API_PATHS[task]
    for number, rule in enumerate(manifest["spec"].get("rules") or ()):
        matches = rule.get("matches") or [{}]
        for index, match in enumerate(matches):
            path = match.get("path") or {}
            value = path.get("value", "/")
            exact = path.get("type", "PathPrefix") in ("PathPrefix", "Exact")
            if exact and any(value == own or value.startswith(f"{own}/") for own in allowed):
                continue
            message = f"the path {masked(value)} is none that clients of a {task.value} model need"
            place: Path = ("spec", "rules", number, "matches", index, "path", "value")
            yield Finding(file, place, message, f"allow only {', '.join(allowed)}, or paths below them")
