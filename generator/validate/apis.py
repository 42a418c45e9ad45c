"""No API that the environment's versions no longer serve, and none that the next ones will not.

A removed version is refused at the sync, objects that are there stay as they are, and the message names no way out.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from generator.errors import Severity
from generator.facts import release_order
from generator.sources.environment import Versions
from generator.validate.scope import Finding, ReleaseScope

KUBERNETES = "kubernetes"
CALLED = {
    KUBERNETES: "Kubernetes",
    "keda_http": "KEDA HTTP add-on",
    "external_secrets": "External Secrets operator",
    "gateway_api": "Gateway API",
    "dynamo": "Dynamo",
    "kueue": "Kueue",
}
GUIDE = "kubernetes.io/docs/reference/using-api/deprecation-guide"


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an API: since when it is on its way out, and what replaces it."""

    api: str
    # none: every kind of that version
    kinds: tuple[str, ...] = ()
    use: str
    deprecated: str = ""
    removed: str = ""
    # whose version counts, as `versions` of environment.yaml names it
    of: str = KUBERNETES
    # environment.yaml names no version: that of the vendored definition counts
    vendored: str = ""
    # the definition itself says so, and the API server warns; else only its publisher does
    flagged: bool = False
    source: str = GUIDE


GONE: tuple[Gone, ...] = (
    Gone(api="extensions/v1beta1", kinds=("Ingress",), use="networking.k8s.io/v1 Ingress", removed="1.22"),
    Gone(api="extensions/v1beta1", kinds=("NetworkPolicy",), use="networking.k8s.io/v1 NetworkPolicy", removed="1.16"),
    Gone(api="extensions/v1beta1", use="apps/v1", removed="1.16"),
    Gone(api="apps/v1beta1", use="apps/v1", removed="1.16"),
    Gone(api="apps/v1beta2", use="apps/v1", removed="1.16"),
    Gone(
        api="networking.k8s.io/v1beta1", kinds=("Ingress", "IngressClass"), use="networking.k8s.io/v1", removed="1.22"
    ),
    Gone(api="rbac.authorization.k8s.io/v1beta1", use="rbac.authorization.k8s.io/v1", removed="1.22"),
    Gone(api="scheduling.k8s.io/v1beta1", use="scheduling.k8s.io/v1", removed="1.22"),
    Gone(
        api="storage.k8s.io/v1beta1",
        kinds=("StorageClass", "CSIDriver", "CSINode"),
        use="storage.k8s.io/v1",
        removed="1.22",
    ),
    Gone(api="storage.k8s.io/v1beta1", kinds=("CSIStorageCapacity",), use="storage.k8s.io/v1", removed="1.27"),
    Gone(api="coordination.k8s.io/v1beta1", kinds=("Lease",), use="coordination.k8s.io/v1", removed="1.22"),
    Gone(api="policy/v1beta1", kinds=("PodDisruptionBudget",), use="policy/v1", removed="1.25"),
    Gone(api="policy/v1beta1", kinds=("PodSecurityPolicy",), use="labels of Pod Security Admission", removed="1.25"),
    Gone(api="batch/v1beta1", kinds=("CronJob",), use="batch/v1", removed="1.25"),
    Gone(api="discovery.k8s.io/v1beta1", use="discovery.k8s.io/v1", removed="1.25"),
    Gone(api="node.k8s.io/v1beta1", use="node.k8s.io/v1", removed="1.25"),
    Gone(api="autoscaling/v2beta1", use="autoscaling/v2", removed="1.25"),
    Gone(api="autoscaling/v2beta2", use="autoscaling/v2", removed="1.26"),
    Gone(api="flowcontrol.apiserver.k8s.io/v1beta2", use="flowcontrol.apiserver.k8s.io/v1", removed="1.29"),
    Gone(api="flowcontrol.apiserver.k8s.io/v1beta3", use="flowcontrol.apiserver.k8s.io/v1", removed="1.32"),
    Gone(
        api="v1",
        kinds=("Endpoints",),
        use="discovery.k8s.io/v1 EndpointSlice",
        deprecated="1.33",
        source="kubernetes/enhancements KEP-4974",
    ),
    Gone(
        api="http.keda.sh/v1alpha1",
        kinds=("HTTPScaledObject",),
        use="http.keda.sh/v1beta1 InterceptorRoute with a ScaledObject",
        deprecated="0.14.0",
        of="keda_http",
        source="kedacore/http-add-on v0.15.0 operator/apis/http",
    ),
    Gone(
        api="external-secrets.io/v1beta1",
        use="external-secrets.io/v1",
        deprecated="0.16.0",
        removed="0.17.0",
        of="external_secrets",
        source="external-secrets/external-secrets release notes of v0.16.0 and v0.17.0",
    ),
    Gone(
        api="gateway.networking.k8s.io/v1beta1",
        kinds=("Gateway", "GatewayClass", "HTTPRoute"),
        use="gateway.networking.k8s.io/v1",
        deprecated="1.0.0",
        of="gateway_api",
        source="kubernetes-sigs/gateway-api v1.0.0 apis/v1",
    ),
    Gone(
        api="kueue.x-k8s.io/v1beta1",
        use="kueue.x-k8s.io/v1beta2",
        of="kueue",
        vendored="0.19.2",
        flagged=True,
        source="sigs.k8s.io/kueue v0.19.2 config/components/crd/bases",
    ),
    Gone(
        api="nvidia.com/v1alpha1",
        kinds=(
            "DynamoComponentDeployment",
            "DynamoGraphDeployment",
            "DynamoGraphDeploymentRequest",
            "DynamoGraphDeploymentScalingAdapter",
        ),
        use="nvidia.com/v1beta1",
        deprecated="1.5.0",
        of="dynamo",
        flagged=True,
        source="ai-dynamo/dynamo deploy/operator/config/crd/bases, main before 1.5.0; UNVERIFIED for 1.6.1",
    ),
)
_BY_API: dict[str, list[Gone]] = {}
for _row in GONE:
    _BY_API.setdefault(_row.api, []).append(_row)


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find objects of versions that are gone, or on their way out."""
    versions = scope.resolved.context.environment.value.versions
    for file, manifest in scope.objects.items():
        rows = _BY_API.get(manifest["apiVersion"])
        row = next((r for r in rows or () if not r.kinds or manifest["kind"] in r.kinds), None)
        if row is not None:
            yield from _judged(file, manifest["kind"], row, versions)


def _judged(file: str, kind: str, row: Gone, versions: Versions) -> Iterator[Finding]:
    called = CALLED[row.of]
    hint = f"write {row.use} ({row.source})"
    if row.vendored:
        message = f"{row.api} {kind} is deprecated in {called} {row.vendored}; a later one no longer serves it"
        yield Finding(file, ("apiVersion",), message, hint, Severity.WARNING)
        return
    runs: str | None = getattr(versions, row.of)
    if runs is None:
        return
    if row.removed and not _older(runs, row.removed):
        message = f"{row.api} {kind} is no longer served since {called} {row.removed}, and the cluster has {runs}"
        yield Finding(file, ("apiVersion",), message, hint)
    elif row.deprecated and not _older(runs, row.deprecated):
        end = f"{called} {row.removed}" if row.removed else "a later one"
        message = f"{row.api} {kind} is deprecated since {called} {row.deprecated}; {end} no longer serves it"
        yield Finding(file, ("apiVersion",), message, hint, Severity.WARNING)


def _older(version: str, than: str) -> bool:
    return release_order(version.removeprefix("v")) < release_order(than)
