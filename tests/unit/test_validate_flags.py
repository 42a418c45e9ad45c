"""Arguments and variables against the release that a container really runs."""

from __future__ import annotations

import pytest

from generator.errors import Severity
from generator.validate.flags import check
from tests.support.scopes import GRAPH, GROUP, PAIR, PLAIN, SGLANG, changed, found, overridden, scopes, texts

FILE = "deployment-server.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)


def args(key: str, file: str = FILE) -> list[str]:
    container = scopes()[key].objects[file]["spec"]["template"]["spec"]["containers"][0]
    return list(container["args"])


def with_args(key: str, *more: str) -> list[str]:
    return texts(check, changed(scopes()[key], FILE, (*CONTAINER, "args"), [*args(key), *more]))


def test_a_flag_that_the_version_lacks_is_refused() -> None:
    assert with_args(PLAIN, "--max-modle-len-x") == ["`--max-modle-len-x` is not a flag of vllm 0.33.0"]


def test_underscores_are_refused_by_the_engine_that_refuses_them() -> None:
    (message,) = with_args(SGLANG, "--log_requests")
    assert "underscores are not accepted" in message


def test_a_flag_that_the_chart_writes_is_reported_at_the_line_of_extra_args_with_its_value() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    extraArgs:\n      - --max-model-len\n      - '4096'")
    (problem,) = found(check, scope)
    assert problem.message == "`--max-model-len` is already set by the value model.contextTokens"
    assert problem.hint == "set model.contextTokens instead"
    line = scope.resolved.context.release.document.locate(("values", "roles", "server", "extraArgs", 0))
    assert problem.location == line
    assert problem.location.file == "environments/staging/releases/llama-8b.yaml"


def test_a_flag_that_the_chart_leaves_out_now_may_not_come_in_by_extra_args_either() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    extraArgs: [--kv-cache-dtype, fp8]")
    assert texts(check, scope) == ["`--kv-cache-dtype` is already set by the value engine.kvCacheDtype"]


def test_the_other_form_of_a_switch_is_the_same_flag() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    extraArgs: [--no-enable-prefix-caching]")
    (message,) = texts(check, scope)
    assert message.endswith("is already set by the value roles.server.engine.prefixCaching")


@pytest.mark.parametrize(
    "extra", ["[--enable-prefix-caching]", "[--enable_prefix_caching]", "[--port, '8000']", "[--port=8000]"]
)
def test_what_the_chart_says_alike_is_only_a_warning(extra: str) -> None:
    (finding,) = check(overridden(PLAIN, f"roles:\n  server:\n    extraArgs: {extra}"))
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize("extra", ["[--no-enable-prefix-caching]", "[--port, '8001']", "[--kv-cache-dtype, fp8]"])
def test_what_the_chart_says_otherwise_or_not_at_all_is_refused(extra: str) -> None:
    (finding,) = check(overridden(PLAIN, f"roles:\n  server:\n    extraArgs: {extra}"))
    assert finding.severity is Severity.ERROR


def test_a_flag_given_twice_in_extra_args_is_reported() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    extraArgs: [--seed, '1', --seed, '2']")
    (message,) = texts(check, scope)
    assert "is given twice" in message


def test_a_flag_of_ones_own_is_accepted() -> None:
    assert not texts(check, overridden(PLAIN, "roles:\n  server:\n    extraArgs: [--seed, '1']"))


def test_a_value_of_the_wrong_type_is_refused_where_it_stands() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    extraArgs: [--seed, many]")
    (problem,) = found(check, scope)
    assert "'many'" in problem.message
    assert problem.path.endswith(f"containers[0].args[{len(args(PLAIN)) + 1}]")
    line = scope.resolved.context.release.document.locate(("values", "roles", "server", "extraArgs", 1))
    assert problem.location == line


def test_a_secret_among_the_arguments_is_not_echoed() -> None:
    token = "hf_" + "a1B2" * 6
    messages = with_args(PLAIN, "--seed", token)
    assert messages and all(token not in message for message in messages)


def test_an_image_of_another_release_is_checked_with_its_own_facts() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*CONTAINER, "args"), [*args(PLAIN), "--no-such"])
    image = scope.objects[FILE]["spec"]["template"]["spec"]["containers"][0]["image"].replace("v0.33.0", "v0.31.0")
    assert "is not a flag of vllm 0.31.0" in " ".join(texts(check, changed(scope, FILE, (*CONTAINER, "image"), image)))


