"""Each kind of finding about a container's arguments, with an example that has it and one that has not."""

from __future__ import annotations

import re

import pytest

from generator.errors import Severity
from generator.facts import ArgumentFinding, FindingKind, check_arguments, hyphenated_arguments, load
from generator.facts.history import REPLACEMENTS
from generator.facts.store import known

VLLM = load("vllm", "0.33.0")
SGLANG = load("sglang", "0.5.23")
SIMULATOR = load("simulator", "0.10.2")
WORKER = load("dynamo-vllm", "1.6.1")


def vllm(*args: str) -> list[ArgumentFinding]:
    return check_arguments(VLLM, ["org/model", *args])


def sglang(*args: str) -> list[ArgumentFinding]:
    return check_arguments(SGLANG, ["--model-path", "org/model", *args])


def simulator(*args: str) -> list[ArgumentFinding]:
    return check_arguments(SIMULATOR, ["--model", "org/model", *args])


def worker(*args: str) -> list[ArgumentFinding]:
    return check_arguments(WORKER, ["--model", "org/model", *args])


def only(findings: list[ArgumentFinding]) -> ArgumentFinding:
    (finding,) = findings
    return finding


# --- names ---


def test_full_names_are_accepted() -> None:
    assert vllm("--max-model-len", "8192", "--port=8000", "--enforce-eager") == []


def test_an_unknown_flag_is_found_with_the_nearest_one() -> None:
    finding = only(vllm("--max-modl-len", "8192"))
    assert (finding.index, finding.kind) == (1, FindingKind.UNKNOWN)
    assert finding.message == "`--max-modl-len` is not a flag of vllm 0.33.0"
    assert finding.hint == "did you mean `--max-model-len`?"


def test_an_unknown_flag_like_no_other_is_to_be_removed() -> None:
    assert only(vllm("--bake-me-a-cake")).hint == "remove it"


def test_the_values_of_an_unknown_flag_are_not_reported_as_well() -> None:
    assert only(vllm("--bake-me-a-cake", "with", "cream")).index == 1


def test_a_flag_that_a_later_release_has_names_it() -> None:
    finding = only(check_arguments(load("vllm", "0.17.0"), ["/mnt/m", "--shutdown-timeout", "45"]))
    assert finding.kind is FindingKind.OTHER_VERSION
    assert finding.message == "`--shutdown-timeout` is not a flag of vllm 0.17.0: it is known since 0.18.0"


def test_a_flag_that_only_earlier_releases_have_names_the_last() -> None:
    finding = only(vllm("--swap-space", "4"))
    assert finding.kind is FindingKind.OTHER_VERSION
    assert finding.message == "`--swap-space` is not a flag of vllm 0.33.0: it is known up to 0.17.0"


def test_a_removed_flag_names_its_replacement() -> None:
    assert only(vllm("--task", "embed")).hint == "use `--runner` or `--convert`"


@pytest.mark.parametrize(
    ("engine", "flag", "hint"),
    [
        ("dynamo-vllm", "--is-decode-worker", "use `--disaggregation-mode decode`"),
        ("dynamo-vllm", "--migration-limit", "set it on the frontend"),
        ("dynamo-vllm", "--connector", "use `--kv-transfer-config`"),
        ("dynamo-sglang", "--store-kv", "use `--discovery-backend`"),
        ("dynamo-frontend", "--durable-kv-events", "remove it: the last releases with it were those of 1.3"),
    ],
)
def test_a_flag_of_an_older_dynamo_says_what_replaced_it(engine: str, flag: str, hint: str) -> None:
    found = check_arguments(load(engine, "1.6.1"), [flag])
    assert hint in {finding.hint for finding in found}


def test_what_replaced_a_flag_is_a_flag_itself() -> None:
    for engine, gone in REPLACEMENTS.items():
        facts = load(engine, known(engine)[-1])
        for flag, hint in gone.items():
            for word in re.findall(r"--[a-z0-9-]+", hint):
                assert facts.flag(word), (engine, flag, word)


def test_a_flag_of_the_engines_own_server_is_refused_for_a_worker() -> None:
    finding = only(worker("--api-server-count", "2"))
    assert finding.message.endswith("is a flag of vllm's own HTTP server, which dynamo-vllm does not start")


def test_an_abbreviation_that_the_parser_would_take_is_found() -> None:
    finding = only(vllm("--ray"))
    assert finding.kind is FindingKind.ABBREVIATION
    assert finding.hint == "write the whole name: `--ray-workers-use-nsight`"


