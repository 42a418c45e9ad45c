"""What the SGLang charts start, judged by the facts of the release that they start."""

from __future__ import annotations

import functools
import typing
from typing import Any, Literal

import msgspec
import pytest

from generator import recipes
from generator.charts.build import Chart, build, minimal
from generator.contract import Refusal
from generator.engines import sglang
from generator.facts import check_arguments, check_environment, load
from generator.model.axes import Engine, Recipe, Scaling, Stack, Task, Topology
from generator.objects.pod import WEIGHTS
from generator.template.expand import expand
from generator.values import schema
from generator.values.tree import merge

FACTS = load("sglang", "0.5.23")
RECIPE = Recipe(Engine.SGLANG, Stack.KUBERNETES, Topology.AGGREGATED, Scaling.FIXED)

Tree = dict[str, Any]

# every option away from its default
EVERYTHING: Tree = {
    "model": {"revision": "0123abc", "contextTokens": 32768, "trustRemoteCode": True},
    "roles": {
        "server": {
            "accelerator": {"count": 4},
            "parallelism": {"tensor": 4, "expert": True},
            "engine": {
                "memFractionStatic": 0.85,
                "maxRunningRequests": 64,
                "chunkedPrefillSize": 8192,
                "prefixCaching": False,
                "cudaGraphs": False,
            },
        }
    },
    "engine": {
        "isEmbedding": True,
        "toolParser": "qwen",
        "reasoningParser": "qwen3",
        "quantization": "fp8",
        "dtype": "bfloat16",
        "kvCacheDtype": "fp8_e4m3",
        "chatTemplate": "/models/template.jinja",
        "samplingDefaults": "openai",
        "loadFormat": "safetensors",
        "attentionBackend": "triton",
    },
    "security": {"apiKey": {"secret": "clients"}, "token": {"secret": "hub"}},
}


@functools.cache
def chart() -> Chart:
    return build(RECIPE, {}, "0.5.23")


def pod(over: Tree) -> Tree:
    values = merge(merge(schema.defaults(recipes.values_type(RECIPE)), minimal(RECIPE)), over)
    deployment = next(part.manifest for part in chart().skeleton if part.manifest["kind"] == "Deployment")
    spec: Tree = expand(deployment, values, "team").data["spec"]["template"]["spec"]
    return spec


def container(over: Tree) -> Tree:
    only: Tree = pod(over)["containers"][0]
    return only


def value_of(flag: str, over: Tree) -> str | None:
    args = container(over)["args"]
    return args[args.index(flag) + 1] if flag in args else None


def variables(over: Tree) -> Tree:
    return {entry["name"]: entry for entry in container(over)["env"]}


@pytest.mark.parametrize("over", [{}, EVERYTHING], ids=["minimal", "everything"])
def test_the_release_takes_every_argument(over: Tree) -> None:
    assert check_arguments(FACTS, container(over)["args"]) == []


@pytest.mark.parametrize("over", [{}, EVERYTHING], ids=["minimal", "everything"])
def test_the_release_reads_every_variable(over: Tree) -> None:
    assert check_environment(FACTS, variables(over)) == []


@pytest.mark.parametrize("option", ["dtype", "kv_cache_dtype", "sampling_defaults", "load_format"])
def test_the_release_takes_every_word_that_an_option_offers(option: str) -> None:
    type_ = typing.get_type_hints(sglang.Options)[option]
    assert typing.get_origin(type_) is Literal
    flag = FACTS.flag("--" + option.replace("_", "-"))
    assert flag is not None
    assert set(typing.get_args(type_)) <= set(flag.choices)


@pytest.mark.parametrize("series", [sglang.RUNTIME.metrics.running, sglang.RUNTIME.metrics.waiting])
def test_the_release_exports_what_scaling_reads(series: str) -> None:
    metric = FACTS.metric(series)
    assert metric is not None
    assert sglang.RUNTIME.metrics.model_label in metric.labels


