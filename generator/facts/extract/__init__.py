"""Reads facts out of released packages: one file per engine, one line per engine in the registry."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from generator.errors import Location, Problem, ProblemsFound, nearest
from generator.facts.extract import (
    aiperf,
    dynamo,
    lmcache,
    reference,
    sglang,
    sglang_router,
    simulator,
    truss,
    vllm,
    vllm_router,
)
from generator.facts.model import Facts

EXTRACTORS: dict[str, Callable[[str, Path], Facts]] = {
    "aiperf": aiperf.extract,
    "dynamo-frontend": dynamo.frontend,
    "dynamo-sglang": dynamo.sglang_worker,
    "dynamo-vllm": dynamo.vllm_worker,
    "lmcache": lmcache.extract,
    "sglang": sglang.extract,
    "sglang-router": sglang_router.extract,
    "simulator": simulator.extract,
    "tensorrt-llm": reference.of("tensorrt-llm"),
    "tensorrt-llm-disaggregated": reference.of("tensorrt-llm-disaggregated"),
    "triton": reference.of("triton"),
    "triton-openai": reference.of("triton-openai"),
    "truss": truss.extract,
    "vllm": vllm.extract,
    "vllm-router": vllm_router.extract,
}


def extract(engine: str, version: str) -> Facts:
    """Download a release into a temporary folder and read its facts."""
    if engine not in EXTRACTORS:
        raise ProblemsFound((_unknown(engine),))
    with tempfile.TemporaryDirectory(prefix="modelyard-facts-") as work:
        return EXTRACTORS[engine](version, Path(work))


def _unknown(engine: str) -> Problem:
    near = nearest(engine, EXTRACTORS)
    return Problem(
        location=Location("generator/facts/extract"),
        path="",
        message=f"no facts can be extracted for {engine!r}",
        hint=(f"did you mean {near!r}? " if near else "") + f"Engines: {', '.join(EXTRACTORS)}",
        check="facts",
    )