def test_the_values_of_an_abbreviation_are_checked_like_those_of_its_flag() -> None:
    kinds = [finding.kind for finding in vllm("--tensor-parallel", "two")]
    assert kinds == [FindingKind.ABBREVIATION, FindingKind.WRONG_VALUE]


def test_an_ambiguous_abbreviation_names_the_replacement() -> None:
    finding = only(sglang("--cuda-graph-bs", "1", "2"))
    assert finding.kind is FindingKind.ABBREVIATION
    assert finding.hint == "use `--cuda-graph-bs-decode`"


def test_an_alias_is_no_abbreviation() -> None:
    assert vllm("-tp", "2") == []


# --- underscores: one engine takes them, the other stops ---


@pytest.mark.parametrize(
    ("args", "hyphenated"),
    [(("--enable_metrics",), "--enable-metrics"), (("--reasoning_parser", "kimi_k2"), "--reasoning-parser")],
)
def test_sglang_refuses_underscores_and_the_hint_has_hyphens(args: tuple[str, ...], hyphenated: str) -> None:
    finding = only(sglang(*args))
    assert (finding.kind, finding.severity) == (FindingKind.UNDERSCORES, Severity.ERROR)
    assert finding.hint == f"write `{hyphenated}`"


def test_sglang_takes_the_same_flags_with_hyphens() -> None:
    assert sglang("--enable-metrics", "--reasoning-parser", "kimi_k2") == []


def test_vllm_takes_underscores_but_hyphens_are_asked_for() -> None:
    finding = only(vllm("--enable_prefix_caching"))
    assert (finding.kind, finding.severity) == (FindingKind.UNDERSCORES, Severity.WARNING)
    assert finding.hint == "write `--enable-prefix-caching`"


def test_arguments_for_vllm_can_be_spelled_with_hyphens() -> None:
    given = ["org/a_model", "--enable_prefix_caching", "--max_model_len=8_192", "--served-model-name", "a_b"]
    assert hyphenated_arguments(VLLM, given) == [
        "org/a_model",
        "--enable-prefix-caching",
        "--max-model-len=8_192",
        "--served-model-name",
        "a_b",
    ]


def test_dotted_keys_keep_their_underscores() -> None:
    spelled = hyphenated_arguments(VLLM, ["--kv_transfer_config.kv_connector", "X"])
    assert spelled == ["--kv-transfer-config.kv_connector", "X"]


def test_arguments_for_sglang_are_left_as_they_are() -> None:
    assert hyphenated_arguments(SGLANG, ["--enable_metrics"]) == ["--enable_metrics"]


# --- number of values ---


def test_a_flag_at_the_end_without_its_value_is_found() -> None:
    finding = only(vllm("--port"))
    assert (finding.index, finding.kind) == (1, FindingKind.MISSING_VALUE)
    assert finding.hint == "give it an integer"


def test_a_flag_followed_by_a_flag_lacks_its_value() -> None:
    finding = only(vllm("--max-model-len", "--enforce-eager"))
    assert finding.message == "`--max-model-len` has no value; `--enforce-eager` after it is a flag"


def test_a_negative_number_is_a_value_and_no_flag() -> None:
    assert vllm("--max-model-len", "-1") == []


def test_a_negative_fraction_is_no_value_for_vllm_which_takes_it_for_a_dotted_flag() -> None:
    assert FindingKind.MISSING_VALUE in [f.kind for f in vllm("--watermark", "-0.5")]
    assert sglang("--mem-fraction-static", "-0.5") == []


def test_the_simulators_parser_takes_the_next_word_whatever_it_is() -> None:
    assert simulator("--hash-seed", "--odd") == []


def test_a_boolean_takes_no_value_behind_it() -> None:
    finding = only(vllm("--enforce-eager", "true"))
    assert finding.kind is FindingKind.UNWANTED_VALUE
    assert finding.hint == "write `--enforce-eager` alone; to switch it off: `--no-enforce-eager`"


def test_a_boolean_takes_no_value_after_an_equals_sign() -> None:
    assert only(vllm("--enforce-eager=true")).kind is FindingKind.UNWANTED_VALUE


def test_a_boolean_is_switched_off_by_its_negation() -> None:
    assert vllm("--no-enforce-eager", "--disable-prefix-caching") == []