def test_the_server_is_reached_from_outside_its_pod() -> None:
    assert value_of("--host", {}) == "0.0.0.0"
    assert container({})["ports"] == [{"name": "http", "containerPort": int(value_of("--port", {}) or 0)}]


def test_metrics_are_exported() -> None:
    assert "--enable-metrics" in container({})["args"]


def test_ready_means_started_and_not_draining() -> None:
    probes = container({})
    assert {probes[key]["httpGet"]["path"] for key in ("startupProbe", "readinessProbe")} == {"/ready"}


def test_a_probe_generates_nothing_and_has_an_explicit_timeout() -> None:
    assert variables({})["SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION"]["value"] == "0"
    timeouts = [value["timeoutSeconds"] for key, value in container({}).items() if key.endswith("Probe")]
    assert len(timeouts) == 3
    assert min(timeouts) > 1


def test_the_grace_period_is_longer_than_wait_and_drain() -> None:
    timing = {"drainSeconds": 900, "preStopSeconds": 15}
    assert pod({"timing": timing})["terminationGracePeriodSeconds"] >= 900 + 15 + 10


def test_the_first_request_has_as_long_as_the_startup_probe() -> None:
    assert variables({"timing": {"startupSeconds": 1800}})["SGLANG_WARMUP_TIMEOUT"]["value"] == "1800"


def test_the_engine_chooses_what_no_layer_sets() -> None:
    args = container({})["args"]
    assert not {"--mem-fraction-static", "--chunked-prefill-size", "--max-running-requests"} & set(args)


def test_experts_are_spread_over_the_tensor_group() -> None:
    spread = {"roles": {"server": {"parallelism": {"tensor": 8, "expert": True}}}}
    assert value_of("--ep-size", spread) == "8"
    assert value_of("--ep-size", {"roles": {"server": {"parallelism": {"tensor": 8}}}}) is None


def test_the_key_of_clients_stands_in_no_manifest() -> None:
    over = {"security": {"apiKey": {"secret": "clients"}}}
    assert value_of("--api-key", over) == "$(ENGINE_API_KEY)"
    reference = variables(over)["ENGINE_API_KEY"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "clients", "key": "api-key"}


def test_a_key_from_the_store_comes_from_the_releases_own_secret() -> None:
    over = {"security": {"apiKey": {"remoteKey": "models/clients"}}}
    assert value_of("--api-key", over) == "$(ENGINE_API_KEY)"
    assert variables(over)["ENGINE_API_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "my-model-api-key"


def test_without_a_key_none_is_asked_for() -> None:
    assert value_of("--api-key", {}) is None


def test_caches_lie_beside_an_image_of_weights_not_in_it() -> None:
    found = variables({"cache": {"kind": "image", "image": "example.org/weights:1"}})
    assert not found["SGLANG_CACHE_DIR"]["value"].startswith(WEIGHTS)


def test_options_of_a_task_are_options_of_the_engine() -> None:
    known = {field.encode_name for field in msgspec.structs.fields(sglang.Options)}
    assert all(set(sglang.task_options(task)) <= known for task in Task)


def test_embeddings_are_asked_of_the_embedding_runner() -> None:
    assert "--is-embedding" in container({"engine": sglang.task_options(Task.EMBEDDING)})["args"]


def test_only_one_pod_a_replica_becomes_a_chart() -> None:
    own = {recipe for recipe in recipes.charts() if recipe.engine is Engine.SGLANG}
    assert own == {Recipe(Engine.SGLANG, Stack.KUBERNETES, Topology.AGGREGATED, scaling) for scaling in Scaling}


@pytest.mark.parametrize("row", sglang.REFUSALS, ids=lambda row: row.topology.value)
def test_a_refusal_is_one_sentence_with_a_source(row: Refusal) -> None:
    assert row.engine is Engine.SGLANG
    assert row.source
    assert row.reason
    assert ". " not in row.reason
