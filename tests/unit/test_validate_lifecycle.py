"""Times that must agree."""

from __future__ import annotations

import pytest

from generator.errors import Severity
from generator.model import waves
from generator.validate.lifecycle import check, seconds
from tests.support.scopes import (
    GRAPH,
    GROUP,
    PLAIN,
    REMOVED,
    SGLANG,
    ZERO,
    changed,
    found,
    overridden,
    scopes,
    texts,
)

FILE = "deployment-server.yaml"
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)


def test_a_grace_period_that_equals_the_sum_is_refused_with_its_figures() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*POD, "terminationGracePeriodSeconds"), 1695))
    assert message.startswith("preStop 15 s + drain 1680 s = 1695 s, and the grace period is 1695 s")
    assert not texts(check, changed(scopes()[PLAIN], FILE, (*POD, "terminationGracePeriodSeconds"), 1696))


def test_the_grace_period_of_kubernetes_counts_where_none_is_written() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*POD, "terminationGracePeriodSeconds"), REMOVED))
    assert "the grace period is 30 s" in message


def test_an_engine_without_a_drain_flag_is_measured_by_what_the_release_means() -> None:
    scope = changed(scopes()[SGLANG], FILE, (*POD, "terminationGracePeriodSeconds"), 60)
    assert "drain 1680 s" in texts(check, scope)[0]


def test_a_worker_of_a_graph_drains_by_its_variables() -> None:
    path = ("spec", "components", 1, "podTemplate", "spec", "terminationGracePeriodSeconds")
    (message,) = texts(check, changed(scopes()[GRAPH], "dynamographdeployment.yaml", path, 320))
    assert message.startswith("preStop 15 s + drain 300 s + exit 5 s = 320 s")


def test_a_pod_that_serves_waits_before_it_stops() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, "lifecycle"), REMOVED))
    assert "there is no preStop wait" in message


@pytest.mark.parametrize("value", [1, REMOVED])
@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_has_more_than_a_second(probe: str, value: object) -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, probe, "timeoutSeconds"), value))
    assert message.startswith(f"the {probe} has 1 s to answer")


def test_a_look_that_generates_a_token_needs_more_than_twenty_seconds() -> None:
    scope = scopes()[SGLANG]
    env = scope.objects[FILE]["spec"]["template"]["spec"]["containers"][0]["env"]
    index = next(i for i, item in enumerate(env) if item["name"] == "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION")
    on = changed(scope, FILE, (*CONTAINER, "env", index), REMOVED)
    (message,) = texts(check, on)
    assert message == "/health generates a token and may take 20 s; the livenessProbe waits 10 s"
    assert not texts(check, changed(on, FILE, (*CONTAINER, "livenessProbe", "timeoutSeconds"), 21))
    assert not texts(check, changed(on, FILE, (*CONTAINER, "livenessProbe", "httpGet", "path"), "/ready"))


def test_a_liveness_probe_without_a_startup_probe_is_refused() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, "startupProbe"), REMOVED))
    assert message.startswith("the livenessProbe begins at once")


def test_an_engine_that_gives_up_before_its_probe_is_refused() -> None:
    env = scopes()[PLAIN].objects[FILE]["spec"]["template"]["spec"]["containers"][0]["env"]
    index = next(i for i, item in enumerate(env) if item["name"] == "VLLM_ENGINE_READY_TIMEOUT_S")
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, "env", index), REMOVED))
    assert message.startswith("the engine gives up its start after 600 s")
    assert texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, "env", index, "value"), "700"))


def test_a_rollout_may_not_fail_before_a_pod_has_started() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, ("spec", "progressDeadlineSeconds"), 900))
    assert message.startswith("a rollout counts as failed after 900 s")
    assert texts(check, changed(scopes()[PLAIN], FILE, ("spec", "progressDeadlineSeconds"), REMOVED))


def test_the_deadline_of_a_group_stands_in_its_annotation() -> None:
    path = ("metadata", "annotations", waves.PROGRESS_DEADLINE)
    (message, *_) = texts(check, changed(scopes()[GROUP], "leaderworkerset-server.yaml", path, "600"))
    assert message.startswith("a rollout counts as failed after 600 s")


@pytest.mark.parametrize("value", [REMOVED, "soon"])
def test_a_route_states_its_timeout(value: object) -> None:
    path = ("spec", "rules", 0, "timeouts", "request")
    (message,) = texts(check, changed(scopes()[PLAIN], "httproute.yaml", path, value))
    assert message.startswith("the route has no request timeout")


def test_a_timeout_behind_the_gateway_is_not_the_longer_one() -> None:
    path = ("spec", "rules", 0, "timeouts", "backendRequest")
    (message,) = texts(check, changed(scopes()[PLAIN], "httproute.yaml", path, "1681s"))
    assert message == "backendRequest (1681s) is longer than request (1680s)"


def test_answers_longer_than_the_drain_are_a_warning() -> None:
    scope = overridden(PLAIN, "timing:\n  drainSeconds: 60\nroute:\n  requestSeconds: 1680")
    (problem,) = found(check, scope)
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("an answer may take 1680s, and a pod that goes finishes answers of 60 s")


def test_a_held_request_has_limits() -> None:
    path = ("spec", "timeouts")
    messages = texts(check, changed(scopes()[ZERO], "interceptorroute.yaml", path, {}))
    assert [message.partition(":")[0] for message in messages] == [
        "a request is held without limit",
        "a request that was handed on has no limit",
    ]


def test_a_request_is_held_for_as_long_as_a_start_takes() -> None:
    path = ("spec", "timeouts", "readiness")
    (message,) = texts(check, changed(scopes()[ZERO], "interceptorroute.yaml", path, "300s"))
    assert message.startswith("a request is held for 300s, and a pod may take ")


def test_a_gateway_that_cuts_a_held_request_is_a_warning() -> None:
    scope = changed(scopes()[ZERO], "httproute.yaml", ("spec", "rules", 0, "timeouts"), {"request": "60s"})
    (problem,) = found(check, scope)
    assert problem.severity is Severity.WARNING and "cuts a held request after 60 s" in problem.message


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("0s", 0), ("30", None), ("", None)]
)
def test_durations_are_those_of_the_gateway_api(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_real_releases_have_no_error() -> None:
    errors = [
        (key, problem.text())
        for key, scope in scopes().items()
        for problem in found(check, scope)
        if problem.severity is Severity.ERROR
    ]
    assert not errors
