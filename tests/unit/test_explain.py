"""Why a value is what it is, from a release, a path of its values, or a field of an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.cli import main
from generator.commands.explain import parse_path

Explain = Callable[..., str]


@pytest.fixture
def explain(root: Path, capsys: pytest.CaptureFixture[str]) -> Explain:
    def run(*arguments: str, code: int = 0) -> str:
        assert main(["--root", str(root), "explain", *arguments]) == code
        return capsys.readouterr().out

    return run


def line_of(root: Path, place: str) -> str:
    """The text that a `file:line:column` points at."""
    file, line, column = place.split(":")
    return (root / file).read_text(encoding="utf-8").splitlines()[int(line) - 1][int(column) - 1 :]


def places(said: str) -> list[str]:
    return re.findall(r"\S+\.yaml:\d+:\d+", said)


def test_a_release_is_told_with_its_parts_and_derived_figures(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd")
    assert re.search(r"^chart +vllm-disaggregated-queue$", said, flags=re.MULTILINE)
    assert re.search(r"^role decode +2 x h200", said, flags=re.MULTILINE)
    assert "timing.startupSeconds = " in said and "weights at 200 MiB/s" in said


def test_an_empty_path_is_the_whole_release(explain: Explain) -> None:
    assert explain("prod/llama-70b-pd", "") == explain("prod/llama-70b-pd")


def test_a_value_of_the_catalog_leads_to_its_line(explain: Explain, root: Path) -> None:
    said = explain("prod/llama-70b-pd", "model.id")
    (place,) = places(said)
    assert place.startswith("catalog/models/") and line_of(root, place) == "meta-llama/Llama-3.3-70B-Instruct"


def test_every_layer_is_listed_and_the_winner_marked(explain: Explain, root: Path) -> None:
    said = explain("prod/llama-70b-pd", "model.servedName")
    below, above = places(said)
    assert line_of(root, below) == "llama-3.3-70b-instruct" and line_of(root, above) == "llama-3.3-70b-instruct-pd"
    assert re.findall(r"^  -> (\w+)", said, flags=re.MULTILINE) == ["release"]


def test_a_derived_value_names_its_rule(explain: Explain) -> None:
    assert "-> derived" in explain("prod/llama-70b-pd", "cache.size")
    assert "(weights x 1.2 + 10 GiB)" in explain("prod/llama-70b-pd", "cache.size")


def test_a_default_leads_to_the_chart(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd", "engine.dtype")
    assert "chart default  charts/vllm-disaggregated-queue/values.yaml" in said


def test_a_field_of_an_object_leads_through_the_template_to_the_line(explain: Explain, root: Path) -> None:
    said = explain("prod/llama-70b-pd", "Deployment/llama-70b-pd-prefill:spec.template.spec.containers[0].image")
    assert "template       charts/vllm-disaggregated-queue/templates/deployment-prefill.yaml" in said
    texts = [line_of(root, place) for place in places(said)]
    assert any(text.startswith("docker.io/vllm/vllm-openai") for text in texts)


def test_a_field_with_dots_in_its_key_is_found(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd", "Service/llama-70b-pd:metadata.labels.app.kubernetes.io/instance")
    assert "metadata.labels.app.kubernetes.io/instance = llama-70b-pd" in said


def test_a_field_that_stands_under_a_condition_leads_to_the_value_in_it(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd", "Deployment/llama-70b-pd-prefill:spec.strategy.type")
    assert "rollout = in-place" in said


def test_a_field_of_many_values_lists_them(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd", "Deployment/llama-70b-pd-prefill:spec.template.spec.containers[0].args")
    assert "  made of\n    model.id\n    model.servedName\n" in said


def test_what_every_release_has_is_told_so(explain: Explain) -> None:
    said = explain("prod/llama-70b-pd", "Deployment/llama-70b-pd-prefill:spec.template.spec.enableServiceLinks")
    assert "written by the chart for every release" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prodd/llama-70b",), "there is no environment 'prodd'\n  hint: choose one of dev, prod, staging"),
        (("prod/llama-8",), "there is no release 'llama-8'\n  hint: did you mean prod/llama-8b?"),
        (("prod",), "there is no release ''\n  hint: there is deepseek-r1,"),
        (("prod/llama-70b-pd", "model.servdName"), "have no model.servdName\n  hint: did you mean servedName?"),
        (("prod/llama-70b-pd", "model.id.x"), "the values have no model.id.x\n  hint: there is nothing"),
        (("prod/llama-70b-pd", "Deployment/llama-70b-pd-prefil"), "did you mean Deployment/llama-70b-pd-prefill?"),
        (("prod/llama-70b-pd", "Secret/x"), "there is no Secret/x"),
        (("prod/llama-70b-pd", "Service/llama-70b-pd:spec.prots"), "Service/llama-70b-pd has no spec.prots"),
    ],
)
def test_what_is_not_there_is_a_problem_with_a_hint(explain: Explain, arguments: tuple[str, ...], said: str) -> None:
    out = " ".join(explain(*arguments, code=1).split())
    assert " ".join(said.split()) in out


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a.x.y/z", ("a", "x.y/z")),
        ("a.x.y/z.k", ("a", "x.y/z", "k")),
        ("a.new.key", ("a", "new", "key")),
        ("[1]", (1,)),
        ("", ()),
    ],
)
def test_a_path_is_read_with_the_data_at_hand(text: str, path: tuple[str | int, ...]) -> None:
    assert parse_path(text, {"a": {"b": [{"c": 1}], "x.y/z": {"k": 1}}}) == path
