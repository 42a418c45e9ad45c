"""Lookups of flags, metrics and variables: exact names only, the nearest one on demand."""

from __future__ import annotations

import pytest

from generator.facts import Facts, MetricType, load

VLLM = load("vllm", "0.33.0")
SGLANG = load("sglang", "0.5.23")
SIMULATOR = load("simulator", "0.10.2")


def test_a_flag_is_found_by_its_full_name() -> None:
    flag = VLLM.flag("--max-model-len")
    assert flag is not None
    assert flag.name == "--max-model-len"


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("-tp", "--tensor-parallel-size"),
        ("-O", "--optimization-level"),
        ("--disable-prefix-caching", "--enable-prefix-caching"),
        ("--no-enable-prefix-caching", "--enable-prefix-caching"),
        ("--no-enforce-eager", "--enforce-eager"),
        ("--device-memory-utilization", "--gpu-memory-utilization"),
    ],
)
def test_a_flag_is_found_by_its_other_spellings(spelling: str, name: str) -> None:
    flag = VLLM.flag(spelling)
    assert flag is not None
    assert flag.name == name


def test_a_prefix_is_no_spelling_of_a_flag() -> None:
    assert VLLM.flag("--max-model") is None


def test_underscores_are_equal_to_hyphens_where_the_engine_says_so() -> None:
    assert VLLM.flag("--enable_prefix_caching") is not None
    assert SGLANG.flag("--enable_metrics") is None


def test_a_misspelt_flag_has_a_nearest_one() -> None:
    assert VLLM.nearest_flag("--max-modl-len") == "--max-model-len"


def test_a_word_like_no_flag_has_no_nearest_one() -> None:
    assert VLLM.nearest_flag("--bake-me-a-cake") is None


def test_a_counter_is_found_only_by_the_name_that_is_scraped() -> None:
    metric = VLLM.metric("vllm:prompt_tokens_total")
    assert metric is not None
    assert metric.type is MetricType.COUNTER
    assert VLLM.metric("vllm:prompt_tokens") is None
    assert VLLM.nearest_metric("vllm:prompt_tokens") == "vllm:prompt_tokens_total"


@pytest.mark.parametrize("suffix", ["_bucket", "_sum", "_count"])
def test_a_histogram_is_found_by_its_series(suffix: str) -> None:
    metric = VLLM.metric(f"vllm:time_to_first_token_seconds{suffix}")
    assert metric is not None
    assert metric.type is MetricType.HISTOGRAM


def test_a_histogram_has_no_series_of_its_bare_name() -> None:
    assert VLLM.metric("vllm:time_to_first_token_seconds") is None
    assert VLLM.nearest_metric("vllm:time_to_first_token_seconds") == "vllm:time_to_first_token_seconds_bucket"


def test_a_histogram_whose_name_ends_in_total_is_no_counter() -> None:
    metric = VLLM.metric("vllm:iteration_tokens_total_bucket")
    assert metric is not None
    assert metric.type is MetricType.HISTOGRAM


@pytest.mark.parametrize(
    "dead", ["vllm:gpu_cache_usage_perc", "vllm:num_requests_swapped", "vllm:time_per_output_token_seconds_bucket"]
)
def test_a_metric_of_older_releases_is_not_found(dead: str) -> None:
    assert VLLM.metric(dead) is None


@pytest.mark.parametrize("facts", [VLLM, SIMULATOR], ids=["vllm", "simulator"])
def test_the_scaling_metric_exists_with_the_model_label(facts: Facts) -> None:
    metric = facts.metric("vllm:num_requests_waiting")
    assert metric is not None
    assert "model_name" in metric.labels


def test_the_simulator_lacks_the_engine_label() -> None:
    metric = SIMULATOR.metric("vllm:num_requests_waiting")
    assert metric is not None
    assert "engine" not in metric.labels


def test_a_variable_is_found_by_name() -> None:
    assert VLLM.variable("VLLM_HOST_IP") is not None
    assert VLLM.variable("VLLM_USE_V1") is None


def test_a_registry_lists_the_parsers_of_the_engine() -> None:
    assert "hermes" in VLLM.registry("tool_parsers")
    assert "kimi_k2" in SGLANG.registry("reasoning_parsers")


def test_a_registry_lists_the_architectures_of_the_engine() -> None:
    assert "LlamaForCausalLM" in VLLM.registry("architectures")
    assert "LlamaForCausalLM" in SGLANG.registry("architectures")


def test_an_engine_without_a_registry_lists_nothing() -> None:
    assert SIMULATOR.registry("tool_parsers") == ()


def test_a_flag_of_the_engines_own_server_is_marked() -> None:
    port, length = VLLM.flag("--port"), VLLM.flag("--max-model-len")
    assert port is not None
    assert length is not None
    assert (port.server_only, length.server_only) == (True, False)


def test_the_keys_of_a_configuration_object_are_known() -> None:
    flag = VLLM.flag("--kv-transfer-config")
    assert flag is not None
    assert "kv_connector" in flag.keys
    assert "kv_rank" not in flag.keys
