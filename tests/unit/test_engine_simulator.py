"""The simulator's charts against vLLM's, and against the facts of the release that they start."""

from __future__ import annotations

import functools
import typing
from typing import Any

import pytest

from generator import recipes
from generator.charts.build import Chart, Template, build, minimal
from generator.contract import Refusal
from generator.engines import simulator
from generator.facts import check_arguments, check_environment, load
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology
from generator.template.expand import expand
from generator.values import schema
from generator.values.tree import merge

FACTS = load("simulator", "0.10.2")

Tree = dict[str, Any]

# every option away from its default
EVERYTHING: Tree = {
    "model": {"revision": "0123abc", "contextTokens": 32768, "trustRemoteCode": True},
    "roles": {"server": {"parallelism": {"tensor": 4}, "engine": {"maxNumSeqs": 8}}},
    "engine": {
        "mode": "echo",
        "startupSeconds": 75,
        "timeToFirstTokenMs": 250,
        "interTokenLatencyMs": 20,
        "timeFactorUnderLoad": 1.5,
    },
    "security": {"apiKey": {"secret": "clients"}, "token": {"secret": "hub"}},
}


def recipe(engine: Engine, scaling: Scaling) -> Recipe:
    return Recipe(engine, Stack.KUBERNETES, Topology.AGGREGATED, scaling)


@functools.cache
def chart() -> Chart:
    return build(recipe(Engine.SIMULATOR, Scaling.FIXED), {}, "0.10.2")


def pod(over: Tree) -> Tree:
    point = recipe(Engine.SIMULATOR, Scaling.FIXED)
    values = merge(merge(schema.defaults(recipes.values_type(point)), minimal(point)), over)
    deployment = next(part.manifest for part in chart().skeleton if part.manifest["kind"] == "Deployment")
    spec: Tree = expand(deployment, values, "team").data["spec"]["template"]["spec"]
    return spec


def container(over: Tree) -> Tree:
    only: Tree = pod(over)["containers"][0]
    return only


def alike(part: Template) -> Tree:
    """Take away what may differ. Image and GPU are the same references in both skeletons: only values differ."""
    manifest = part.manifest
    if manifest["kind"] == "Deployment":
        (engine,) = manifest["spec"]["template"]["spec"]["containers"]
        del engine["args"]
        for probe in ("startupProbe", "readinessProbe"):
            del engine[probe]["httpGet"]["path"]
    return manifest


@pytest.mark.parametrize("scaling", Scaling, ids=lambda scaling: scaling.value)
def test_its_objects_equal_those_of_vllm_but_for_image_gpu_flags_and_readiness(scaling: Scaling) -> None:
    own, theirs = (build(recipe(engine, scaling), {}, "0") for engine in (Engine.SIMULATOR, Engine.VLLM))
    assert [(part.file, part.condition) for part in own.skeleton] == [
        (part.file, part.condition) for part in theirs.skeleton
    ]
    assert [alike(part) for part in own.skeleton] == [alike(part) for part in theirs.skeleton]


def test_its_series_are_those_of_vllm() -> None:
    vllm = recipes.ENGINES[Engine.VLLM].RUNTIME
    assert vllm.metrics == simulator.RUNTIME.metrics
    assert FACTS.metric(vllm.metrics.running) is not None
    assert FACTS.metric(vllm.metrics.waiting) is not None


@pytest.mark.parametrize("over", [{}, EVERYTHING], ids=["minimal", "everything"])
def test_the_release_takes_every_argument(over: Tree) -> None:
    assert check_arguments(FACTS, container(over)["args"]) == []


@pytest.mark.parametrize("over", [{}, EVERYTHING], ids=["minimal", "everything"])
def test_no_variable_is_a_misspelt_one_of_the_simulator(over: Tree) -> None:
    assert check_environment(FACTS, [entry["name"] for entry in container(over)["env"]]) == []


def test_times_carry_their_units() -> None:
    args = container(EVERYTHING)["args"]
    given = {flag: args[args.index(flag) + 1] for flag in args if flag.endswith(("-duration", "-token", "-latency"))}
    assert given == {
        "--startup-duration": "75s",
        "--time-to-first-token": "250ms",
        "--inter-token-latency": "20ms",
    }


def test_it_never_asks_the_hub() -> None:
    assert "--force-dummy-tokenizer" in container({})["args"]


def test_a_replica_of_several_ranks_answers_on_one_port() -> None:
    args = container({"roles": {"server": {"parallelism": {"data": 4}}}})["args"]
    assert "--data-parallel-size" not in args


def test_it_runs_without_a_gpu() -> None:
    assert set(container({})["resources"]["limits"]) == {"memory"}


def test_it_runs_as_the_user_of_its_image() -> None:
    runtime = simulator.RUNTIME
    assert (runtime.user, runtime.group) == (65532, 65532)


@pytest.mark.parametrize("mode", typing.get_args(typing.get_type_hints(simulator.Options)["mode"]))
def test_every_mode_is_told_to_the_release(mode: str) -> None:
    args = container({"engine": {"mode": mode}})["args"]
    assert args[args.index("--mode") + 1] == mode


def test_only_one_pod_a_replica_becomes_a_chart() -> None:
    own = {found for found in recipes.charts() if found.engine is Engine.SIMULATOR}
    assert own == {recipe(Engine.SIMULATOR, scaling) for scaling in Scaling}


@pytest.mark.parametrize("row", simulator.REFUSALS, ids=lambda row: row.topology.value)
def test_a_refusal_is_one_sentence_with_a_source(row: Refusal) -> None:
    assert row.engine is Engine.SIMULATOR
    assert row.source
    assert row.reason
    assert ". " not in row.reason
