"""Field cases ENG: flags as people move between engines and versions."""

from __future__ import annotations

import pytest

from generator import facts, schemas
from generator.errors import Severity
from generator.tools import find
from generator.validate import flags, kubeconform, promql, replicas
from tests.support.scopes import GRAPH, PLAIN, ROOT, SGLANG, changed, complaints, found, overridden, scopes, texts

ARGS = ("spec", "template", "spec", "containers", 0, "args")
GRAPH_FILE = "dynamographdeployment.yaml"
WORKER_ARGS = ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "args")
SERVER, SCALED = "deployment-server.yaml", "scaledobject-server.yaml"


def said(engine: str, version: str, line: str) -> list[str]:
    return [finding.message for finding in facts.check_arguments(facts.load(engine, version), line.split())]


def test_eng_1_sglang_refuses_underscores_and_names_the_hyphen_form() -> None:
    scope = overridden(SGLANG, "roles:\n  server:\n    extraArgs: [--enable_metrics, --log_requests]")
    problems = found(flags.check, scope)
    assert {problem.hint for problem in problems} >= {"write `--log-requests`"}
    assert any("--enable-metrics" in problem.message + problem.hint for problem in problems)


def test_eng_1_sglang_refuses_every_flag_spelled_with_underscores() -> None:
    found_ = facts.check_arguments(
        facts.load("sglang", "0.5.23"), ["--model-path", "m", "--enable_metrics", "--reasoning_parser", "kimi_k2"]
    )
    assert [finding.hint for finding in found_] == ["write `--enable-metrics`", "write `--reasoning-parser`"]


@pytest.mark.parametrize("flag", ["--enable_prefix_caching", "--enable_log_requests"])
def test_eng_1_vllm_takes_underscores_and_is_given_hyphens(flag: str) -> None:
    scope = overridden(PLAIN, f"roles:\n  server:\n    extraArgs: [{flag}]")
    assert [text for text in complaints(scope) if "is already set" not in text] == []
    assert [problem for problem in found(flags.check, scope) if problem.severity is Severity.ERROR] == []
    args = scope.objects[SERVER]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[-1] == flag.replace("_", "-")
    assert [word for word in args if word.startswith("--") and "_" in word.partition("=")[0]] == []


@pytest.mark.parametrize(("rank", "kept"), [("64", True), ("512", True), ("48", False), ("600", False)])
def test_eng_4_a_rank_is_one_that_the_engine_knows(rank: str, kept: bool) -> None:
    values = f'roles:\n  server:\n    extraArgs: [--enable-lora, --max-lora-rank, "{rank}"]'
    problems = found(flags.check, overridden(PLAIN, values))
    if kept:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.message.startswith(f"the value '{rank}' of `--max-lora-rank`")
        assert "64" in problem.message + problem.hint and "512" in problem.message + problem.hint


def test_eng_6_a_second_served_name_is_legal_and_the_drain_flag_depends_on_the_version() -> None:
    line = "/mnt/m --served-model-name chat org/chat --shutdown-timeout 45"
    assert said("vllm", "0.33.0", line) == []
    assert said("vllm", "0.17.0", line) == [
        "`--shutdown-timeout` is not a flag of vllm 0.17.0: it is known since 0.18.0"
    ]


def test_eng_6_no_check_complains_of_a_second_name_behind_ours() -> None:
    scope = scopes()[PLAIN]
    args = list(scope.objects[SERVER]["spec"]["template"]["spec"]["containers"][0]["args"])
    place = args.index("--served-model-name") + 2
    assert complaints(changed(scope, SERVER, ARGS, [*args[:place], "org/chat", *args[place:]])) == []


def test_eng_6_a_model_behind_the_names_is_swallowed() -> None:
    (message,) = said("vllm", "0.33.0", "--served-model-name chat /mnt/m")
    assert message == "no model is given: '/mnt/m' is read as one more value of `--served-model-name`"


def test_eng_6_the_first_name_is_the_label_of_the_metrics() -> None:
    scope = scopes()[PLAIN]
    args = list(scope.objects[SERVER]["spec"]["template"]["spec"]["containers"][0]["args"])
    place = args.index("--served-model-name") + 1
    two = changed(scope, SERVER, ARGS, [*args[:place], "chat", *args[place:]])
    messages = texts(promql.check, two)
    assert messages and all(message.endswith("the engine is served as chat") for message in messages)
    query = scope.objects[SCALED]["spec"]["triggers"][0]["metadata"]["query"].replace("llama-3.1-8b-instruct", "chat")
    assert texts(promql.check, changed(two, SCALED, ("spec", "triggers", 0, "metadata", "query"), query)) == []


def test_file_7_flags_of_an_older_dynamo_are_refused_with_what_replaced_them() -> None:
    problems = found(flags.check, changed(scopes()[GRAPH], GRAPH_FILE, WORKER_ARGS, worker_args("--is-prefill-worker")))
    (problem,) = (problem for problem in problems if "--is-prefill-worker" in problem.message)
    assert problem.message.startswith("`--is-prefill-worker` is not a flag of dynamo-vllm 1.6.1")
    assert problem.hint == "use `--disaggregation-mode prefill`"


def test_file_7_a_component_type_of_an_older_dynamo_is_refused_with_the_types_there_are() -> None:
    place = ("spec", "components", 1, "type")
    old = changed(scopes()[GRAPH], GRAPH_FILE, place, "main").objects[GRAPH_FILE]
    checked = kubeconform.check(find("kubeconform"), ROOT, schemas.versions()[-1], {"graph": old})
    ((_, path, message, hint),) = checked
    assert path == place and hint
    for kind in ("frontend", "worker", "prefill", "decode", "planner", "epp"):
        assert f"'{kind}'" in message


def test_file_7_a_pair_stands_on_one_node_each_and_says_its_halves() -> None:
    frontend, *workers = scopes()[GRAPH].objects[GRAPH_FILE]["spec"]["components"]
    assert frontend["type"] == "frontend"
    assert [worker["type"] for worker in workers] == ["prefill", "decode"]
    for worker in workers:
        assert "multinode" not in worker
        words = worker["podTemplate"]["spec"]["containers"][0]["args"]
        assert words[words.index("--disaggregation-mode") + 1] == worker["type"]
        assert "--kv-transfer-config" in words


def test_file_7_a_pipe_behind_the_engine_is_refused() -> None:
    container = WORKER_ARGS[:-1]
    piped = changed(scopes()[GRAPH], GRAPH_FILE, (*container, "command"), ["/bin/sh", "-c"])
    line = "python3 -m dynamo.vllm --model m 2>&1 | tee /tmp/log"
    messages = texts(flags.check, changed(piped, GRAPH_FILE, WORKER_ARGS, [line]))
    assert any("stand inside a shell's text" in message for message in messages)


def test_file_7_replicas_have_one_owner() -> None:
    adapter = ("spec", "components", 1, "scalingAdapter")
    messages = texts(replicas.check, changed(scopes()[GRAPH], GRAPH_FILE, adapter, {}))
    assert any("and the component has a scaling adapter" in message for message in messages)


def worker_args(*words: str) -> list[str]:
    """The arguments of a worker of Dynamo, with these after them."""
    component = scopes()[GRAPH].objects[GRAPH_FILE]["spec"]["components"][1]
    return [*component["podTemplate"]["spec"]["containers"][0]["args"], *words]
