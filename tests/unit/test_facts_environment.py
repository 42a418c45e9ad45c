"""Environment variables that an engine does not read."""

from __future__ import annotations

from generator.errors import Severity
from generator.facts import check_environment, load

VLLM = load("vllm", "0.33.0")
WORKER = load("dynamo-vllm", "1.6.1")


def test_variables_that_the_engine_reads_are_accepted() -> None:
    assert check_environment(VLLM, ["VLLM_HOST_IP", "VLLM_LOGGING_LEVEL"]) == []


def test_a_misspelt_variable_names_the_nearest() -> None:
    (finding,) = check_environment(VLLM, ["VLLM_LOGING_LEVEL"])
    assert finding.message == "`VLLM_LOGING_LEVEL` is not read by vllm 0.33.0: it has no effect"
    assert finding.hint == "did you mean `VLLM_LOGGING_LEVEL`?"


def test_a_variable_of_older_releases_is_found() -> None:
    (finding,) = check_environment(VLLM, ["VLLM_RPC_TIMEOUT"])
    assert finding.name == "VLLM_RPC_TIMEOUT"


def test_variables_of_others_are_not_judged() -> None:
    assert check_environment(VLLM, ["HF_HOME", "NCCL_DEBUG", "DYN_ANYTHING"]) == []


def test_a_variable_that_only_the_source_reads_is_known() -> None:
    assert check_environment(VLLM, ["VLLM_CUSTOM_ALLREDUCE_ALGO"]) == []


def test_where_the_list_is_not_complete_an_unknown_variable_is_a_warning() -> None:
    (finding,) = check_environment(WORKER, ["DYN_NO_SUCH_THING"])
    assert finding.severity is Severity.WARNING
    assert "is not known to be read by dynamo-vllm 1.6.1" in finding.message


def test_a_worker_reads_the_variables_of_its_engine() -> None:
    assert check_environment(WORKER, ["VLLM_HOST_IP", "DYN_SYSTEM_PORT"]) == []
    (finding,) = check_environment(WORKER, ["VLLM_USE_V1"])
    assert finding.severity is Severity.ERROR


def test_sglang_no_longer_reads_a_deprecated_variable() -> None:
    sglang = load("sglang", "0.5.23")
    assert check_environment(sglang, ["SGLANG_CACHE_DIR"]) == []
    assert len(check_environment(sglang, ["SGLANG_ENABLE_CP_V2"])) == 1
