"""The model against the engine's release."""

from __future__ import annotations

import msgspec
import pytest

from generator.errors import Severity
from generator.sources.load import Sourced
from generator.validate.models import check
from generator.validate.scope import ReleaseScope
from tests.support.scopes import GRAPH, PLAIN, SGLANG, found, in_context, overridden, scopes, texts


def of_architecture(key: str, name: str, *, remote: bool = False) -> ReleaseScope:
    """A release as if its checkpoint were of another class."""
    source = scopes()[key].resolved.context.model
    architecture = msgspec.structs.replace(source.value.architecture, name=name)
    model = msgspec.structs.replace(source.value, architecture=architecture, trust_remote_code=remote)
    return in_context(scopes()[key], model=Sourced(model, source.document))


def test_real_releases_pass() -> None:
    found = [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
    # what the stock image of vLLM holds besides the engine was not read
    assert [key for key, text in found if "the optional part" not in text] == []
    assert {key for key, _ in found} == {"prod/llama-70b-pd", "staging/llama-70b-pd", "staging/whisper-large-v3"}


def test_an_optional_part_that_the_image_lacks_is_refused() -> None:
    scope = scopes()["staging/whisper-large-v3"]
    context = scope.resolved.context
    image = msgspec.structs.replace(context.image, extras=["lmcache"])
    without = msgspec.structs.replace(
        scope, resolved=msgspec.structs.replace(scope.resolved, context=msgspec.structs.replace(context, image=image))
    )
    (message,) = texts(check, without)
    assert message == "whisper-large-v3 needs the optional part 'audio', which the image does not hold"


@pytest.mark.parametrize(
    ("key", "engine"), [(PLAIN, "vllm 0.33.0"), (SGLANG, "sglang 0.5.23"), (GRAPH, "dynamo-vllm 1.6.1")]
)
def test_an_architecture_that_the_release_lacks_is_refused(key: str, engine: str) -> None:
    (problem,) = found(check, of_architecture(key, "NoSuchForCausalLM"))
    assert problem.message == f"{engine} knows no architecture NoSuchForCausalLM"
    assert problem.location.file.startswith("catalog/models/")


def test_a_near_name_is_suggested_and_versions_that_have_it_are_named() -> None:
    (problem,) = found(check, of_architecture(PLAIN, "LlamaForCausalLN"))
    assert problem.hint.endswith("did the checkpoint's config.json say LlamaForCausalLM?")


def test_code_that_comes_with_the_weights_may_bring_its_class() -> None:
    (problem,) = found(check, of_architecture(PLAIN, "NoSuchForCausalLM", remote=True))
    assert problem.severity is Severity.WARNING


def test_more_context_than_the_checkpoint_has_is_refused_unless_it_is_stretched() -> None:
    text = "model:\n  contextTokens: 131073"
    (problem,) = found(check, overridden(PLAIN, text))
    assert problem.message.startswith("a context of 131073 tokens is asked of a checkpoint that has 131072")
    assert problem.location.file == "environments/staging/releases/llama-8b.yaml"
    stretched = f"{text}\nroles:\n  server:\n    extraArgs: [--hf-overrides, '{{\"rope_scaling\": {{}}}}']"
    assert texts(check, overridden(PLAIN, stretched)) == []
    allowed = f"{text}\nroles:\n  server:\n    extraEnv: [{{name: VLLM_ALLOW_LONG_MAX_MODEL_LEN, value: '1'}}]"
    assert texts(check, overridden(PLAIN, allowed)) == []


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("/models/chat.jinja", None),
        ("/vllm-workspace/examples/tool_chat_template_llama3.1_json.jinja", None),
        ("{{ messages }}", None),
        (
            "/templates/chat.jinja",
            "nothing is mounted where the chat template /templates/chat.jinja should be (server)",
        ),
        ("chatml", "vllm knows no chat templates by name, and chatml is neither a path nor a template"),
        ("chat.jinja", "the chat template chat.jinja is looked for in the folder where the engine starts"),
    ],
)
def test_a_chat_template_is_where_the_engine_looks(template: str, message: str | None) -> None:
    assert texts(check, overridden(PLAIN, f"engine:\n  chatTemplate: '{template}'")) == ([message] if message else [])


def test_a_template_by_name_is_left_to_an_engine_that_has_such() -> None:
    assert texts(check, overridden(SGLANG, "engine:\n  chatTemplate: chatml")) == []


def needing(key: str, least: str) -> ReleaseScope:
    """A release whose image was changed, as if its model needed a newer engine."""
    scope = overridden(key, "image:\n  tag: v0.31.0")
    source = scope.resolved.context.model
    model = msgspec.structs.replace(source.value, minimum_engine={"vllm": least})
    return in_context(scope, model=Sourced(model, source.document))


def test_an_image_older_than_the_model_needs_is_refused() -> None:
    (problem,) = found(check, needing(PLAIN, "0.32.0"))
    assert problem.message == (
        "the image holds vllm 0.31.0, and llama-3-1-8b-instruct needs 0.32.0 or newer (minimumEngine)"
    )
    assert problem.location.file == "environments/staging/releases/llama-8b.yaml"


def test_an_image_as_new_as_the_model_needs_is_fine() -> None:
    assert texts(check, needing(PLAIN, "0.31.0")) == []


def test_a_parser_for_what_the_model_cannot_do_is_a_warning() -> None:
    (problem,) = found(check, overridden(PLAIN, "engine:\n  reasoningParser: deepseek_r1"))
    assert problem.message == "the parser deepseek_r1 is for models that reason, and llama-3-1-8b-instruct does not"
    assert problem.severity is Severity.WARNING
