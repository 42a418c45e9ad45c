"""A mistake that shows only in a rendered object is told at the line, in whichever layer, that set it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from generator.charts.build import Chart
from generator.cli import main
from tests.conftest import copy_inputs

MODEL = "catalog/models/llama-3-1-8b-instruct.yaml"
ENVIRONMENT = "environments/staging/environment.yaml"
RELEASE = "environments/staging/releases/llama-8b.yaml"
ARGS = "  roles:\n    server:\n      extraArgs:\n        - --max-model-len-x=1\n"


class Case(NamedTuple):
    """What is changed in which file, the text that the problem must point at, and what shows where."""

    file: str
    old: str
    new: str
    at: str
    object: str
    message: str


CASES = {
    "model": Case(
        MODEL,
        "  vllm: {tool: llama3_json}",
        "  vllm: {tool: llama3_jsn}",
        "llama3_jsn",
        "Deployment/llama-8b: spec.template.spec.containers[0].args[",
        "llama3_jsn",
    ),
    "variant": Case(
        MODEL,
        "  h100:\n    engine: vllm\n",
        "  h100:\n    engine: vllm\n    values:\n" + textwrap.indent(ARGS, "    "),
        "--max-model-len-x=1",
        "Deployment/llama-8b: spec.template.spec.containers[0].args[",
        "is not a flag of vllm",
    ),
    "environment": Case(
        ENVIRONMENT,
        "  labels: {release: kube-prometheus-stack}",
        f"  labels: {{release: {'x' * 64}}}",
        "x" * 64,
        "PodMonitor/llama-8b: metadata.labels.release",
        "64 characters",
    ),
    "release": Case(
        RELEASE,
        "",
        f"values:\n{ARGS}",
        "--max-model-len-x=1",
        "Deployment/llama-8b: spec.template.spec.containers[0].args[",
        "is not a flag of vllm",
    ),
    "release, by a variable": Case(
        RELEASE,
        "",
        "values:\n  roles:\n    server:\n      extraEnv:\n        - {name: VLLM_CACHE_ROT, value: x}\n",
        "VLLM_CACHE_ROT",
        "Deployment/llama-8b: spec.template.spec.containers[0].env[",
        "VLLM_CACHE_ROT",
    ),
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, home: Path, charts: Mapping[str, Chart]) -> Path:
    few = {"staging": ("llama-8b",), "dev": ("llama-8b",), "prod": ("phi-4-mini",)}
    return copy_inputs(tmp_path_factory.mktemp("positions") / "repository", home, few)


def position(text: str, word: str) -> tuple[int, int]:
    before = text[: text.index(word)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize("layer", CASES)
def test_the_line_of_the_layer_is_named(layer: str, pristine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[layer]
    file = pristine / case.file
    before = file.read_text(encoding="utf-8")
    assert case.old in before
    text = before.replace(case.old, case.new, 1) if case.old else before + case.new
    file.write_text(text, encoding="utf-8")
    try:
        code = main(["--root", str(pristine), "build", "--env", "staging", "--release", "llama-8b", "--format", "json"])
    finally:
        file.write_text(before, encoding="utf-8")
    problems: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["problems"]
    found = [p for p in problems if p["path"].startswith(case.object) and case.message in p["message"]]
    assert code == 1 and found, problems
    for problem in found:
        assert (problem["file"], problem["line"], problem["column"]) == (case.file, *position(text, case.at))
