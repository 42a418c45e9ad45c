"""What one object says of another."""

from __future__ import annotations

from typing import Any

import pytest

from generator.errors import Severity
from generator.validate.references import check
from tests.support.scopes import (
    GRAPH,
    GROUP,
    PAIR,
    PLAIN,
    REMOVED,
    ZERO,
    changed,
    found,
    in_environment,
    overridden,
    scopes,
    texts,
    without,
)

POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
COMPONENT = "app.kubernetes.io/component"
# what breaks it: release, file, place, value, what is said
CASES: tuple[tuple[str, str, tuple[str | int, ...], Any, str], ...] = (
    (PLAIN, "service.yaml", ("spec", "selector", COMPONENT), "serve", "the Service selects no pod of this release"),
    (PLAIN, "service.yaml", ("spec", "ports", 0, "targetPort"), "htp", "pods of server declare no port htp"),
    (
        PLAIN,
        "poddisruptionbudget-server.yaml",
        ("spec", "selector", "matchLabels", COMPONENT),
        "x",
        "the PodDisruptionBudget selects no pod",
    ),
    (
        PLAIN,
        "networkpolicy-server.yaml",
        ("spec", "podSelector", "matchLabels", COMPONENT),
        "x",
        "the NetworkPolicy selects no pod",
    ),
    (
        PLAIN,
        "networkpolicy-server.yaml",
        ("spec", "ingress", 1, "ports", 0, "port"),
        "web",
        "pods of server declare no port web",
    ),
    (
        PLAIN,
        "podmonitor-server.yaml",
        ("spec", "selector", "matchLabels", COMPONENT),
        "x",
        "the PodMonitor selects no pod",
    ),
    (
        PLAIN,
        "podmonitor-server.yaml",
        ("spec", "podMetricsEndpoints", 0, "port"),
        "metrics",
        "pods of server declare no port metrics",
    ),
    (
        PLAIN,
        "deployment-server.yaml",
        ("spec", "selector", "matchLabels", COMPONENT),
        "x",
        "the Deployment does not select its own pods",
    ),
    (
        PAIR,
        "deployment-decode.yaml",
        ("spec", "selector", "matchLabels", COMPONENT),
        REMOVED,
        "the Deployment selects the pods of Deployment/llama-70b-pd-prefill too",
    ),
    (
        PLAIN,
        "deployment-server.yaml",
        (*CONTAINER, "readinessProbe", "httpGet", "port"),
        "api",
        "the probe asks port api, which the container does not declare",
    ),
    (
        PLAIN,
        "deployment-server.yaml",
        (*CONTAINER, "ports", 0, "containerPort"),
        9000,
        "the server listens on port 8000, which the container does not declare",
    ),
    (PLAIN, "deployment-server.yaml", (*POD, "volumes", 0, "name"), "weights", "the pod has no volume models"),
    (PLAIN, "deployment-server.yaml", (*POD, "priorityClassName"), "high", "makes no PriorityClass high"),
    (PLAIN, "httproute.yaml", ("spec", "parentRefs", 0, "name"), "public", "has no gateway gateway/public"),
    (
        PLAIN,
        "httproute.yaml",
        ("spec", "rules", 0, "backendRefs", 0, "name"),
        "llama-9b",
        "there is no Service llama-9b in this release",
    ),
    (
        PLAIN,
        "httproute.yaml",
        ("spec", "rules", 0, "backendRefs", 0, "port"),
        8080,
        "the Service llama-8b has no port 8080",
    ),
    (
        ZERO,
        "httproute.yaml",
        ("spec", "rules", 0, "backendRefs", 0, "port"),
        80,
        "keda/keda-add-ons-http-interceptor-proxy:80 is no interceptor that the environment declares",
    ),
    (ZERO, "interceptorroute.yaml", ("spec", "target", "port"), 8000, "the Service gpt-oss-20b has no port 8000"),
    (ZERO, "scaledobject-server.yaml", ("spec", "scaleTargetRef", "name"), "gpt", "there is no Deployment gpt"),
    (
        ZERO,
        "scaledobject-server.yaml",
        ("spec", "triggers", 0, "metadata", "interceptorRoute"),
        "gpt",
        "there is no InterceptorRoute gpt in this release",
    ),
    (PAIR, "rolebinding.yaml", ("roleRef", "name"), "reader", "there is no Role reader in this release"),
    (PAIR, "rolebinding.yaml", ("subjects", 0, "name"), "reader", "there is no ServiceAccount reader in this release"),
    (
        PLAIN,
        "externalsecret-token.yaml",
        ("spec", "secretStoreRef", "name"),
        "other",
        "the environment has no secret store ClusterSecretStore/other",
    ),
    (
        GRAPH,
        "httproute.yaml",
        ("spec", "rules", 0, "backendRefs", 0, "port"),
        80,
        "the Service gpt-oss-120b-dynamo-frontend has no port 80",
    ),
)


@pytest.mark.parametrize(("key", "file", "path", "value", "message"), CASES)
def test_a_reference_that_leads_nowhere_is_refused(
    key: str, file: str, path: tuple[str | int, ...], value: object, message: str
) -> None:
    problems = found(check, changed(scopes()[key], file, path, value))
    assert any(message in problem.message for problem in problems), [problem.text() for problem in problems]
    assert all(problem.hint for problem in problems)


@pytest.mark.parametrize(
    ("key", "file", "message"),
    [
        (PLAIN, "serviceaccount.yaml", "there is no ServiceAccount llama-8b in this release"),
        (PLAIN, "persistentvolumeclaim.yaml", "there is no PersistentVolumeClaim llama-8b-models in this release"),
        (PLAIN, "externalsecret-token.yaml", "there is no Secret llama-8b-token in this release"),
        (ZERO, "triggerauthentication.yaml", "there is no TriggerAuthentication gpt-oss-20b-prometheus"),
        (PAIR, "role.yaml", "there is no Role llama-70b-pd-router in this release"),
    ],
)
def test_an_object_that_is_missing_is_named(key: str, file: str, message: str) -> None:
    messages = texts(check, without(scopes()[key], file))
    assert any(text.startswith(message) for text in messages), messages


def test_a_secret_that_a_person_named_is_a_warning() -> None:
    scope = overridden(PLAIN, "security:\n  apiKey:\n    secret: my-keys")
    (problem,) = found(check, scope)
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("nothing here makes the Secret my-keys")
    assert problem.location.file.endswith("llama-8b.yaml") and problem.location.line > 1


def test_what_the_environment_declares_is_there() -> None:
    assert not texts(check, scopes()[ZERO])
    assert any("company-ca" in text for text in texts(check, in_environment(scopes()[ZERO], ca_bundle=None)))
    assert any("registry-pull" in text for text in texts(check, in_environment(scopes()[ZERO], pull_secrets={})))


def test_a_worker_that_moves_its_system_port_away_from_the_probes_is_refused() -> None:
    path = ("spec", "components", 1, "podTemplate", "spec", "containers", 0)
    container: Any = scopes()[GRAPH].objects["dynamographdeployment.yaml"]
    for part in path:
        container = container[part]
    index = next(i for i, item in enumerate(container["env"]) if item["name"] == "DYN_SYSTEM_PORT")
    scope = changed(scopes()[GRAPH], "dynamographdeployment.yaml", (*path, "env", index, "value"), "8081")
    (message,) = texts(check, scope)
    assert message == "DYN_SYSTEM_PORT moves the server to port 8081, and port `system` is 9090"


def test_followers_without_a_port_are_guarded_by_the_policy_of_their_group() -> None:
    assert not texts(check, scopes()[GROUP])


def test_real_releases_pass() -> None:
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
