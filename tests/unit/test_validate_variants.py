"""Variants that no release runs, against the engine that they name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from generator.errors import Problem, Severity
from generator.facts import load
from generator.model.axes import Stack
from generator.sources.catalog import Parsers
from generator.sources.load import Sourced, Sources
from generator.validate.variants import check
from tests.support.scopes import sources

MODEL = "minimax-m3"


def catalog(**changes: Any) -> Sources:
    """The real catalog with one model changed: it runs on the simulator only."""
    known = sources()
    source = known.models[MODEL]
    model = Sourced(msgspec.structs.replace(source.value, **changes), source.document)
    return msgspec.structs.replace(known, models={**known.models, MODEL: model})


def of_architecture(**changes: Any) -> Sources:
    architecture = sources().models[MODEL].value.architecture
    return catalog(architecture=msgspec.structs.replace(architecture, **changes))


def of_variant(name: str, **changes: Any) -> Sources:
    variants = sources().models[MODEL].value.variants
    return catalog(variants={**variants, name: msgspec.structs.replace(variants[name], **changes)})


def found(known: Sources) -> Problem:
    (problem,) = besides_classes(known)
    return problem


def besides_classes(known: Sources) -> list[Problem]:
    """What is said but for the classes that nobody read."""
    return [problem for problem in check(known) if problem.path != "architecture"]


def test_the_real_catalog_passes_but_for_classes_that_nobody_read() -> None:
    (problem,) = check(sources())
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith(
        "of 5 models nobody said the class, so no engine was asked for it: lfm2-5-1-2b-instruct, "
    )
    assert (problem.location.file, problem.path) == ("catalog/models/lfm2-5-1-2b-instruct.yaml", "architecture")


def test_a_class_that_the_engine_lacks_is_found_though_no_release_loads_it() -> None:
    problem = found(of_architecture(name="MiniMaxM3ForCausalLM"))
    assert problem.message == (
        "vllm 0.33.0 knows no architecture MiniMaxM3ForCausalLM (variants h200, gb200-nvfp4, gb200-multinode)"
    )
    assert " or MiniMaxM3SparseForCausalLM" in problem.hint
    assert problem.location.file == "catalog/models/minimax-m3.yaml" and problem.path == "architecture.name"


def test_code_that_comes_with_the_weights_may_bring_the_class() -> None:
    architecture = msgspec.structs.replace(sources().models[MODEL].value.architecture, name="NoSuchForCausalLM")
    assert found(catalog(architecture=architecture, trust_remote_code=True)).severity is Severity.WARNING


def test_a_class_that_nobody_read_is_said_once_for_all_models() -> None:
    (problem,) = check(of_architecture(name=None))
    assert "of 6 models" in problem.message and f", {MODEL}, " in problem.message


def test_a_release_before_the_class_is_found() -> None:
    newer = set(load("vllm", "0.33.0").registry("architectures")) - set(
        load("vllm", "0.31.0").registry("architectures")
    )
    known = of_architecture(name=min(newer))
    model = known.models[MODEL].value
    variants = {**model.variants, "h200": msgspec.structs.replace(model.variants["h200"], engine_version="0.31.0")}
    problem = found(catalog(architecture=model.architecture, variants=variants))
    assert problem.message == f"vllm 0.31.0 knows no architecture {min(newer)} (variants h200)"


@pytest.mark.parametrize(("engine", "version"), [("vllm", "0.33.0"), ("sglang", "0.5.23")])
@pytest.mark.parametrize("field", ["tool", "reasoning"])
def test_a_parser_that_the_engine_lacks_is_found(engine: str, version: str, field: str) -> None:
    parsers = sources().models[MODEL].value.parsers
    wrong = msgspec.structs.replace(parsers[engine], **{field: "minimax_m4"})
    problem = found(catalog(parsers={**parsers, engine: wrong}))
    assert problem.message == f"{engine} {version} has no {field} parser minimax_m4"
    assert "minimax" in problem.hint
    assert problem.path == f"parsers.{engine}.{field}"


def on_dynamo(**parsers: Parsers) -> Sources:
    """The model with one variant more, on Dynamo, which no release runs."""
    model = sources().models[MODEL].value
    variant = msgspec.structs.replace(model.variants["h200"], stack=Stack.DYNAMO)
    return catalog(variants={**model.variants, "dynamo": variant}, parsers=parsers)


def test_a_parser_that_dynamo_lacks_is_found_by_the_name_that_dynamo_gets() -> None:
    own = found(on_dynamo(vllm=Parsers(tool="openai"), dynamo=Parsers(tool="harmonie")))
    assert own.message == "dynamo-vllm 1.6.1 has no tool parser harmonie"
    assert (own.path, own.hint) == ("parsers.dynamo.tool", "did you mean harmony?")
    of_engine = found(on_dynamo(vllm=Parsers(tool="openai")))
    assert of_engine.message == "dynamo-vllm 1.6.1 has no tool parser openai"
    assert of_engine.path == "parsers.vllm.tool"


def test_a_parser_that_dynamo_has_by_another_name_is_taken() -> None:
    assert not besides_classes(on_dynamo(vllm=Parsers(tool="openai"), dynamo=Parsers(tool="harmony")))


def test_more_context_than_the_checkpoint_has_is_found_unless_it_is_stretched() -> None:
    problem = found(of_variant("h200", context_tokens=2097152))
    assert problem.message.startswith("a context of 2097152 tokens is asked of a checkpoint that has 1048576")
    stretched = {"roles": {"server": {"extraArgs": ["--hf-overrides", "{}"]}}}
    assert not besides_classes(of_variant("h200", context_tokens=2097152, values=stretched))


def test_a_precision_that_the_gpu_does_not_compute_is_found() -> None:
    nvfp4 = sources().models[MODEL].value.variants["gb200-nvfp4"].checkpoint
    problem = found(of_variant("h200", checkpoint=nvfp4))
    assert problem.message == "the weights are nvfp4, which NVIDIA H200 141GB SXM (sm 90) does not compute"
    assert problem.path == "variants.h200.roles.server.accelerator"
