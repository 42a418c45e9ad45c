"""Weights by commit, as strictly as the environment wants: a repository without one is whatever is newest.

Two pods of one release that started on different days then answer differently, and nobody can go back.
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.errors import Problem, Severity
from generator.validate.exceptions import excused
from generator.validate.scope import EnvironmentScope

CHECK = "revisions"


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find releases whose weights have no revision: an error each, or one warning for all."""
    policy = scope.facts.policies.revisions
    if policy == "off":
        return
    unpinned = [
        release
        for release in scope.releases
        if release.resolved.context.needs_weights
        and not excused(scope, "revisions", release.name)
        and not release.resolved.values["model"]["revision"]
        and not release.resolved.values["model"]["path"]
    ]
    hint = "write the commit as source.revision in the model's file"
    if policy == "deny":
        for release in unpinned:
            model = release.resolved.values["model"]["id"]
            place = release.resolved.locate(("model", "id"))
            message = f"the weights {model} have no revision, and {scope.facts.name} wants one"
            yield Problem(place, "source.revision", message, f"{hint}, or run it elsewhere", CHECK)
        return
    if unpinned:
        names = ", ".join(release.name for release in unpinned)
        count = f"{len(unpinned)} {'release loads' if len(unpinned) == 1 else 'releases load'}"
        message = f"{count} weights without a revision: {names}"
        yield scope.problem(("policies", "revisions"), message, hint, CHECK, severity=Severity.WARNING)