def test_the_simulator_takes_a_boolean_after_an_equals_sign_only() -> None:
    assert simulator("--enable-kvcache=true") == []
    assert only(simulator("--enable-kvcache", "true")).hint == "write `--enable-kvcache=true`"


def test_a_flag_that_takes_many_values_takes_all_that_follow() -> None:
    assert vllm("--served-model-name", "chat", "org/chat", "--port", "8000") == []


def test_a_value_that_no_flag_takes_is_found() -> None:
    finding = only(vllm("--port", "8000", "9000"))
    assert (finding.index, finding.kind) == (3, FindingKind.STRAY_VALUE)


def test_words_after_two_hyphens_are_values() -> None:
    assert only(vllm("--", "--port")).kind is FindingKind.STRAY_VALUE


def test_an_attached_value_is_read() -> None:
    assert vllm("-O3") == []


# --- values ---


@pytest.mark.parametrize(
    ("flag", "wrong", "right"),
    [
        ("--tensor-parallel-size", "two", "2"),
        ("--tensor-parallel-size", "2.5", "2"),
        ("--gpu-memory-utilization", "most", "0.9"),
        ("--dtype", "fp8", "bfloat16"),
        ("--max-model-len", "32kb", "32k"),
        ("--max-model-len", "1.5K", "1.5k"),
        ("--max-model-len", "full", "auto"),
        ("--default-chat-template-kwargs", "{thinking: true}", '{"thinking": true}'),
        ("--compilation-config", "3", '{"mode": 3}'),
    ],
)
def test_a_value_of_the_wrong_type_is_found(flag: str, wrong: str, right: str) -> None:
    finding = only(vllm(flag, wrong))
    assert (finding.index, finding.kind) == (2, FindingKind.WRONG_VALUE)
    assert vllm(flag, right) == []


def test_a_wrong_choice_names_the_nearest_and_all_values() -> None:
    hint = only(vllm("--dtype", "bfloat61")).hint
    assert hint == "did you mean 'bfloat16'? It takes one of auto, bfloat16, float, float16, float32, half"


def test_choices_that_the_engine_folds_are_accepted_in_any_form() -> None:
    assert vllm("--moe-backend", "Deep-GEMM") == []


def test_a_wrong_value_after_an_equals_sign_is_found_at_its_flag() -> None:
    assert only(vllm("--port=http")).index == 1


def test_the_word_none_stands_for_no_value_where_the_engine_takes_it() -> None:
    assert vllm("--max-log-len", "None") == []
    assert only(vllm("--seed", "None")).kind is FindingKind.WRONG_VALUE


def test_a_size_inside_json_is_accepted() -> None:
    extra = '{"kv_connector": "X", "kv_role": "kv_both", "kv_connector_extra_config": {"bytes": 80m}}'
    assert vllm("--kv-transfer-config", extra) == []


def test_a_key_that_a_configuration_object_forbids_is_found() -> None:
    finding = only(vllm("--kv-transfer-config", '{"kv_connector": "X", "kv_rank": 1}'))
    assert "has the unknown key `kv_rank`" in finding.message


def test_a_misspelt_key_names_the_nearest() -> None:
    assert only(vllm("--kv-transfer-config", '{"kv_conector": "X"}')).hint == "did you mean `kv_connector`?"


def test_dotted_keys_are_accepted_and_checked() -> None:
    assert vllm("--kv-transfer-config.kv_connector", "X", "--kv-transfer-config.kv_role=kv_both") == []
    assert "has no key `kv_rank`" in only(vllm("--kv-transfer-config.kv_rank", "1")).message


def test_a_dotted_key_of_a_plain_flag_is_found() -> None:
    assert "it is not a JSON flag" in only(vllm("--port.number", "1")).message


def test_a_duration_needs_its_unit() -> None:
    assert only(simulator("--time-to-first-token", "100")).kind is FindingKind.WRONG_VALUE
    assert simulator("--time-to-first-token", "1m30s") == []


def test_a_parser_that_the_engine_does_not_have_is_found() -> None:
    finding = only(vllm("--tool-call-parser", "hermez"))
    assert finding.message == "vllm 0.33.0 has no tool parser 'hermez'"
    assert finding.hint == "did you mean `hermes`?"


def test_a_parser_of_another_engine_is_found() -> None:
    assert only(vllm("--tool-call-parser", "deepseekv3")).kind is FindingKind.WRONG_VALUE
    assert sglang("--tool-call-parser", "deepseekv3") == []


