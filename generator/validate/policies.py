"""What an environment allows: licences, size, labels; and exceptions that have an end.

A model whose licence nobody read runs in production, a release grows over every other, an exception of two weeks is
still there after two years. Each policy refuses, warns or is off; an exception names a release, who answers for it
and its last day, after which the policy holds again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from generator.errors import Problem, Severity
from generator.sources.environment import PolicyException
from generator.validate.claims import maximum
from generator.validate.exceptions import day, excused, expired
from generator.validate.pods import Path
from generator.validate.scope import EnvironmentScope, ReleaseScope

CHECK = "policies"
LISTED = 4


class Breach(msgspec.Struct, frozen=True):
    """A release that breaks a policy: at which of its values, how, and what to do."""

    release: ReleaseScope
    path: Path
    message: str
    hint: str


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find releases that the environment's policies do not allow, and exceptions that no longer hold."""
    policies = scope.facts.policies
    broken: dict[str, list[Breach]] = {}
    if policies.licences is not None:
        broken["licences"] = list(_licences(scope, policies.licences.allow))
        yield from _said(scope, "licences", policies.licences.level, broken["licences"])
    if policies.maximum_gpus is not None:
        broken["maximumGpus"] = list(_gpus(scope, policies.maximum_gpus.per_release))
        yield from _said(scope, "maximumGpus", policies.maximum_gpus.level, broken["maximumGpus"])
    if policies.required_labels is not None:
        broken["requiredLabels"] = list(_labels(scope, policies.required_labels.labels))
        yield from _said(scope, "requiredLabels", policies.required_labels.level, broken["requiredLabels"])
    for index, exception in enumerate(policies.exceptions):
        yield from _exception(scope, index, exception, broken.get(exception.policy))


def _said(scope: EnvironmentScope, policy: str, level: str, breaches: list[Breach]) -> Iterator[Problem]:
    """An error for each release, or one warning for all."""
    left = [item for item in breaches if not excused(scope, policy, item.release.name)]
    if level == "deny":
        for item in left:
            yield Problem(item.release.resolved.locate(item.path), f"policies.{policy}", item.message, item.hint, CHECK)
    elif level == "warn" and left:
        more = f" and {len(left) - LISTED} more" if len(left) > LISTED else ""
        names = ", ".join(item.release.name for item in left[:LISTED])
        message = f"{left[0].message} ({names}{more})"
        yield scope.problem(("policies", policy), message, left[0].hint, CHECK, severity=Severity.WARNING)


# ---- policies ----------------------------------------------------------------------------------------------


def _licences(scope: EnvironmentScope, allow: list[str]) -> Iterator[Breach]:
    for release in scope.releases:
        context = release.resolved.context
        licence = context.model.value.source.license
        if not context.needs_weights or licence in allow:
            continue
        said = f"have the licence {licence}" if licence is not None else "have a licence that nobody read"
        message = f"the weights {context.model.value.source.id} {said}, which {scope.facts.name} does not allow"
        yield Breach(release, ("model", "id"), message, f"it allows {', '.join(allow)}; or ask for an exception")


def _gpus(scope: EnvironmentScope, most: int) -> Iterator[Breach]:
    for release in scope.releases:
        gpus = sum(pod.gpus * pod.pods_per_replica * maximum(release, pod) for pod in release.pods)
        if gpus > most:
            message = f"{release.name} may grow to {gpus} GPUs, and {scope.facts.name} allows {most} a release"
            yield Breach(release, ("roles",), message, "lower its largest number of replicas, or ask for an exception")


def _labels(scope: EnvironmentScope, wanted: list[str]) -> Iterator[Breach]:
    for release in scope.releases:
        missing = sorted({label for pod in release.pods for label in wanted if label not in pod.labels})
        if missing:
            message = f"pods of {release.name} lack the labels {', '.join(missing)}, which {scope.facts.name} wants"
            have = sorted({label for pod in release.pods for label in pod.labels})
            yield Breach(release, ("name",), message, f"they carry {', '.join(have)}; or ask for an exception")


# ---- exceptions --------------------------------------------------------------------------------------------


def _exception(
    scope: EnvironmentScope, index: int, exception: PolicyException, breaches: list[Breach] | None
) -> Iterator[Problem]:
    path: Path = ("policies", "exceptions", index, "expires")
    if day(exception.expires) is None:
        message = f"{exception.expires} is no day of the calendar, so the exception never holds"
        yield scope.problem(path, message, "write the last day, such as 2027-01-31", CHECK)
    elif expired(exception, scope.today):
        message = f"the exception of {exception.release} from {exception.policy} ended on {exception.expires}"
        hint = f"delete it, or ask {exception.owner} for a new day (reason then: {exception.reason})"
        yield scope.problem(path, message, hint, CHECK, severity=Severity.WARNING)
    elif breaches is not None and _idle(scope, exception, breaches):
        message = f"{exception.release} does not break {exception.policy}: the exception has no effect"
        place: Path = ("policies", "exceptions", index)
        yield scope.problem(place, message, "delete it", CHECK, severity=Severity.WARNING)


def _idle(scope: EnvironmentScope, exception: PolicyException, breaches: list[Breach]) -> bool:
    """Tell whether a release that is looked at needs no exception."""
    looked_at = any(release.name == exception.release for release in scope.releases)
    return looked_at and all(item.release.name != exception.release for item in breaches)
