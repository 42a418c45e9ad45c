"""Queries against what the release's own monitor stores: every kind of mistake, and the sound forms beside it."""

from __future__ import annotations

import msgspec
import pytest

from generator.errors import Severity
from generator.facts import Facts
from generator.validate.pods import Manifest
from generator.validate.promql import check
from generator.validate.promql_tree import around, is_single, parse
from generator.validate.renames import DEPRECATED
from generator.validate.scope import ReleaseScope
from generator.validate.scrapes import kube_state_metrics, seconds, targets_of
from tests.support.scopes import GRAPH, PAIR, PLAIN, SGLANG, changed, found, scopes, texts, with_object, without

FILE = "scaledobject-server.yaml"
METADATA = ("spec", "triggers", 0, "metadata")
JOB = 'job="assistants/llama-8b"'
RUNNING = f"vllm:num_requests_running{{{JOB}}}"
HELD = 'max(kube_deployment_status_replicas{namespace="assistants",deployment="llama-8b"}) * 32'


def asking(query: str, *, key: str = PLAIN, file: str = FILE) -> ReleaseScope:
    return changed(scopes()[key], file, (*METADATA, "query"), query)


def said(query: str) -> list[str]:
    return texts(check, asking(query))


def hints(query: str) -> list[str]:
    return [finding.hint for finding in check(asking(query))]


def ruled(*rules: Manifest) -> ReleaseScope:
    """A release with rules of its own."""
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "llama-8b", "namespace": "assistants"},
        "spec": {"groups": [{"name": "llama-8b", "rules": list(rules)}]},
    }
    return with_object(scopes()[PLAIN], "rules.yaml", manifest)


# ---- sound ones --------------------------------------------------------------------------------------------


def test_nothing_is_said_of_what_the_charts_make() -> None:
    assert {key: texts(check, scope) for key, scope in scopes().items() if texts(check, scope)} == {}


@pytest.mark.parametrize(
    "query",
    [
        f"sum({RUNNING}) or {HELD}",
        f"sum({RUNNING}) or on() {HELD} or vector(0)",
        f"max(topk(1, {RUNNING})) or {HELD}",
        f'sum(vllm:num_requests_running{{{JOB},server=""}}) or {HELD}',
        f'sum(vllm:num_requests_running{{namespace="assistants",model_name="llama-3.1-8b-instruct"}}) or {HELD}',
        f"sum(rate(vllm:request_success_total{{{JOB}}}[2m])) or {HELD}",
        f"histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{{{JOB}}}[5m]))) or {HELD}",
        f'sum(rate(http_requests_total{{{JOB},status!="2xx"}}[5m])) / '
        f"sum(rate(http_requests_total{{{JOB}}}[5m])) or {HELD}",
        f"sum({RUNNING} + vllm:num_requests_waiting{{{JOB}}}) or {HELD}",
        f"count(up{{{JOB}}}) or {HELD}",
    ],
)
def test_a_sound_query_is_accepted(query: str) -> None:
    assert said(query) == []


# ---- what is there -----------------------------------------------------------------------------------------


def test_a_query_that_cannot_be_read_is_reported_where_it_stands() -> None:
    (problem,) = found(check, asking("sum("))
    assert problem.message == "Prometheus cannot read the query: unclosed left parenthesis"
    assert problem.path == "ScaledObject/llama-8b: spec.triggers[0].metadata.query"


@pytest.mark.parametrize(
    ("series", "hint"),
    [
        ("vllm:num_request_running", "did you mean vllm:num_requests_running?"),
        ("vllm:gpu_cache_usage_perc", "it was renamed: use vllm:kv_cache_usage_perc"),
        ("vllm:time_per_output_token_seconds_sum", "it was renamed: use vllm:inter_token_latency_seconds"),
        ("vllm:request_success", "did you mean vllm:request_success_total?"),
        ("vllm:num_requests_running_total", "vllm:num_requests_running is a gauge, without _total: use"),
        ("vllm:time_to_first_token_seconds", "it is a histogram: use vllm:time_to_first_token_seconds_bucket"),
        ("sglang:num_running_reqs", "lists what vllm 0.33.0 exports"),
    ],
)
def test_a_metric_that_the_release_does_not_export_is_refused_with_what_to_read(series: str, hint: str) -> None:
    query = f"sum({series}{{{JOB}}}) or {HELD}"
    assert said(query)[0] == f"vllm 0.33.0 exports no {series}"
    assert hint in hints(query)[0]


def test_each_engine_is_asked_for_its_own_metrics() -> None:
    query = f'sum(vllm:num_requests_running{{job="assistants/qwen3-8b-sglang"}}) or {HELD}'
    messages = texts(check, with_object(scopes()[SGLANG], FILE, _scaled("qwen3-8b-sglang", query)))
    assert "sglang 0.5.23 exports no vllm:num_requests_running" in messages


