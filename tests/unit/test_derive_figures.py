"""Derived figures: each rule on numbers, and that a layer that sets a figure wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from generator import recipes
from generator.errors import Problem
from generator.model.axes import Task
from generator.resolve.context import Context
from generator.resolve.derive import FIGURES, cache, memory, shared_memory, timing
from generator.resolve.release import context_of, resolve
from generator.sources.load import Sources, load
from generator.values.schema import fields

BASE = Path(__file__).parents[1] / "catalogs" / "base"
GIB_OF_BIG = 600e9 / 2**30
replace = msgspec.structs.replace
TIMES = {"timing": {"scheduleSeconds": 1200, "startupSeconds": 960, "drainSeconds": 1680}}


@pytest.fixture(scope="module")
def small() -> Sources:
    found, problems = load(BASE)
    assert not problems
    return found


@pytest.fixture
def big(small: Sources) -> Context:
    return made(context_of(small, "prod", "big"))


@pytest.fixture
def tiny(small: Sources) -> Context:
    return made(context_of(small, "dev", "tiny"))


def made(context: Context | Problem) -> Context:
    assert isinstance(context, Context), context
    return context


def values(gpus: int = 4, shared: str = "16Gi", **more: Any) -> dict[str, Any]:
    role = {"accelerator": {"count": gpus}, "sharedMemory": shared, "engine": {"kvOffloadGib": 0}}
    return {"roles": {"prefill": role, "server": role}, "model": {"contextTokens": 4096}, **more}


def test_the_cache_holds_the_weights_with_room_in_whole_tens(big: Context) -> None:
    assert big.weights_gib == pytest.approx(GIB_OF_BIG)
    assert cache.size(big, values(), "") == "690Gi"


def test_a_model_without_weights_gets_the_floor(tiny: Context) -> None:
    assert cache.size(tiny, values(), "") == "10Gi"


@pytest.mark.parametrize(("gpus", "offload", "size"), [(0, 0, "64Mi"), (1, 0, "2Gi"), (8, 0, "16Gi"), (2, 40, "56Gi")])
def test_shared_memory_follows_gpus_and_offload(big: Context, gpus: int, offload: int, size: str) -> None:
    found = values(gpus)
    found["roles"]["prefill"]["engine"] = {"kvOffloadGib": offload}
    assert shared_memory.size(big, found, "prefill") == size


def test_memory_counts_weights_base_gpus_and_shared_memory(big: Context) -> None:
    assert memory.limit(big, values(4, "16Gi"), "prefill") == f"{559 + 8 + 4 * 4 + 16}Gi"


def test_a_pod_of_several_takes_its_share_of_the_weights(small: Sources) -> None:
    environments = small.environments
    release = environments["prod"].releases["big"]
    other = replace(release, value=replace(release.value, variant="nodes"))
    changed = replace(environments["prod"], releases={"big": other})
    context = made(context_of(replace(small, environments={"prod": changed}), "prod", "big"))
    assert memory.limit(context, values(8, "16Gi"), "server") == f"{140 + 8 + 4 * 8 + 16}Gi"


def test_a_pod_without_gpus_is_light(tiny: Context) -> None:
    assert (memory.cpu(tiny, values(0), "server"), memory.limit(tiny, values(0), "server")) == ("500m", "1Gi")


def test_cpus_follow_gpus(big: Context) -> None:
    assert memory.cpu(big, values(8), "prefill") == "20"


def test_the_start_counts_download_reading_and_warm_up_in_whole_minutes(big: Context) -> None:
    mib = GIB_OF_BIG * 1024
    seconds = (mib / 200 + mib / 1000 + 600) * 1.5
    assert timing.startup(big, values(), "") == 6060 >= seconds > 6000


def test_what_loads_no_weights_starts_soon(tiny: Context) -> None:
    assert timing.startup(tiny, values(), "") == 120


@pytest.mark.parametrize(("tokens", "seconds"), [(4096, 300), (32768, 1680), (10**6, 1680), (0, 1680)])
def test_the_longest_answer_follows_the_context(big: Context, tokens: int, seconds: int) -> None:
    free = replace(big, longest_drain_seconds=0)
    assert timing.drain(free, values() | {"model": {"contextTokens": tokens}}, "") == seconds


def test_a_program_that_always_waits_its_whole_drain_gets_a_short_one(big: Context) -> None:
    capped = replace(big, longest_drain_seconds=300)
    found = values() | {"model": {"contextTokens": 32768}}
    assert timing.drain(capped, found, "") == 300
    assert timing.request(capped, found | TIMES, "") == 1680


def test_only_chat_answers_are_long(big: Context) -> None:
    model = big.model.value
    other = replace(model, capabilities=replace(model.capabilities, task=Task.EMBEDDING))
    context = replace(big, model=replace(big.model, value=other))
    assert timing.drain(context, values() | {"model": {"contextTokens": 32768}}, "") == 300


def test_a_client_waits_as_long_as_a_pod_drains(big: Context) -> None:
    assert timing.request(big, values() | TIMES, "") == 1680


def test_a_held_request_outlasts_the_start_of_its_model(big: Context) -> None:
    assert timing.request(replace(big, holds_requests=True), values() | TIMES, "") == 1200 + 960 + 1680


def test_a_layer_that_sets_a_figure_wins_and_later_figures_follow_it(big: Context) -> None:
    release = replace(big.release, value=replace(big.release.value, values={"timing": {"drainSeconds": 900}}))
    found, problems = resolve(replace(big, release=release))
    assert found is not None and not problems
    assert found.values["route"]["requestSeconds"] == 900


@pytest.mark.parametrize("recipe", recipes.charts(), ids=lambda recipe: recipe.chart)
def test_every_figure_is_a_field_marked_so_and_every_such_field_has_its_figure(recipe: Any) -> None:
    roles = recipes.TOPOLOGIES[recipe.topology].ROLES
    marked = {field.path for field in fields(recipes.values_type(recipe)) if field.derived}
    ruled = {tuple(role if key == "*" else key for key in figure.path) for figure in FIGURES for role in roles}
    # the cache's size is required of a person and derived by us: it needs no safe constant
    assert ruled - {("cache", "size")} == marked


def test_a_figure_reads_only_what_comes_before_it() -> None:
    order = [figure.path for figure in FIGURES]
    assert order.index(("roles", "*", "sharedMemory")) < order.index(("roles", "*", "resources", "memory"))
    assert order.index(("timing", "drainSeconds")) < order.index(("route", "requestSeconds"))
