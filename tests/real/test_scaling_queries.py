"""The queries that the charts ship, run by Prometheus's own evaluator over series made up for each situation."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.tools import find
from tests.support.scopes import PAIR, PLAIN, ZERO, scopes

# series by name, each a list of samples every 15 seconds in promtool's own notation
Samples = dict[str, str]
NOTHING = None
JOB, MODEL = "assistants/llama-8b", "llama-3.1-8b-instruct"
ZERO_JOB, ZERO_MODEL = "assistants/gpt-oss-20b", "gpt-oss-20b"


def trigger(key: str, file: str = "scaledobject-server.yaml") -> dict[str, Any]:
    """The trigger on Prometheus of one rendered release."""
    (found,) = (t for t in scopes()[key].objects[file]["spec"]["triggers"] if t["type"] == "prometheus")
    metadata: dict[str, Any] = found["metadata"]
    return metadata


def engine(pod: str, running: str, waiting: str | None = "0x20", *, job: str = JOB, model: str = MODEL) -> Samples:
    """What one pod's two gauges were."""
    labels = f'{{job="{job}",model_name="{model}",engine="0",namespace="assistants",pod="{pod}",instance="{pod}:8000"}}'
    found = {f"vllm:num_requests_running{labels}": running}
    return found if waiting is None else {**found, f"vllm:num_requests_waiting{labels}": waiting}