def _scaled(target: str, query: str) -> Manifest:
    trigger = {"type": "prometheus", "metadata": {"query": query, "ignoreNullValues": "false"}}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": target},
        "spec": {"scaleTargetRef": {"name": target}, "triggers": [trigger]},
    }


def test_a_label_that_neither_engine_nor_monitor_adds_is_refused() -> None:
    query = f'sum(vllm:num_requests_running{{{JOB},pool="a"}}) or {HELD}'
    assert said(query) == [
        "vllm:num_requests_running of vllm 0.33.0 never has the label pool, as PodMonitor/llama-8b scrapes it"
    ]
    assert "instance, job, model_name, namespace, pod" in hints(query)[0]


@pytest.mark.parametrize(
    ("matcher", "message"),
    [
        ('job="llama-8b"', 'no vllm:num_requests_running has job="llama-8b": its job is assistants/llama-8b'),
        (f'{JOB},namespace="other"', 'no vllm:num_requests_running has namespace="other": its namespace is assistants'),
        (
            'model_name="llama"',
            'no vllm:num_requests_running has model_name="llama": the engine is served as llama-3.1-8b-instruct',
        ),
    ],
)
def test_a_value_that_no_series_can_have_is_refused(matcher: str, message: str) -> None:
    assert said(f"sum(vllm:num_requests_running{{{matcher}}}) or {HELD}") == [message]


def test_a_label_that_a_rule_of_the_monitor_takes_away_is_refused_and_one_that_it_adds_is_not() -> None:
    place = ("spec", "podMetricsEndpoints", 0, "relabelings")
    query = f'sum(vllm:num_requests_running{{model_name="llama-3.1-8b-instruct",namespace="assistants"}}) or {HELD}'
    drop = [{"action": "labeldrop", "regex": "namespace"}]
    (message,) = texts(check, changed(asking(query), "podmonitor-server.yaml", place, drop))
    assert "never has the label namespace" in message
    add = [{"targetLabel": "team", "replacement": "chat"}]
    other = f'sum(vllm:num_requests_running{{{JOB},team="chat"}}) or {HELD}'
    assert texts(check, changed(asking(other), "podmonitor-server.yaml", place, add)) == []


def test_a_service_monitor_names_the_job_by_the_service() -> None:
    query = f'sum(vllm:num_requests_running{{job="llama-8b",service="llama-8b"}}) or {HELD}'
    pod = scopes()[PLAIN].objects["podmonitor-server.yaml"]
    endpoint = {"port": "http", "interval": "15s"}
    (service,) = (m for _, m in scopes()[PLAIN].of_kind("Service"))
    monitor = {**pod, "kind": "ServiceMonitor", "spec": {"selector": {"matchLabels": service["metadata"]["labels"]}}}
    monitor["spec"]["endpoints"] = [endpoint]
    scope = with_object(without(asking(query), "podmonitor-server.yaml"), "servicemonitor.yaml", monitor)
    assert texts(check, scope) == []


def test_a_release_without_a_monitor_has_no_series() -> None:
    messages = texts(check, without(scopes()[PLAIN], "podmonitor-server.yaml"))
    assert messages[0] == "nothing of this release is scraped, so vllm:num_requests_running is never there"


def test_an_unfiltered_sum_over_the_cluster_is_refused() -> None:
    assert said(f"sum(vllm:num_requests_running) or {HELD}") == [
        "vllm:num_requests_running is read of every model and namespace of the cluster"
    ]


def test_a_trigger_reads_the_role_that_it_scales() -> None:
    other = 'sum(vllm:num_requests_running{job="assistants/llama-70b-pd-decode"})'
    assert texts(check, asking(other, key=PAIR, file="scaledobject-prefill.yaml")) == [
        "vllm:num_requests_running is that of llama-70b-pd-decode, and the trigger scales llama-70b-pd-prefill"
    ]
    both = 'sum(vllm:num_requests_running{model_name="llama-3.3-70b-instruct-pd"})'
    (message,) = texts(check, asking(both, key=PAIR, file="scaledobject-prefill.yaml"))
    assert message.startswith("vllm:num_requests_running is that of llama-70b-pd-decode too")


def test_a_router_that_exports_the_engines_series_again_is_not_summed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = targets_of(scopes()[PLAIN])
    (engine,) = own
    router = type(engine)(facts=engine.facts, labels={**engine.labels, "job": "assistants/router"}, engine=False)
    monkeypatch.setattr("generator.validate.promql.targets_of", lambda scope: [engine, router])
    (message,) = said(f'sum(vllm:num_requests_running{{model_name="llama-3.1-8b-instruct"}}) or {HELD}')
    assert message.endswith("is exported by vllm 0.33.0 too, for the same requests: they count twice")
    assert said(f"sum({RUNNING}) or {HELD}") == []


