"""Field cases KEDA and the scaling files: triggers that cannot do what they promise."""

from __future__ import annotations

from typing import Any

import pytest

from generator.validate import promql, replicas
from generator.validate.scope import ReleaseScope
from tests.support.scopes import PLAIN, ZERO, changed, charts, scopes, texts

FILE, SERVER = "scaledobject-server.yaml", "deployment-server.yaml"
JOB = 'job="assistants/llama-8b"'
ARGS = ("spec", "template", "spec", "containers", 0, "args")


def with_trigger(most: int, metadata: dict[str, Any], *, least: int = 1, **more: Any) -> ReleaseScope:
    """A release with one trigger of its own."""
    address = "http://prometheus-operated.monitoring.svc:9090"
    trigger = {
        "type": "prometheus",
        "name": "load",
        "metadata": {"serverAddress": address, "ignoreNullValues": "false", **metadata},
        **more,
    }
    scope = changed(scopes()[PLAIN], FILE, ("spec", "triggers"), [trigger])
    scope = changed(scope, FILE, ("spec", "minReplicaCount"), least)
    return changed(scope, FILE, ("spec", "maxReplicaCount"), most)


def test_keda_2_one_slot_a_pod_never_asks_for_a_second_replica() -> None:
    scope = with_trigger(4, {"query": f"sum(vllm:num_requests_running{{{JOB}}})", "threshold": "2"})
    args = scope.objects[SERVER]["spec"]["template"]["spec"]["containers"][0]["args"]
    (message,) = texts(replicas.check, changed(scope, SERVER, ARGS, [*args, "--max-num-seqs", "1"]))
    assert message.startswith("this trigger can never ask for more than 1 replicas, and the maximum is 4")


def test_keda_2_a_share_asks_for_two_at_most() -> None:
    scope = with_trigger(10, {"query": f"max(vllm:kv_cache_usage_perc{{{JOB}}})", "threshold": "0.6"})
    (message,) = texts(replicas.check, scope)
    assert message.startswith("this trigger can never ask for more than 2 replicas, and the maximum is 10")


def test_keda_4_a_guard_on_labels_that_the_scrape_does_not_add_is_refused() -> None:
    query = 'sum(vllm:num_requests_running{namespace="assistants",model_name="llama-3.1-8b-instruct"})'
    scope = with_trigger(4, {"query": query, "threshold": "2"})
    assert texts(promql.check, scope) == []
    drop = [{"action": "labeldrop", "regex": "namespace"}]
    bare = changed(scope, "podmonitor-server.yaml", ("spec", "podMetricsEndpoints", 0, "relabelings"), drop)
    (message,) = texts(promql.check, bare)
    assert message == (
        "vllm:num_requests_running of vllm 0.33.0 never has the label namespace, as PodMonitor/llama-8b scrapes it"
    )


@pytest.mark.parametrize("arm", [" or vector(0)", ""])
def test_keda_4_absence_never_reads_as_idle(arm: str) -> None:
    query = f"sum(vllm:num_requests_running{{{JOB}}}){arm}"
    scope = with_trigger(4, {"query": query, "threshold": "2", "ignoreNullValues": "true"})
    (message,) = texts(promql.check, scope)
    assert message.endswith(("a gap reads as no load", "a gap in the scrape reads as no load"))


def test_file_5_an_average_of_an_average_is_refused_with_the_numbers() -> None:
    query = f"sum(vllm:num_requests_running{{{JOB}}}) / count(vllm:num_requests_running{{{JOB}}})"
    scope = with_trigger(4, {"query": query, "threshold": "4", "metricName": "vllm_running"}, least=2)
    messages = texts(replicas.check, scope)
    assert any("16 on 2 pods is 8, which asks for 2 replicas instead of 4" in message for message in messages)
    assert "metricName has no effect: KEDA dropped it in 2.12" in messages


@pytest.mark.parametrize("field", ["cooldownPeriod", "initialCooldownPeriod"])
def test_file_5_a_cooldown_beside_a_minimum_is_a_dead_field(field: str) -> None:
    said = f"{field} has no effect with at least 1: KEDA waits for it only on the way to zero"
    kept = changed(scopes()[PLAIN], FILE, ("spec", field), 300)
    assert said in texts(replicas.check, kept)
    assert said not in texts(replicas.check, changed(kept, FILE, ("spec", "idleReplicaCount"), 0))
    assert texts(replicas.check, changed(scopes()[ZERO], FILE, ("spec", field), 300)) == []


def test_file_5_a_cooldown_can_be_written_only_where_something_waits_for_it() -> None:
    taken = {name for name, chart in charts().items() if "cooldownSeconds" in chart.files["values.schema.json"]}
    assert taken == {name for name in charts() if name.endswith("-zero")} != set()


def test_file_5_a_short_address_and_a_sum_over_the_cluster_are_refused() -> None:
    metadata = {
        "serverAddress": "http://prometheus-service:9090",
        "query": "sum(vllm:num_requests_waiting)",
        "threshold": "5",
    }
    scope = with_trigger(4, metadata)
    assert texts(replicas.check, scope) == [
        "KEDA looks up prometheus-service in its own namespace, where that Service is not"
    ]
    assert texts(promql.check, scope) == [
        "vllm:num_requests_waiting is read of every model and namespace of the cluster"
    ]


def test_file_5_what_is_made_has_the_sum_the_full_address_and_both_filters() -> None:
    made = [m for scope in scopes().values() for _, m in scope.of_kind("ScaledObject")]
    triggers = [t["metadata"] for m in made for t in m["spec"]["triggers"] if t["type"] == "prometheus"]
    assert triggers
    for metadata in triggers:
        assert "(sum(" in metadata["query"]
        assert 'job="' in metadata["query"] and 'model_name="' in metadata["query"]
        assert metadata["serverAddress"].partition("//")[2].count(".") >= 2
        assert "metricName" not in metadata
