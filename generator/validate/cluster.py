"""Nothing the cluster lacks: the controllers behind every kind, at versions whose schemas we have.

Without its controller an object is refused, and with it the whole sync of its release; with another version what was
checked here is not what the cluster reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from generator import schemas
from generator.argocd.options import options
from generator.errors import Problem, Severity
from generator.schemas.sources import CRDS
from generator.sources.environment import Versions
from generator.validate.scope import EnvironmentScope

CHECK = "cluster"
LISTED = 4
# The external scaler tells KEDA of every route that is asked five times a second, and KEDA writes each time to the
# status. Over its limit all wait for each other: ten routes that were asked for 40 s at the default of 20 requests a
# second went to zero 102 s after the last byte, with a cooldown of 8 s; at 300 after 8 s.
# Source: kedacore/http-add-on 0.15.0 scaler/config.go, kedacore/keda 2.21.0 pkg/scaling/scale_handler.go; measured.
PUSHES_PER_S = 5

# by group of the API: the key under `versions`, and what it is called
CONTROLLERS: dict[str, tuple[str, str]] = {
    "keda.sh": ("keda", "KEDA"),
    "http.keda.sh": ("kedaHttp", "KEDA HTTP add-on"),
    "leaderworkerset.x-k8s.io": ("lws", "LeaderWorkerSet controller"),
    "nvidia.com": ("dynamo", "Dynamo operator"),
    "gateway.networking.k8s.io": ("gatewayApi", "Gateway API"),
    "monitoring.coreos.com": ("prometheusOperator", "Prometheus operator"),
    "external-secrets.io": ("externalSecrets", "External Secrets operator"),
}
# where the schemas of each come from
MODULES: dict[str, str] = {
    "keda": "github.com/kedacore/keda/v2",
    "kedaHttp": "github.com/kedacore/http-add-on",
    "lws": "sigs.k8s.io/lws",
    "gatewayApi": "sigs.k8s.io/gateway-api",
    "prometheusOperator": "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring",
    "externalSecrets": "github.com/external-secrets/external-secrets",
}


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find kinds without their controller, and versions that nobody has schemas of."""
    versions = _written(scope.facts.versions)
    yield from _known(scope, versions)
    needs: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for release in scope.releases:
        for manifest in release.objects.values():
            group = manifest["apiVersion"].rpartition("/")[0]
            if group in CONTROLLERS and versions[CONTROLLERS[group][0]] is None:
                needs[group][manifest["kind"]].append(release.name)
    for group, kinds in needs.items():
        key, called = CONTROLLERS[group]
        releases = list(dict.fromkeys(name for names in kinds.values() for name in names))
        more = f" and {len(releases) - LISTED} more" if len(releases) > LISTED else ""
        message = f"the cluster has no {called}, and {', '.join(releases[:LISTED])}{more} need its {', '.join(kinds)}"
        hint = f"install it and set versions.{key}, or choose a scaling, topology or stack without it"
        yield scope.problem(("versions",), message, hint, CHECK)
    yield from _stacks(scope, versions)
    yield from _pushes(scope)


def _written(versions: Versions) -> dict[str, str | None]:
    return {
        "keda": versions.keda,
        "kedaHttp": versions.keda_http,
        "lws": versions.lws,
        "dynamo": versions.dynamo,
        "gatewayApi": versions.gateway_api,
        "prometheusOperator": versions.prometheus_operator,
        "externalSecrets": versions.external_secrets,
    }


def _known(scope: EnvironmentScope, versions: dict[str, str | None]) -> Iterator[Problem]:
    minor = scope.facts.versions.kubernetes
    if minor not in schemas.versions():
        message = f"there are no schemas of Kubernetes {minor}, so nothing can be checked"
        hint = f"set one of {', '.join(schemas.versions())}, or fetch its schemas"
        yield scope.problem(("versions", "kubernetes"), message, hint, CHECK)
    argocd = options().source.version.removeprefix("v")
    if scope.facts.versions.argocd != argocd:
        message = f"the options of Argo CD are known as of {argocd}, and here runs {scope.facts.versions.argocd}"
        hint = f"set argocd: {argocd}, or read those of yours"
        yield scope.problem(("versions", "argocd"), message, hint, CHECK, severity=Severity.WARNING)
    for key, module in MODULES.items():
        have = next(source.module.version.removeprefix("v") for source in CRDS if source.module.path == module)
        wanted = versions[key]
        if wanted is not None and wanted.removeprefix("v") != have:
            message = f"there are no schemas of {_called(key)} {wanted}: they are those of {have}"
            yield scope.problem(("versions", key), message, f"set {key}: {have}, or fetch the schemas of yours", CHECK)


def _called(key: str) -> str:
    return next(called for own, called in CONTROLLERS.values() if own == key)


def _stacks(scope: EnvironmentScope, versions: dict[str, str | None]) -> Iterator[Problem]:
    """Compare the version of a stack's operator with the release that the charts are made for."""
    made_for = {
        release.resolved.context.stack.value.name.value: release.resolved.context.stack.value.default
        for release in scope.releases
    }
    for stack, wanted in made_for.items():
        have = versions.get(stack)
        if have is not None and have != wanted:
            message = f"the cluster runs {stack} {have}, and the charts are made for {wanted}"
            yield scope.problem(("versions", stack), message, f"set {stack}: {wanted}, or change its default", CHECK)


def _pushes(scope: EnvironmentScope) -> Iterator[Problem]:
    """Compare what KEDA's operator may ask of the API server with what the releases that go to zero make it ask."""
    routes = sum(item["kind"] == "InterceptorRoute" for release in scope.releases for item in release.objects.values())
    keda = scope.facts.keda
    needs = PUSHES_PER_S * routes
    if keda is None or needs <= keda.kube_api_qps:
        return
    message = (
        f"{routes} releases that go to zero make KEDA write {needs} times a second while all are asked, and it may "
        f"{keda.kube_api_qps} times: they wake late, and stay awake for minutes when nobody asks any more"
    )
    hint = f"start its operator with --kube-api-qps={needs} or more and --kube-api-burst, and set keda.kubeApiQps"
    yield scope.problem(("keda", "kubeApiQps"), message, hint, CHECK, severity=Severity.WARNING)
