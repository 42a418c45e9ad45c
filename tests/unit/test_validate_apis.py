"""Versions of APIs that clusters no longer serve."""

from __future__ import annotations

import msgspec
import pytest
import yaml

from generator.errors import Severity
from generator.validate.apis import CALLED, GONE, Gone, check
from generator.validate.pods import Manifest
from generator.validate.scope import ReleaseScope
from tests.support.scopes import GRAPH, PLAIN, ROOT, changed, found, in_environment, scopes, texts, with_object


def with_api(api: str, kind: str, **versions: str) -> ReleaseScope:
    scope = scopes()[PLAIN]
    facts = scope.resolved.context.environment.value
    manifest: Manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}, "spec": {}}
    changed_ = in_environment(scope, versions=msgspec.structs.replace(facts.versions, **versions))
    return with_object(changed_, "x.yaml", manifest)


def test_real_releases_pass() -> None:
    assert [(key, text) for key, scope in scopes().items() for text in texts(check, scope)] == []


@pytest.mark.parametrize(
    ("api", "kind", "use"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1 Ingress"),
        ("extensions/v1beta1", "Deployment", "apps/v1"),
    ],
)
def test_what_is_gone_is_refused_with_what_replaced_it(api: str, kind: str, use: str) -> None:
    (problem,) = found(check, with_api(api, kind))
    assert problem.message.startswith(f"{api} {kind} is no longer served since Kubernetes 1.")
    assert problem.message.endswith("and the cluster has 1.36")
    assert problem.hint.startswith(f"write {use} (")
    assert problem.path == f"{kind}/x: apiVersion"


def test_what_another_version_serves_is_judged_by_the_cluster_that_is_meant() -> None:
    assert texts(check, with_api("external-secrets.io/v1beta1", "ExternalSecret", external_secrets="0.17.0")) == [
        "external-secrets.io/v1beta1 ExternalSecret is no longer served since External Secrets operator 0.17.0, "
        "and the cluster has 0.17.0"
    ]
    (finding,) = check(with_api("external-secrets.io/v1beta1", "ExternalSecret", external_secrets="0.16.2"))
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith("External Secrets operator 0.17.0 no longer serves it")
    assert texts(check, with_api("external-secrets.io/v1beta1", "ExternalSecret", external_secrets="0.15.0")) == []


def test_a_package_that_no_environment_names_is_judged_by_its_vendored_definition() -> None:
    (finding,) = check(with_api("kueue.x-k8s.io/v1beta1", "LocalQueue"))
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith("kueue.x-k8s.io/v1beta1 LocalQueue is deprecated in Kueue 0.19.2")
    assert finding.hint.startswith("write kueue.x-k8s.io/v1beta2")


def definitions() -> dict[tuple[str, str], tuple[bool, bool, str]]:
    """Of every vendored version of a kind: whether it is served, whether it is flagged, and its module."""
    groups = yaml.safe_load((ROOT / "schemas/PROVENANCE.yaml").read_text(encoding="utf-8"))["groups"]
    return {
        (f"{entry['group']}/{version['name']}", entry["kind"]): (
            version["served"],
            version["deprecated"],
            entry.get("module", ""),
        )
        for entry in groups
        if "versions" in entry
        for version in entry["versions"]
    }


def row_of(api: str, kind: str) -> Gone | None:
    return next((row for row in GONE if row.api == api and (not row.kinds or kind in row.kinds)), None)


def test_the_rows_say_what_the_vendored_definitions_say() -> None:
    """A version that a definition flags has a row, and a row tells whether the definition or its publisher says so."""
    found_ = definitions()
    assert any(flagged for _, flagged, _ in found_.values())
    for (api, kind), (served, flagged, module) in found_.items():
        row = row_of(api, kind)
        assert served and flagged == (row is not None and row.flagged), (api, kind)
        if row is not None and row.vendored:
            assert module.endswith(f"@v{row.vendored}")


def test_a_row_replaces_what_is_vendored_by_a_version_that_is() -> None:
    served = {api for api, _ in definitions()}
    for row in GONE:
        if row.api in served:
            assert row.use.split()[0] in served, row.api


def test_an_old_form_of_a_graph_is_a_warning() -> None:
    (finding,) = check(changed(scopes()[GRAPH], "dynamographdeployment.yaml", ("apiVersion",), "nvidia.com/v1alpha1"))
    assert finding.severity is Severity.WARNING and finding.hint.startswith("write nvidia.com/v1beta1")


@pytest.mark.parametrize("kind", ["DynamoComponentDeployment", "DynamoGraphDeploymentRequest"])
def test_every_kind_with_a_newer_form_is_named(kind: str) -> None:
    (finding,) = check(with_api("nvidia.com/v1alpha1", kind, dynamo="1.6.1"))
    assert finding.severity is Severity.WARNING


def test_a_kind_that_has_only_the_old_form_is_fine() -> None:
    assert texts(check, with_api("nvidia.com/v1alpha1", "DynamoModel", dynamo="1.6.1")) == []


def test_every_row_names_a_way_out_and_a_source() -> None:
    for row in GONE:
        assert row.use and row.source and (row.deprecated or row.removed or row.vendored) and row.of in CALLED
