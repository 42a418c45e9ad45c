"""Whether a model fits its GPUs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.resolve.context import Context
from generator.sources.catalog import Accelerator
from generator.sources.load import Sourced
from generator.validate.fit import check, load_of
from generator.validate.scope import ReleaseScope
from tests.support.scopes import GRAPH, GROUP, PLAIN, SGLANG, found, in_context, overridden, scopes, sources, texts

LLAMA = "prod/llama-8b"


def on(scope: ReleaseScope, accelerator: str, **changes: Any) -> ReleaseScope:
    """Copy a release as if every role ran on another GPU."""
    gpu: Accelerator = sources().accelerators.value.accelerators[accelerator]
    roles = tuple(
        msgspec.structs.replace(role, accelerator=gpu, pool=msgspec.structs.replace(role.pool, **changes))
        for role in scope.resolved.context.roles
        if role.pool is not None
    )
    return in_context(scope, roles=roles)


def with_values(scope: ReleaseScope, **model: Any) -> ReleaseScope:
    values = {**scope.resolved.values, "model": {**scope.resolved.values["model"], **model}}
    return ReleaseScope(msgspec.structs.replace(scope.resolved, values=values), scope.chart, scope.objects)


def with_split(scope: ReleaseScope, **split: int) -> ReleaseScope:
    role = scope.resolved.values["roles"]["server"]
    changed = {**role, "parallelism": {**role["parallelism"], **split}}
    values = {**scope.resolved.values, "roles": {"server": changed}}
    return ReleaseScope(msgspec.structs.replace(scope.resolved, values=values), scope.chart, scope.objects)


def with_image(context: Context, **changes: Any) -> dict[str, Any]:
    """The engine's file with every image changed."""
    releases = [
        msgspec.structs.replace(
            release, images={name: msgspec.structs.replace(i, **changes) for name, i in release.images.items()}
        )
        for release in context.engine.value.releases
    ]
    file = msgspec.structs.replace(context.engine.value, releases=releases)
    return {"engine": Sourced(file, context.engine.document)}


def test_a_refusal_shows_what_is_needed_and_what_is_there_and_the_longest_context_that_fits() -> None:
    (problem,) = found(check, on(scopes()[LLAMA], "l4"))
    assert "tokens needs" in problem.message and "GiB on each NVIDIA L4 (weights 15.0" in problem.message
    assert "the engine has 20.7 GiB there (22.5 x 0.92)" in problem.message
    tokens = int(problem.hint.split(" to ")[1].split(" ")[0])
    assert 8192 < tokens < 29000
    assert not texts(check, on(with_values(scopes()[LLAMA], contextTokens=tokens), "l4"))
    assert texts(check, on(with_values(scopes()[LLAMA], contextTokens=tokens + 2048), "l4"))


def test_a_refusal_names_the_next_size_that_fits() -> None:
    (problem,) = found(check, on(scopes()[LLAMA], "l4"))
    assert "(tensor: 2)" in problem.hint


def test_weights_that_never_fit_get_no_smaller_context() -> None:
    (problem,) = found(check, on(scopes()["prod/llama-70b"], "a10"))
    assert "contextTokens" not in problem.hint


def test_the_problem_stands_where_the_context_was_set() -> None:
    scope = overridden("staging/llama-8b", "roles:\n  server:\n    engine:\n      gpuMemoryUtilization: 0.2")
    (problem,) = found(check, scope)
    assert problem.location.file == "catalog/models/llama-3-1-8b-instruct.yaml"


@given(st.lists(st.integers(1024, 131072), min_size=2, max_size=2).map(sorted))
def test_a_shorter_context_fits_wherever_a_longer_one_does(lengths: list[int]) -> None:
    scope = on(scopes()[LLAMA], "l4")
    attention = scope.resolved.context.model.value.architecture.attention
    assert attention is not None
    load = load_of(scope, scope.resolved.context.roles[0], attention)
    assert load is not None
    shorter, longer = (load.fit(length, 1).fits for length in lengths)
    assert shorter or not longer


@pytest.mark.parametrize("batch", [2048, 16384])
def test_the_batch_takes_part_in_the_figure(batch: int) -> None:
    scope = overridden(PLAIN, f"roles:\n  server:\n    engine:\n      maxNumBatchedTokens: {batch}")
    attention = scope.resolved.context.model.value.architecture.attention
    assert attention is not None
    load = load_of(scope, scope.resolved.context.roles[0], attention)
    assert load is not None and load.overhead_gib == pytest.approx(1.5 + batch / 4096)


def test_a_small_cache_type_halves_the_cache() -> None:
    attention = scopes()[PLAIN].resolved.context.model.value.architecture.attention
    assert attention is not None
    role = scopes()[PLAIN].resolved.context.roles[0]
    plain = load_of(scopes()[PLAIN], role, attention)
    small = load_of(overridden(PLAIN, "engine:\n  kvCacheDtype: fp8"), role, attention)
    assert plain is not None and small is not None
    assert small.fit(8192, 1).sequence_gib == pytest.approx(plain.fit(8192, 1).sequence_gib / 2)


def test_a_static_share_leaves_the_activations_out() -> None:
    scope = overridden(SGLANG, "roles:\n  server:\n    engine:\n      memFractionStatic: 0.85")
    attention = scope.resolved.context.model.value.architecture.attention
    assert attention is not None
    load = load_of(scope, scope.resolved.context.roles[0], attention)
    assert load is not None and (load.share, load.overhead_gib) == (0.85, 0.0)


def test_tensor_parallelism_must_divide_the_heads() -> None:
    (problem, *_) = found(check, with_split(scopes()[LLAMA], tensor=3))
    assert problem.message == "tensor 3 does not divide the model's 32 heads and 8 KV heads"
    assert problem.hint == "set tensor to one of 1, 2, 4, 8, 16, 32"


def test_weights_in_fp8_need_a_gpu_that_computes_it() -> None:
    messages = texts(check, on(scopes()[GROUP], "a100-80gb-sxm"))
    assert "the weights are fp8, which NVIDIA A100 80GB SXM4 (sm 80) does not compute" in messages


def test_an_image_built_for_another_gpu_is_refused() -> None:
    scope = scopes()[LLAMA]
    context = scope.resolved.context
    assert not texts(check, in_context(scope, **with_image(context, compute_capabilities=[80, 90])))
    (message,) = texts(check, in_context(scope, **with_image(context, compute_capabilities=[100])))
    assert message.startswith("the image is built for sm 100, and NVIDIA H100") and message.endswith("is sm 90")


def test_an_image_that_needs_a_newer_driver_is_refused() -> None:
    (problem,) = found(check, on(scopes()[LLAMA], "h100-80gb-sxm", driver="570.86"))
    assert problem.message == "the image needs CUDA 13.0, and pool h100 has driver 570.86"
    assert problem.hint == "choose a build for an older CUDA, or a driver from R580 on"
    assert problem.location.file == "catalog/engines/vllm.yaml"


def test_real_releases_fit() -> None:
    assert scopes()[GRAPH].resolved.context.roles
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
