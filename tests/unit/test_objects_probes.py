"""When a kubelet sees that an engine has started, and how long it waits for that, in every release that is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator import recipes
from generator.charts.build import build, minimal
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology
from generator.template.expand import expand
from generator.values import schema
from generator.values.tree import merge
from tests.support.scopes import scopes

# what a started engine may stay unseen; a request can be held for it
SEEN_WITHIN_S = 2


def engines() -> Iterator[tuple[str, dict[str, Any], int]]:
    """Every engine that serves: where, its startup probe, and the budget that its values give it."""
    for key, scope in scopes().items():
        for pod, _, container, _ in scope.programs:
            if scope.role(pod) and "startupProbe" in container:
                yield key, container["startupProbe"], scope.resolved.values["timing"]["startupSeconds"]


def test_an_engine_is_seen_soon_after_its_start() -> None:
    found = list(engines())
    assert len(found) > 50
    assert [key for key, probe, _ in found if probe["periodSeconds"] > SEEN_WITHIN_S] == []


def test_a_start_has_its_whole_budget_and_no_more() -> None:
    for key, probe, budget in engines():
        assert probe["periodSeconds"] * probe["failureThreshold"] == budget, key
        # an attempt that hangs takes no longer than its turn
        assert probe["timeoutSeconds"] <= probe["periodSeconds"], key


def test_a_budget_that_is_no_whole_number_of_looks_is_rounded_up() -> None:
    recipe = Recipe(Engine.SIMULATOR, Stack.KUBERNETES, Topology.AGGREGATED, Scaling.ZERO)
    skeleton = build(recipe, {}, "0.10.2").skeleton
    deployment = next(part.manifest for part in skeleton if part.manifest["kind"] == "Deployment")
    values = merge(schema.defaults(recipes.values_type(recipe)), minimal(recipe))
    pod = expand(deployment, merge(values, {"timing": {"startupSeconds": 95}}), "team").data["spec"]["template"]["spec"]
    assert pod["containers"][0]["startupProbe"]["failureThreshold"] == 48
