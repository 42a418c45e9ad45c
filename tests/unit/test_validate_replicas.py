"""Replicas have one owner, and its bounds can be reached."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from generator.validate.replicas import check
from generator.validate.scope import ReleaseScope
from tests.support.scopes import GRAPH, GROUP, PAIR, PLAIN, REMOVED, ZERO, changed, scopes, texts, with_object, without

FILE = "scaledobject-server.yaml"
TRIGGER = ("spec", "triggers", 0)
RUNNING = 'vllm:num_requests_running{job="a/b",model_name="m"}'


def with_query(query: str, **trigger: Any) -> ReleaseScope:
    """A release that scales on one other query."""
    scope = changed(scopes()[PLAIN], FILE, (*TRIGGER, "metadata", "query"), query)
    for key, value in trigger.items():
        path = (*TRIGGER, key) if key == "metricType" else (*TRIGGER, "metadata", key)
        scope = changed(scope, FILE, path, value)
    return changed(scope, FILE, ("spec", "maxReplicaCount"), 10)


def with_slots(scope: ReleaseScope, slots: int) -> ReleaseScope:
    path = ("spec", "template", "spec", "containers", 0, "args")
    args = scope.objects["deployment-server.yaml"]["spec"]["template"]["spec"]["containers"][0]["args"]
    return changed(scope, "deployment-server.yaml", path, [*args, "--max-num-seqs", str(slots)])


def test_a_scaled_target_with_replicas_in_git_has_two_owners() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", ("spec", "replicas"), 3))
    assert message == "Git says 3 replicas, and ScaledObject/llama-8b scales them: each sync sets them back"


def test_a_target_without_either_has_no_owner() -> None:
    (message,) = texts(check, without(scopes()[PLAIN], FILE))
    assert message == "nobody says how many replicas Deployment/llama-8b has"
    assert texts(check, changed(scopes()[GROUP], "leaderworkerset-server.yaml", ("spec", "replicas"), REMOVED))


def test_a_second_scaled_object_on_a_target_is_refused() -> None:
    twin = copy.deepcopy(scopes()[PLAIN].objects[FILE])
    twin["metadata"]["name"] = "other"
    (message,) = texts(check, with_object(scopes()[PLAIN], "scaledobject-2.yaml", twin))
    assert message == "Deployment/llama-8b is scaled twice: by ScaledObject/llama-8b and by ScaledObject/other"


def test_a_component_has_replicas_or_an_adapter() -> None:
    path = ("spec", "components", 1)
    both = changed(scopes()[GRAPH], "dynamographdeployment.yaml", (*path, "scalingAdapter"), {})
    assert "has a scaling adapter" in texts(check, both)[0]
    neither = changed(scopes()[GRAPH], "dynamographdeployment.yaml", (*path, "replicas"), REMOVED)
    assert texts(check, neither) == ["nobody says how many replicas the component prefill has"]


def test_a_minimum_above_the_maximum_is_refused() -> None:
    assert texts(check, changed(scopes()[PLAIN], FILE, ("spec", "minReplicaCount"), 9)) == [
        "at least 9 replicas and at most 2"
    ]


def test_a_figure_that_one_slot_bounds_never_asks_for_a_second_replica() -> None:
    scope = with_slots(with_query(f"sum({RUNNING})", threshold="2"), 1)
    (message,) = texts(check, scope)
    assert message.startswith("this trigger can never ask for more than 1 replicas, and the maximum is 10")
    assert not texts(check, with_slots(scope, 4))


def test_a_share_against_an_average_asks_for_two_at_most() -> None:
    (message,) = texts(check, with_query('max(vllm:kv_cache_usage_perc{job="a/b"})', threshold="0.6"))
    assert message.startswith("this trigger can never ask for more than 2 replicas")
    assert "vllm:kv_cache_usage_perc is at most 1, and the threshold is 0.6" in message


def test_a_share_as_a_value_asks_for_more_the_more_there_are() -> None:
    query = 'max(vllm:kv_cache_usage_perc{job="a/b"})'
    assert not texts(check, with_query(query, threshold="0.6", metricType="Value"))


def test_waiting_requests_have_no_bound() -> None:
    waiting = 'sum(vllm:num_requests_waiting{job="a/b"})'
    assert not texts(check, with_slots(with_query(f"sum({RUNNING}) + {waiting}", threshold="2"), 1))


def test_a_query_that_averages_is_averaged_again() -> None:
    (message,) = texts(check, with_query(f'sum({RUNNING}) / count(up{{job="a/b"}})', threshold="4"))
    assert "16 on 2 pods is 8, which asks for 2 replicas instead of 4" in message
    assert any("divides again" in text for text in texts(check, with_query(f"avg({RUNNING})", threshold="4")))


def test_a_sum_as_a_value_compounds() -> None:
    (message,) = texts(check, with_query(f"sum({RUNNING})", metricType="Value"))
    assert message.startswith("metricType Value multiplies by the replicas there are")


def test_a_count_whose_labels_hold_a_slash_divides_nothing() -> None:
    assert not texts(check, with_query(f"count({RUNNING})", threshold="4"))


def test_of_a_query_that_cannot_be_read_nothing_more_is_said() -> None:
    scope = changed(with_query("sum("), FILE, ("spec", "minReplicaCount"), 0)
    assert texts(check, scope) == []


@pytest.mark.parametrize(
    "query",
    [
        'histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{job="a/b"}[5m])))',
        'sum(rate(vllm:prefix_cache_hits_total{job="a/b"}[5m])) / '
        'sum(rate(vllm:prefix_cache_queries_total{job="a/b"}[5m]))',
    ],
)
def test_what_does_not_grow_with_the_pods_may_be_a_value(query: str) -> None:
    assert not texts(check, with_query(query, metricType="Value"))


def test_metric_name_has_no_effect() -> None:
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, (*TRIGGER, "metadata", "metricName"), "load"))
    assert message == "metricName has no effect: KEDA dropped it in 2.12"


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("http://prometheus-service:9090", False),
        ("http://prometheus.monitoring.svc:9090", True),
        ("http://prometheus.monitoring:9090", True),
        ("http://10.0.0.1:9090", True),
        ("http://[fd00::1]:9090", True),
        ("", False),
    ],
)
def test_the_address_is_a_full_name(address: str, fine: bool) -> None:
    scope = changed(scopes()[PLAIN], FILE, (*TRIGGER, "metadata", "serverAddress"), address)
    assert (not texts(check, scope)) is fine


def test_what_only_a_running_engine_exports_wakes_nothing() -> None:
    (message,) = texts(check, changed(scopes()[ZERO], FILE, TRIGGER, REMOVED))
    assert message.startswith("at zero replicas no engine exports what the triggers read")
    assert texts(check, changed(scopes()[PLAIN], FILE, ("spec", "minReplicaCount"), 0)) == [message]


def test_the_hours_of_a_calendar_ask_for_no_more_than_they_say() -> None:
    cron = {"type": "cron", "metadata": {"desiredReplicas": "1", "start": "0 8 * * *", "end": "0 18 * * *"}}
    (message,) = texts(check, changed(scopes()[PLAIN], FILE, ("spec", "triggers"), [cron]))
    assert message.startswith("this trigger can never ask for more than 1 replicas, and the maximum is 2")


def test_real_releases_pass() -> None:
    assert scopes()[PAIR].objects
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]


def test_a_cooldown_beside_a_minimum_is_found_at_its_field() -> None:
    (finding,) = check(changed(scopes()[PLAIN], FILE, ("spec", "cooldownPeriod"), 300))
    assert finding.path == ("spec", "cooldownPeriod")
    assert finding.hint == "leave it out, or let the minimum be 0"


def test_a_cooldown_on_the_way_to_zero_is_fine() -> None:
    assert scopes()[ZERO].objects[FILE]["spec"]["cooldownPeriod"]
    assert texts(check, scopes()[ZERO]) == []