def test_an_image_that_the_catalog_lacks_is_a_problem() -> None:
    scope = overridden(PLAIN, "image:\n  tag: v9.9.9")
    (problem,) = found(check, scope)
    assert problem.message.endswith(":v9.9.9 is none of the catalog, so nobody knows which flags its vllm takes")
    assert "v0.33.0" in problem.hint and "catalog/engines/vllm.yaml" in problem.hint
    assert problem.location.file == "environments/staging/releases/llama-8b.yaml"


def test_a_digest_beside_a_known_tag_is_believed() -> None:
    assert not texts(check, overridden(PLAIN, f"image:\n  digest: sha256:{'a' * 64}"))


def test_a_container_whose_program_is_unknown_is_a_problem() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*CONTAINER[:-1], 1), {"name": "proxy", "image": "example.com/proxy:1"})
    assert texts(check, scope) == ['nothing is known of the program in container "proxy": it cannot be checked']


def test_arguments_inside_a_shell_cannot_be_checked() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*CONTAINER, "command"), ["/bin/sh", "-c"])
    (message,) = texts(check, scope)
    assert "inside a shell's text" in message


def test_a_flag_in_the_command_is_checked_too() -> None:
    scope = changed(scopes()[SGLANG], FILE, (*CONTAINER, "command"), ["sglang", "serve", "--no-such"])
    (problem,) = found(check, scope)
    assert problem.message == "`--no-such` is not a flag of sglang 0.5.23"
    assert problem.path.endswith("command[2]")


def test_a_variable_of_the_group_is_known_there_and_nowhere_else() -> None:
    assert not texts(check, scopes()[GROUP])
    (message,) = with_args(PLAIN, "--seed", "$(LWS_WORKER_INDEX)")
    assert message.startswith("the variable LWS_WORKER_INDEX of")


def test_a_variable_that_the_container_defines_may_stand_for_a_value() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*CONTAINER, "args"), [*args(PLAIN), "--seed", "$(SEED)"])
    env = scope.objects[FILE]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert texts(check, scope)
    assert not texts(check, changed(scope, FILE, (*CONTAINER, "env", len(env)), {"name": "SEED", "value": "1"}))


def test_a_variable_without_effect_is_reported_at_its_line() -> None:
    values = "roles:\n  server:\n    extraEnv:\n      - name: VLLM_NO_USAGE_STAT\n        value: '1'"
    scope = overridden(PLAIN, values)
    (problem,) = found(check, scope)
    assert "VLLM_NO_USAGE_STAT" in problem.message and "VLLM_NO_USAGE_STATS" in problem.hint
    assert problem.location.file == "environments/staging/releases/llama-8b.yaml"
    assert problem.location.line > 1


def test_a_variable_that_the_chart_sets_may_not_be_set_again() -> None:
    values = "roles:\n  server:\n    extraEnv:\n      - name: VLLM_NO_USAGE_STATS\n        value: '0'"
    (message,) = texts(check, overridden(PLAIN, values))
    assert message.startswith("the variable VLLM_NO_USAGE_STATS is set twice")


def test_the_router_is_checked_with_its_own_facts() -> None:
    file = "deployment-router.yaml"
    scope = changed(scopes()[PAIR], file, (*CONTAINER, "args", len(args(PAIR, file))), "--no-such")
    assert texts(check, scope) == ["`--no-such` is not a flag of vllm-router 0.1.17"]


def test_a_worker_of_a_graph_is_checked_with_the_version_that_the_graph_carries() -> None:
    path = ("spec", "components", 1, "podTemplate", "spec", "containers", 0, "args", 0)
    (first, *_) = texts(check, changed(scopes()[GRAPH], "dynamographdeployment.yaml", path, "--modell"))
    assert "dynamo-vllm 1.6.1" in first


def test_a_frontend_of_a_graph_is_checked_with_its_own_facts() -> None:
    path = ("spec", "components", 0, "podTemplate", "spec", "containers", 0, "args", 0)
    (first, *_) = texts(check, changed(scopes()[GRAPH], "dynamographdeployment.yaml", path, "--tensor-parallel-size"))
    assert "dynamo-frontend 1.6.1" in first


def test_real_releases_have_no_error() -> None:
    assert not [
        (key, problem.text())
        for key, scope in scopes().items()
        for problem in found(check, scope)
        if problem.severity is Severity.ERROR
    ]