def test_objects_of_the_release_are_counted_and_no_others() -> None:
    query = f'sum({RUNNING}) or max(kube_deployment_status_replicas{{namespace="other",deployment="llama"}}) * 32'
    assert said(query) == [
        'no kube_deployment_status_replicas of this release has namespace="other"',
        "the release has no Deployment llama",
    ]
    assert hints(query) == ['write namespace="assistants"', "its Deployments: llama-8b"]
    (message,) = said(f"sum({RUNNING}) or max(kube_deployment_status_replica)")
    assert message == "kube-state-metrics 2.20.0 exports no kube_deployment_status_replica"


def test_the_dynamo_frontend_has_labels_that_its_monitor_adds() -> None:
    jobs = {target.program: target for target in targets_of(scopes()[GRAPH])}
    assert "dynamo_namespace" in jobs["dynamo-frontend 1.6.1"].labels


# ---- functions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"sum(rate(vllm:num_requests_running{{{JOB}}}[5m])) or {HELD}", "rate takes each fall of"),
        (f"sum(deriv(vllm:prompt_tokens_total{{{JOB}}}[5m])) or {HELD}", "deriv of vllm:prompt_tokens_total breaks"),
        (
            f"sum(rate(vllm:request_success_total{{{JOB}}}[20s])) or {HELD}",
            "a window of 20s holds one sample, every 15s",
        ),
        (f"sum(vllm:request_success_total{{{JOB}}}) or {HELD}", "vllm:request_success_total only grows"),
        (
            f"histogram_quantile(0.9, sum(rate(vllm:time_to_first_token_seconds_bucket{{{JOB}}}[5m]))) or {HELD}",
            "histogram_quantile needs the label le",
        ),
        (
            f"histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_sum{{{JOB}}}[5m]))) or {HELD}",
            "histogram_quantile reads buckets, and vllm:time_to_first_token_seconds_sum is none",
        ),
    ],
)
def test_a_function_that_does_not_suit_its_series_is_refused(query: str, message: str) -> None:
    (only,) = said(query)
    assert only.startswith(message)


# ---- how elements meet -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        f'100 * rate(http_requests_total{{{JOB},status!="2xx"}}[5m]) / rate(http_requests_total{{{JOB}}}[5m])',
        f'sum by (status) (rate(http_requests_total{{{JOB},status!="2xx"}}[5m])) '
        f"/ sum by (status) (rate(http_requests_total{{{JOB}}}[5m]))",
        f'rate(http_requests_total{{{JOB},status="5xx"}}[5m]) / on(status) rate(http_requests_total{{{JOB}}}[5m])',
    ],
)
def test_a_share_that_keeps_the_label_that_differs_is_refused(query: str) -> None:
    messages = texts(check, ruled({"alert": "Errors", "expr": query}))
    assert messages == [
        "each http_requests_total of the left side is divided by itself, since status is kept on both sides: "
        "the share is always 1"
    ]


def test_two_sides_that_never_meet_are_refused() -> None:
    (message, *_) = said(f"sum({RUNNING} / rate(http_requests_total{{{JOB}}}[5m])) or {HELD}")
    assert message == "the two sides of `/` never meet: only one has engine, handler, method, model_name, status"


@pytest.mark.parametrize(
    ("query", "single"),
    [
        ("sum(a)", True),
        ("sum by (x) (a)", False),
        ("max(sum by (x) (a))", True),
        ("sum(a) / on() count(b)", True),
        ("a * on(pod) group_left(x) b", False),
        ("sum(a) or vector(0)", True),
        ("sum(a) or label_replace(vector(0), 'x', 'y', '', '')", False),
        ("label_replace(sum(a), 'x', 'y', '', '')", True),
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", True),
        ("count_values('v', a)", False),
        ("topk(1, a)", True),
        ("topk(2, a)", False),
        ("sum(a) > bool 3", True),
        ("-sum(a)", True),
        ("absent(a)", True),
        ("a and sum(b)", False),
        ("sum(a) unless b", True),
    ],
)
def test_one_element_is_told_from_several(query: str, single: bool) -> None:
    assert is_single(parse(query)) is single


def test_the_series_of_a_query_are_found_with_what_stands_around_them() -> None:
    query = 'max by (ns) (increase(R{a="b)"}[2m]) > 0) or vector(0) unless on () sum(-x * on (p) group_left () y)'
    found = [(series.name, names) for series, names in around(parse(query))]
    assert found == [("R", ("max", "increase")), ("x", ("sum", "-")), ("y", ("sum",))]


