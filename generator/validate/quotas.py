"""Whether each namespace's quota holds its releases at their smallest: the API server refuses the pod that is over."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from generator.errors import Problem
from generator.model import units
from generator.sources.environment import Quota
from generator.validate.claims import Claim, claims_of
from generator.validate.pods import Pod
from generator.validate.scope import EnvironmentScope

CHECK = "quotas"
LISTED = 3


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find quotas that are smaller than what must run under them."""
    claims: dict[str, list[Claim]] = defaultdict(list)
    for release in scope.releases:
        claims[release.resolved.namespace] += claims_of(release)
    for name, namespace in scope.facts.namespaces.items():
        if namespace.quota is not None:
            yield from _over(scope, name, namespace.quota, claims[name])


def _over(scope: EnvironmentScope, name: str, quota: Quota, claims: list[Claim]) -> Iterator[Problem]:
    limits = {"gpus": quota.gpus, "cpu": quota.cpu, "memory": quota.memory, "pods": quota.pods}
    for what, limit in limits.items():
        if limit is None:
            continue
        shares: dict[str, Fraction] = defaultdict(Fraction)
        for claim in claims:
            shares[claim.scope.name] += claim.pods * _of_pod(claim.pod, what)
        needed = sum(shares.values(), Fraction())
        if needed > units.amount(str(limit)):
            message = f"the releases of {name} need {_shown(needed, what)} at least, and the quota is {limit}"
            largest = sorted(shares, key=lambda release: (-shares[release], release))[:LISTED]
            most = ", ".join(f"{release} {_shown(shares[release], what)}" for release in largest)
            hint = f"raise the quota, or lower the replicas of one (largest: {most})"
            yield scope.problem(("namespaces", name, "quota", what), message, hint, CHECK)


def _of_pod(pod: Pod, what: str) -> Fraction:
    if what == "gpus":
        return Fraction(pod.gpus)
    if what == "pods":
        return Fraction(1)
    requests = ((container.get("resources") or {}).get("requests") or {} for _, container in pod.containers)
    return sum((_amount(str(request[what])) for request in requests if what in request), Fraction())


@functools.lru_cache(maxsize=4096)
def _amount(quantity: str) -> Fraction:
    return units.amount(quantity)


def _shown(amount: Fraction, what: str) -> str:
    if what == "memory":
        return units.of_gib(float(amount / 1024**3))
    return f"{float(amount):g}"
