"""What the cluster lacks, and what its releases share."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from generator.errors import Severity
from generator.sources.environment import Environment, Policies
from generator.validate import clashes, cluster, digests, revisions
from tests.support.scopes import GRAPH, GROUP, PAIR, PLAIN, ZERO, changed, environment, facts_of, overridden, scopes

NAMES = ("dev", "staging", "prod")


def with_versions(name: str, **changes: Any) -> Environment:
    return facts_of(name, versions=msgspec.structs.replace(facts_of(name).versions, **changes))


@pytest.mark.parametrize(
    ("key", "field", "message"),
    [
        (PLAIN, "keda", "the cluster has no KEDA, and llama-8b need its ScaledObject"),
        (ZERO, "keda_http", "the cluster has no KEDA HTTP add-on, and gpt-oss-20b need its InterceptorRoute"),
        (GROUP, "lws", "the cluster has no LeaderWorkerSet controller, and deepseek-r1 need its LeaderWorkerSet"),
        (GRAPH, "dynamo", "the cluster has no Dynamo operator, and gpt-oss-120b-dynamo need its DynamoGraphDeployment"),
        (PLAIN, "gateway_api", "the cluster has no Gateway API, and llama-8b need its HTTPRoute"),
        (PLAIN, "prometheus_operator", "the cluster has no Prometheus operator, and llama-8b need its PodMonitor"),
        (
            PLAIN,
            "external_secrets",
            "the cluster has no External Secrets operator, and llama-8b need its ExternalSecret",
        ),
    ],
)
def test_a_kind_without_its_controller_is_refused(key: str, field: str, message: str) -> None:
    name = key.partition("/")[0]
    (problem,) = cluster.check(environment(name, scopes()[key], facts=with_versions(name, **{field: None})))
    assert problem.message == message
    assert problem.path == "versions"


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("kubernetes", "1.29", "versions.kubernetes"),
        ("keda", "2.20.0", "versions.keda"),
        ("keda_http", "0.14.0", "versions.kedaHttp"),
        ("lws", "0.10.0", "versions.lws"),
        ("gateway_api", "1.5.0", "versions.gatewayApi"),
        ("prometheus_operator", "0.92.0", "versions.prometheusOperator"),
        ("external_secrets", "0.15.0", "versions.externalSecrets"),
        ("dynamo", "1.5.0", "versions.dynamo"),
    ],
)
def test_a_version_without_schemas_is_refused_at_its_line(field: str, value: str, path: str) -> None:
    facts = with_versions("prod", **{field: value})
    (problem,) = cluster.check(environment("prod", scopes()[GRAPH], facts=facts))
    assert problem.path == path and value in problem.message
    assert problem.location.file == "environments/prod/environment.yaml" and problem.location.line > 1


def test_another_argo_cd_is_a_warning() -> None:
    (problem,) = cluster.check(environment("prod", scopes()[PLAIN], facts=with_versions("prod", argocd="3.5.0")))
    assert problem.severity is Severity.WARNING


def asked_at_once(qps: int) -> list[str]:
    many = [scope for key, scope in scopes().items() if key.startswith("dev/")]
    known = facts_of("dev").keda
    assert known is not None
    keda = msgspec.structs.replace(known, kube_api_qps=qps)
    found = cluster.check(environment("dev", *many, facts=facts_of("dev", keda=keda)))
    return [f"{problem.path}: {problem.severity.value}: {problem.message}" for problem in found]


def test_more_routes_than_keda_may_write_of_are_a_warning() -> None:
    (text,) = asked_at_once(49)
    assert text == (
        "keda.kubeApiQps: warning: 10 releases that go to zero make KEDA write 50 times a second while all are asked, "
        "and it may 49 times: they wake late, and stay awake for minutes when nobody asks any more"
    )


def test_as_many_routes_as_keda_may_write_of_are_fine() -> None:
    assert asked_at_once(50) == []


def test_two_releases_may_not_make_one_object() -> None:
    other = changed(scopes()["staging/qwen3-8b"], "service.yaml", ("metadata", "name"), "llama-70b-pd-decode")
    pair = scopes()[PAIR]
    twin = changed(pair, "service.yaml", ("metadata", "name"), "llama-70b-pd-decode")
    (problem,) = clashes.check(environment("staging", twin, other))
    assert problem.message == (
        "Service/llama-70b-pd-decode in assistants is an object of environments/staging/releases/llama-70b-pd.yaml too"
    )
    assert problem.location.file == "environments/staging/releases/qwen3-8b.yaml"


def test_what_a_controller_derives_counts() -> None:
    group = scopes()[GROUP]
    other = changed(
        scopes()["prod/gpt-oss-120b"], "service.yaml", ("metadata", "name"), f"{scopes()[GRAPH].name}-decode"
    )
    assert [
        p.message.partition(" in ")[0] for p in clashes.check(environment("prod", scopes()[GRAPH], other, group))
    ] == ["Service/gpt-oss-120b-dynamo-decode"]


def test_two_routes_may_not_have_one_host() -> None:
    host = scopes()[PLAIN].objects["httproute.yaml"]["spec"]["hostnames"][0]
    other = changed(scopes()["staging/qwen3-8b"], "httproute.yaml", ("spec", "hostnames", 0), host)
    (problem,) = clashes.check(environment("staging", scopes()[PLAIN], other))
    assert problem.message == f"the host {host} is that of environments/staging/releases/llama-8b.yaml too"


def with_policies(name: str, **changes: Any) -> Environment:
    return facts_of(name, policies=Policies(**changes))


def test_images_without_a_digest_are_one_warning_or_an_error_each() -> None:
    (warning,) = digests.check(environment("prod", facts=with_policies("prod", digests="warn")))
    assert warning.severity is Severity.WARNING and warning.message.startswith("5 images have no digest: ")
    errors = list(digests.check(environment("prod", facts=with_policies("prod", digests="deny"))))
    assert len(errors) == 5 and all(problem.severity is Severity.ERROR for problem in errors)
    assert any("vllm-openai:v0.33.0 has no digest (" in problem.message for problem in errors)
    assert not list(digests.check(environment("prod", facts=with_policies("prod", digests="off"))))


def test_an_image_by_digest_is_fine() -> None:
    scope = overridden(PLAIN, f"image:\n  digest: sha256:{'a' * 64}")
    assert not list(digests.check(environment("staging", scope, facts=with_policies("staging", digests="deny"))))


def test_weights_without_a_revision_are_one_warning_or_an_error_each() -> None:
    unpinned = [scopes()["staging/bge-m3"], scopes()["staging/qwen3-8b"]]
    (warning,) = revisions.check(environment("staging", *unpinned, facts=with_policies("staging", revisions="warn")))
    assert warning.message == "2 releases load weights without a revision: bge-m3, qwen3-8b"
    assert warning.severity is Severity.WARNING
    errors = list(revisions.check(environment("staging", *unpinned, facts=with_policies("staging", revisions="deny"))))
    assert [problem.location.file for problem in errors] == [
        "catalog/models/bge-m3.yaml",
        "catalog/models/qwen3-8b.yaml",
    ]
    assert not list(revisions.check(environment("staging", *unpinned, facts=with_policies("staging", revisions="off"))))


def test_simulated_weights_need_no_revision() -> None:
    facts = with_policies("dev", revisions="deny")
    assert not list(revisions.check(environment("dev", facts=facts)))


@pytest.mark.parametrize("name", NAMES)
def test_real_environments_have_no_error(name: str) -> None:
    whole = environment(name)
    for check in (clashes.check, cluster.check, digests.check, revisions.check):
        assert not [problem.text() for problem in check(whole) if problem.severity is Severity.ERROR]