def test_a_plug_in_may_bring_a_parser() -> None:
    assert vllm("--tool-call-parser", "mine", "--tool-parser-plugin", "/plugins/mine.py") == []


def test_a_value_that_kubernetes_fills_in_is_not_judged() -> None:
    assert vllm("--port", "$(PORT)") == []


# --- the list as a whole ---


def test_the_same_flag_twice_is_found_at_the_second() -> None:
    finding = only(vllm("--port", "1", "--enforce-eager", "--port=2"))
    assert (finding.index, finding.kind) == (4, FindingKind.REPEATED)
    assert finding.message == "`--port` is given twice: argument 2 is `--port`"


def test_a_flag_and_its_negation_are_the_same_flag() -> None:
    assert only(vllm("--enforce-eager", "--no-enforce-eager")).kind is FindingKind.REPEATED


def test_a_flag_and_its_short_form_are_the_same_flag() -> None:
    assert only(vllm("--optimization-level", "2", "-O3")).kind is FindingKind.REPEATED


def test_a_json_value_and_a_key_of_it_are_the_same_flag() -> None:
    finding = only(vllm("--kv-transfer-config", "{}", "--kv-transfer-config.kv_connector", "X"))
    assert finding.kind is FindingKind.REPEATED


def test_a_flag_that_may_be_repeated_is_accepted_twice() -> None:
    assert vllm("--middleware", "a.b", "--middleware", "c.d") == []


def test_a_deprecated_flag_is_a_warning_with_the_release_that_removes_it() -> None:
    finding = only(vllm("--ir-op-priority", "{}"))
    assert (finding.kind, finding.severity) == (FindingKind.DEPRECATED, Severity.WARNING)
    assert finding.message.endswith("is deprecated in vllm 0.33.0, and 0.34.0 is the release that removes it")
    assert finding.hint == "remove it: vllm 0.34.0 no longer takes it"


def test_a_deprecated_flag_without_a_release_that_removes_it_says_no_more() -> None:
    finding = only(vllm("--dcp-kv-cache-interleave-size", "1"))
    assert finding.severity is Severity.WARNING
    assert finding.message == "`--dcp-kv-cache-interleave-size` is deprecated in vllm 0.33.0"


def test_a_required_flag_that_is_missing_is_found() -> None:
    finding = only(check_arguments(SGLANG, ["--port", "30000"]))
    assert (finding.index, finding.kind, finding.flag) == (-1, FindingKind.MISSING, "--model-path")


def test_nothing_is_missing_in_a_part_of_a_command_line() -> None:
    assert check_arguments(SGLANG, ["--port", "30000"], complete=False) == []
    assert check_arguments(VLLM, ["--enforce-eager"], complete=False) == []


def test_a_missing_model_is_found() -> None:
    finding = only(check_arguments(VLLM, ["--port", "8000"]))
    assert (finding.kind, finding.message) == (FindingKind.MISSING, "no model is given")


def test_a_configuration_file_may_hold_the_model() -> None:
    assert check_arguments(VLLM, ["--config", "/etc/vllm.yaml"]) == []


def test_a_model_behind_flags_is_found() -> None:
    finding = only(check_arguments(VLLM, ["--port", "8000", "org/model"]))
    assert finding.message == "the model 'org/model' stands after flags"


# --- two names for one model, and a drain flag of later releases ---


def test_a_second_served_name_is_no_stray_value() -> None:
    args = ["/mnt/m", "--served-model-name", "chat", "org/chat", "--shutdown-timeout", "45"]
    assert check_arguments(VLLM, args) == []


def test_an_older_release_refuses_the_drain_flag_only() -> None:
    args = ["/mnt/m", "--served-model-name", "chat", "org/chat", "--shutdown-timeout", "45"]
    finding = only(check_arguments(load("vllm", "0.17.0"), args))
    assert (finding.flag, "since 0.18.0" in finding.message) == ("--shutdown-timeout", True)


def test_a_model_that_would_be_swallowed_as_a_second_name_is_found() -> None:
    finding = only(check_arguments(VLLM, ["--served-model-name", "chat", "/mnt/m"]))
    assert finding.index == 2
    assert finding.message == "no model is given: '/mnt/m' is read as one more value of `--served-model-name`"
    assert finding.hint == "put the model first, before every flag"