@pytest.mark.parametrize(
    "query",
    [
        RUNNING,
        f"sum by (pod) ({RUNNING})",
        f"sum({RUNNING}) by (pod)",
        f"sum({RUNNING}) or {RUNNING}",
        # its element has labels, and that of the other arm has none: both come out
        f"topk(1, {RUNNING}) or {HELD}",
    ],
)
def test_a_query_of_a_trigger_gives_one_element(query: str) -> None:
    assert said(query) == ["the query can give more than one element; KEDA takes exactly one, else it fails"]


def test_what_keda_cannot_take_is_refused() -> None:
    (message, *_) = said(f"scalar(sum({RUNNING}))")
    assert message == "the query gives a bare number, and KEDA reads elements only"
    (message, *_) = said(f'sum({RUNNING}) or label_replace({HELD}, "x", "y", "", "")')
    assert message == "the query can give more than one element; KEDA takes exactly one, else it fails"


# ---- absence -----------------------------------------------------------------------------------------------


def test_a_gap_that_reads_as_no_load_is_refused() -> None:
    assert said(f"sum({RUNNING}) or vector(0)") == [
        "while the engine is not scraped the query gives a constant: a gap reads as no load"
    ]
    assert said(f"(sum({RUNNING}) or vector(0)) + 1") == [
        "while the engine is not scraped the query gives a constant: a gap reads as no load"
    ]


def test_an_empty_answer_must_be_an_error_unless_an_arm_is_always_there() -> None:
    place = (*METADATA, "ignoreNullValues")
    empty = "an empty answer counts as 0 here, so a gap in the scrape reads as no load"
    for query, strict, messages in (
        (f"sum({RUNNING})", "false", []),
        (f"sum({RUNNING})", "true", [empty]),
        (f"sum({RUNNING}) or {HELD}", "true", [empty]),
        (f"sum({RUNNING}) or {HELD} or vector(0)", "true", []),
    ):
        assert texts(check, changed(asking(query), FILE, place, strict)) == messages


def test_a_trigger_on_objects_alone_may_be_empty() -> None:
    assert said(HELD) == []


# ---- rules -------------------------------------------------------------------------------------------------


def test_rules_are_read_as_triggers_are_but_may_have_several_elements() -> None:
    scope = ruled(
        {"record": "llama:running:sum", "expr": f"sum by (pod) ({RUNNING})"},
        {"alert": "Busy", "expr": "llama:running:sum > 3"},
        {"alert": "Full", "expr": f"vllm:gpu_cache_usage_perc{{{JOB}}} > 0.9"},
    )
    (problem,) = found(check, scope)
    assert problem.path == "PrometheusRule/llama-8b: spec.groups[0].rules[2].expr"
    assert problem.message == "vllm 0.33.0 exports no vllm:gpu_cache_usage_perc"


def test_a_deprecated_metric_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPRECATED, "up", "it is old")
    (finding,) = check(asking(f"count(up{{{JOB}}}) or {HELD}"))
    assert finding.severity is Severity.WARNING


def test_durations_are_read() -> None:
    assert [seconds(text) for text in ("15s", "1m30s", "500ms", "1h")] == [15, 90, 0.5, 3600]


def test_the_table_of_objects_names_its_source() -> None:
    (source,) = kube_state_metrics().facts.provenance.sources
    assert source.package == "kubernetes/kube-state-metrics" and source.version.startswith("v2.20.0")


# ---- facts that are known in part -----------------------------------------------------------------------------


@pytest.mark.parametrize(("incomplete", "severity"), [((), Severity.ERROR), (("metrics",), Severity.WARNING)])
def test_a_metric_beside_a_list_that_may_be_incomplete_is_only_a_warning(
    incomplete: tuple[str, ...], severity: Severity
) -> None:
    scope = asking(f"sum(vllm:no_such_metric{{{JOB}}}) or {HELD}")
    known_in_part = ReleaseScope(scope.resolved, scope.chart, scope.objects)
    known_in_part.__dict__["pods"] = scope.pods
    known_in_part.__dict__["programs"] = tuple(
        (pod, path, container, msgspec.structs.replace(program, facts=in_part(program.facts, incomplete)))
        for pod, path, container, program in scope.programs
    )
    (finding,) = check(known_in_part)
    assert finding.severity is severity
    assert finding.message.startswith("vllm 0.33.0 exports no vllm:no_such_metric")


def in_part(facts: Facts | None, incomplete: tuple[str, ...]) -> Facts | None:
    return facts if facts is None else msgspec.structs.replace(facts, incomplete=incomplete)