def replicas(samples: str, ready: str | None = None, *, name: str = "llama-8b", instance: str = "a") -> Samples:
    """What kube-state-metrics said of the Deployment; without a word, all its replicas were ready."""
    labels = f'{{namespace="assistants",deployment="{name}",job="kube-state-metrics",instance="{instance}"}}'
    metric = "kube_deployment_status_replicas"
    return {f"{metric}{labels}": samples, f"{metric}_ready{labels}": ready or samples}


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., None]:
    """Compare what a query gives at a time with one value, or with no element at all."""

    def run(query: str, *series: Samples, value: float | None, at: str = "5m") -> None:
        merged = [{"series": name, "values": values} for part in series for name, values in part.items()]
        expected = [] if value is None else [{"labels": "{}", "value": value}]
        case = {
            "interval": "15s",
            "input_series": merged,
            "promql_expr_test": [{"expr": query, "eval_time": at, "exp_samples": expected}],
        }
        file = tmp_path / "case.yaml"
        # every JSON text is a YAML text
        file.write_text(json.dumps({"rule_files": [], "evaluation_interval": "15s", "tests": [case]}), encoding="utf-8")
        done = subprocess.run(
            [find("promtool"), "test", "rules", file], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


# ---- the load of a model that is up ------------------------------------------------------------------------


def test_the_load_is_the_sum_over_all_pods_of_the_release(evaluate: Callable[..., None]) -> None:
    query = trigger(PLAIN)["query"]
    pods = (engine("a", "7x20", "2x20"), engine("b", "5x20", "0x20"))
    evaluate(query, *pods, replicas("2x20"), value=14)


def test_other_releases_and_other_models_do_not_count(evaluate: Callable[..., None]) -> None:
    query = trigger(PLAIN)["query"]
    others = (engine("c", "50x20", job="assistants/other"), engine("d", "50x20", job="other/llama-8b"))
    evaluate(query, engine("a", "7x20"), engine("a", "3x20", model="other"), *others, replicas("1x20"), value=7)


def test_a_router_that_exports_the_same_names_does_not_count(evaluate: Callable[..., None]) -> None:
    router = {'vllm:num_requests_running{job="assistants/router",server="http://a:8000",pod="router"}': "7x20"}
    evaluate(trigger(PLAIN)["query"], engine("a", "7x20"), router, replicas("1x20"), value=7)


def test_an_idle_model_has_no_load(evaluate: Callable[..., None]) -> None:
    for key, job, model in ((PLAIN, JOB, MODEL), (ZERO, ZERO_JOB, ZERO_MODEL)):
        query = trigger(key)["query"]
        name = job.partition("/")[2]
        evaluate(query, engine("a", "0x20", job=job, model=model), replicas("1x20", name=name), value=0)


def test_the_two_roles_of_a_pair_are_told_apart(evaluate: Callable[..., None]) -> None:
    model = "llama-3.3-70b-instruct-pd"
    job = "assistants/llama-70b-pd"
    both = (
        engine("p", "4x20", job=f"{job}-prefill", model=model),
        engine("d", "9x20", job=f"{job}-decode", model=model),
    )
    evaluate(trigger(PAIR, "scaledobject-prefill.yaml")["query"], *both, value=4)
    evaluate(trigger(PAIR, "scaledobject-decode.yaml")["query"], *both, value=9)


# ---- gaps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_gap_in_the_scrape_holds_the_replicas_there_are(evaluate: Callable[..., None], count: int) -> None:
    metadata = trigger(PLAIN)
    target = int(metadata["threshold"])
    evaluate(metadata["query"], replicas(f"{count}x20"), value=count * target)
    # as KEDA and the HPA count it
    assert math.ceil(count * target / target) == count


def test_a_gap_that_begins_holds_at_once(evaluate: Callable[..., None]) -> None:
    query = trigger(PLAIN)["query"]
    pods = (engine("a", "40x4 stale", "2x4 stale"), engine("b", "0x4 stale", "0x4 stale"))
    evaluate(query, *pods, replicas("2x40"), value=42, at="1m")
    evaluate(query, *pods, replicas("2x40"), value=64, at="1m15s")


@pytest.mark.parametrize(("key", "job", "model"), [(PLAIN, JOB, MODEL), (ZERO, ZERO_JOB, ZERO_MODEL)])
def test_a_gap_of_one_replica_holds_them_all(evaluate: Callable[..., None], key: str, job: str, model: str) -> None:
    query, name = trigger(key)["query"], job.partition("/")[2]
    pods = (engine("a", "20x40", job=job, model=model), engine("b", "20x4 stale", "0x4 stale", job=job, model=model))
    evaluate(query, *pods, replicas("2x40", name=name), value=40, at="1m")
    # half of the load is out of sight
    evaluate(query, *pods, replicas("2x40", name=name), value=64, at="1m15s")


def test_a_gap_of_one_replica_hides_no_load_of_the_others(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(PLAIN)["query"], engine("a", "90x20"), replicas("2x20"), value=90)


def test_replicas_that_start_are_no_gap(evaluate: Callable[..., None]) -> None:
    # else each of them would ask for one more
    evaluate(trigger(PLAIN)["query"], engine("a", "40x20"), replicas("3x20", "1x20"), value=40)


def test_the_ranks_of_one_pod_are_one_replica(evaluate: Callable[..., None]) -> None:
    ranks = engine("a", "5x20")
    second = {name.replace('engine="0"', 'engine="1"'): samples for name, samples in ranks.items()}
    evaluate(trigger(PLAIN)["query"], ranks, second, replicas("2x20"), value=64)


def test_a_pod_that_drains_still_counts(evaluate: Callable[..., None]) -> None:
    pods = (engine("a", "7x20"), engine("b", "3x20"), engine("c", "2x20"))
    evaluate(trigger(PLAIN)["query"], *pods, replicas("2x20"), value=12)


def test_a_series_that_is_missing_alone_is_a_gap_too(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(PLAIN)["query"], engine("a", "1x20", None), engine("b", "1x20", None), replicas("2x20"), value=64)


def test_two_replicas_of_kube_state_metrics_give_one_element(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(PLAIN)["query"], replicas("2x20"), replicas("2x20", instance="b"), value=64)


def test_a_start_that_is_not_scraped_yet_asks_for_what_is_there(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(PLAIN)["query"], replicas("3x20", "0x20"), value=96)


def test_a_replica_that_never_becomes_ready_keeps_no_model_awake(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(ZERO)["query"], replicas("1x20", "0x20", name="gpt-oss-20b"), value=0)


def test_without_any_series_a_queue_is_an_error_and_never_idle(evaluate: Callable[..., None]) -> None:
    metadata = trigger(PLAIN)
    evaluate(metadata["query"], value=NOTHING)
    # an empty answer then fails the trigger, and a trigger that fails never scales in
    assert metadata["ignoreNullValues"] == "false"


def test_without_any_series_a_model_at_zero_stays_there(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(ZERO)["query"], value=0)


# ---- down to zero and up again -----------------------------------------------------------------------------


def test_at_zero_nothing_asks_for_a_replica(evaluate: Callable[..., None]) -> None:
    evaluate(trigger(ZERO)["query"], replicas("0x20", name="gpt-oss-20b"), value=0)


def test_the_way_from_the_first_request_to_zero(evaluate: Callable[..., None]) -> None:
    query = trigger(ZERO)["query"]
    # woken at 1m, ready at 2m30s, scraped from 3m on, busy until 5m, gone at 8m
    pods = replicas("0x3 1x27 0x10", "0x9 1x21 0x10", name="gpt-oss-20b")
    load = engine("a", "_x12 6x7 0x11 stale", "_x12 1x7 0x11 stale", job=ZERO_JOB, model=ZERO_MODEL)
    for at, value in (
        ("45s", 0),
        # until it is ready, the request that is held for it keeps it
        ("1m", 0),
        ("2m30s", 32),
        ("2m45s", 32),
        ("3m", 7),
        ("4m45s", 7),
        ("5m", 0),
        ("7m45s", 0),
        ("8m", 0),
    ):
        evaluate(query, pods, load, value=value, at=at)


def test_a_busy_model_that_loses_its_scrape_is_not_put_to_sleep(evaluate: Callable[..., None]) -> None:
    load = engine("a", "6x4 stale", "0x4 stale", job=ZERO_JOB, model=ZERO_MODEL)
    evaluate(trigger(ZERO)["query"], load, replicas("2x60", name="gpt-oss-20b"), value=64, at="10m")


# ---- forms that people write, and what they give -----------------------------------------------------------


def test_a_guard_on_labels_that_no_scrape_adds_reads_a_busy_model_as_empty(evaluate: Callable[..., None]) -> None:
    finished = {'vllm:request_success_total{job="m",engine="0",finished_reason="stop"}': "0+5x40"}
    evaluate('sum(vllm:request_success_total{namespace="a",model_name="m"})', finished, replicas("1x40"), value=NOTHING)


def test_a_raw_share_of_errors_is_always_everything_and_a_sum_is_the_share(evaluate: Callable[..., None]) -> None:
    requests = {
        'http_requests_total{status="2xx",job="m"}': "0+99x40",
        'http_requests_total{status="5xx",job="m"}': "0+1x40",
    }
    errors, all_ = 'http_requests_total{status!="2xx"}[5m]', "http_requests_total[5m]"
    evaluate(f"sum(100 * rate({errors}) / rate({all_}))", requests, value=100, at="10m")
    evaluate(f"round(100 * sum(rate({errors})) / sum(rate({all_})))", requests, value=1, at="10m")
