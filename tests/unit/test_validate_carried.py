"""The engine versions that a stack's release is said to carry, against what its publisher says."""

from __future__ import annotations

import msgspec
import pytest

from generator.errors import Problem, Severity
from generator.facts import known
from generator.facts.canonical import decode
from generator.facts.carried import CARRIERS, Carrier, carrier
from generator.facts.store import FOLDER
from generator.model.axes import Stack
from generator.sources.load import Sourced, Sources
from generator.validate.carried import check
from tests.support.scopes import sources


def with_release(**changes: object) -> Sources:
    """The repository as if Dynamo's first release were described otherwise."""
    source = sources().stacks[Stack.DYNAMO]
    first, *rest = source.value.releases
    stack = msgspec.structs.replace(source.value, releases=[msgspec.structs.replace(first, **changes), *rest])
    stacks = {**sources().stacks, Stack.DYNAMO: Sourced(stack, source.document)}
    return msgspec.structs.replace(sources(), stacks=stacks)


def found(**changes: object) -> list[Problem]:
    return list(check(with_release(**changes)))


def test_the_catalog_passes() -> None:
    assert list(check(sources())) == []


def test_another_version_than_the_one_inside_is_refused_where_it_stands() -> None:
    (problem,) = found(engines={"vllm": "0.33.0", "sglang": "0.5.21"})
    assert problem.message == "dynamo 1.6.1 carries vllm 0.31.0, not 0.33.0"
    assert problem.hint == "write 0.31.0 (the extras in the metadata of the wheel ai-dynamo 1.6.1)"
    assert (problem.location.file, problem.path) == ("catalog/stacks/dynamo.yaml", "releases[0].engines.vllm")
    assert problem.severity is Severity.ERROR


def test_an_engine_that_is_not_inside_is_refused() -> None:
    (problem,) = found(engines={"simulator": "0.10.2"})
    assert problem.message == "dynamo 1.6.1 carries no simulator"
    assert problem.hint.startswith("it carries vllm 0.31.0, sglang 0.5.21, tensorrt-llm 1.3.0rc29 (")


def test_a_release_that_nobody_has_read_is_a_warning() -> None:
    (problem,) = found(version="9.9.9", engines={"vllm": "0.31.0"})
    assert problem.severity is Severity.WARNING
    assert problem.message.startswith("which vllm dynamo 9.9.9 carries was not read")


@pytest.mark.parametrize("row", CARRIERS, ids=lambda row: f"{row.program}-{row.release}")
def test_every_carried_engine_has_facts_of_that_very_release(row: Carrier) -> None:
    assert all(version in known(engine) for engine, version in row.engines.items())


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_facts_of_a_worker_include_the_release_that_it_carries(engine: str) -> None:
    (include,) = decode((FOLDER / f"dynamo-{engine}" / "1.6.1.json").read_bytes()).includes
    row = carrier("dynamo", "1.6.1")
    assert row is not None and (include.engine, include.version) == (engine, row.engines[engine])
