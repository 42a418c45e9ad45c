"""Releases that share a namespace or a gateway: names and hosts belong to one of them.

Two Applications that hold one object take it from each other at every sync; of two routes with one host the older
wins, silently. Objects that controllers derive count too.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.errors import Problem
from generator.validate.names import derived
from generator.validate.scope import EnvironmentScope, ReleaseScope

CHECK = "clashes"


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find objects and hosts that two releases of one environment have."""
    objects: dict[tuple[str, str, str], ReleaseScope] = {}
    hosts: dict[tuple[str, str], ReleaseScope] = {}
    for release in scope.releases:
        for kind, name in sorted(_names(release)):
            other = objects.setdefault((release.resolved.namespace, kind, name), release)
            if other is not release:
                message = f"{kind}/{name} in {release.resolved.namespace} is an object of {_file(other)} too"
                yield _problem(release, ("name",), message, "rename one of the two releases")
        for kind, host in sorted(_hosts(release)):
            other = hosts.setdefault((kind, host), release)
            if other is not release:
                message = f"the host {host} is that of {_file(other)} too"
                yield _problem(release, ("route", "hostnames"), message, "set another servedName in one of the two")


def _names(release: ReleaseScope) -> set[tuple[str, str]]:
    made = {pair for manifest in release.objects.values() for pair in derived(manifest)}
    return made | set(release.by_name)


def _hosts(release: ReleaseScope) -> set[tuple[str, str]]:
    return {(kind, host) for kind in ("HTTPRoute",) for _, route in release.of_kind(kind) for host in _of(route)}


def _of(route: dict[str, dict[str, list[str]]]) -> list[str]:
    return route["spec"].get("hostnames") or []


def _file(release: ReleaseScope) -> str:
    return release.resolved.context.release.file


def _problem(release: ReleaseScope, path: tuple[str, ...], message: str, hint: str) -> Problem:
    return Problem(release.resolved.locate(path), ".".join(path), message, hint, CHECK)
