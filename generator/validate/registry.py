"""Every check, by the name that its problems carry. None prints; `pipeline` runs them in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from generator.errors import Problem
from generator.sources.load import Sources
from generator.validate import (
    apis,
    argocd_options,
    argocd_waves,
    capacity,
    carried,
    clashes,
    cluster,
    digests,
    fit,
    flags,
    lifecycle,
    models,
    monitors,
    names,
    policies,
    promql,
    quotas,
    references,
    replicas,
    revisions,
    secrets,
    security,
    topology,
    variants,
)
from generator.validate.scope import EnvironmentScope, Finding, ReleaseScope


def _options(scope: ReleaseScope) -> Iterator[Finding]:
    return (Finding(*found) for found in argocd_options.check(scope.objects.items()))


def _waves(scope: ReleaseScope) -> Iterator[Finding]:
    return (Finding(*found) for found in argocd_waves.check(scope.objects.items()))


RELEASE_CHECKS: dict[str, Callable[[ReleaseScope], Iterable[Finding]]] = {
    "flags": flags.check,
    "models": models.check,
    "fit": fit.check,
    "names": names.check,
    "references": references.check,
    "replicas": replicas.check,
    "lifecycle": lifecycle.check,
    "security": security.check,
    "secrets": secrets.check,
    "topology": topology.check,
    "monitors": monitors.check,
    "promql": promql.check,
    "apis": apis.check,
    "options": _options,
    "waves": _waves,
}
ENVIRONMENT_CHECKS: dict[str, Callable[[EnvironmentScope], Iterable[Problem]]] = {
    "capacity": capacity.check,
    "quotas": quotas.check,
    "clashes": clashes.check,
    "cluster": cluster.check,
    "digests": digests.check,
    "revisions": revisions.check,
    "policies": policies.check,
}
# of what people wrote alone
CATALOG_CHECKS: dict[str, Callable[[Sources], Iterable[Problem]]] = {
    "variants": variants.check,
    "carried": carried.check,
}
