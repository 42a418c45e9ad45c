"""Whether pools and quotas hold what runs in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from generator.sources.environment import Environment, Namespace, Pool, Quota
from generator.validate import capacity, quotas
from generator.validate.claims import claims_of
from generator.validate.scope import ReleaseScope
from tests.support.scopes import (
    GRAPH,
    GROUP,
    PAIR,
    PLAIN,
    REMOVED,
    ZERO,
    changed,
    environment,
    facts_of,
    overridden,
    scopes,
)


def pool_of(key: str) -> str:
    return scopes()[key].resolved.context.roles[0].pool_name


def with_pool(name: str, **changes: Any) -> Environment:
    """Staging with one pool changed."""
    pools: dict[str, Pool] = dict(facts_of("staging").pools)
    return facts_of("staging", pools={**pools, name: msgspec.structs.replace(pools[name], **changes)})


def with_replicas(key: str, count: int) -> ReleaseScope:
    return changed(scopes()[key], "scaledobject-server.yaml", ("spec", "minReplicaCount"), count)


def claimed(scope: ReleaseScope) -> list[tuple[str, int, int]]:
    return [(claim.pod.component, claim.pods, claim.gpus) for claim in claims_of(scope)]


def test_a_release_claims_its_smallest_size() -> None:
    assert claimed(scopes()[PLAIN]) == [("server", 1, 1)]
    assert claimed(with_replicas(PLAIN, 3)) == [("server", 3, 3)]
    assert claimed(scopes()[ZERO]) == [("server", 0, 0)]


def test_a_group_claims_its_leader_and_its_followers() -> None:
    assert claimed(scopes()[GROUP]) == [("server", 1, 4), ("server", 1, 4)]
    path = ("spec", "replicas")
    assert claimed(changed(scopes()[GROUP], "leaderworkerset-server.yaml", path, 3)) == [
        ("server", 3, 12),
        ("server", 3, 12),
    ]


def test_a_pair_claims_both_pools_and_its_router() -> None:
    pods = {component: pods for component, pods, _ in claimed(scopes()[PAIR])}
    assert pods["router"] == 2 and {"prefill", "decode"} < set(pods)


def test_a_graph_claims_what_its_components_say() -> None:
    assert {component: pods for component, pods, _ in claimed(scopes()[GRAPH])} == {
        "frontend": 2,
        "prefill": 1,
        "decode": 1,
    }


def test_a_pool_that_is_too_small_names_who_holds_it() -> None:
    name = pool_of(PLAIN)
    whole = environment("staging", with_replicas(PLAIN, 9), facts=with_pool(name, nodes=1))
    (problem,) = capacity.check(whole)
    assert problem.path == f"pools.{name}.nodes"
    assert problem.message == "9 GPUs are needed at least; 1 nodes of 8 have 8"
    assert problem.hint.startswith("held by llama-8b 9: ")
    assert not list(capacity.check(environment("staging", with_replicas(PLAIN, 8), facts=with_pool(name, nodes=1))))


def test_pods_that_do_not_share_a_node_need_nodes_of_their_own() -> None:
    name = pool_of(PLAIN)
    five = changed(
        with_replicas(PLAIN, 2),
        "deployment-server.yaml",
        ("spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"),
        "5",
    )
    (problem,) = capacity.check(environment("staging", five, facts=with_pool(name, nodes=1, gpus_per_node=8)))
    assert problem.message.startswith("10 GPUs are needed at least")
    assert not list(capacity.check(environment("staging", five, facts=with_pool(name, nodes=2, gpus_per_node=6))))


def test_enough_gpus_on_nodes_that_are_too_small_are_not_enough() -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu")
    three = changed(with_replicas(PLAIN, 3), "deployment-server.yaml", path, "3")
    facts = with_pool(pool_of(PLAIN), nodes=2, gpus_per_node=5)
    (problem,) = capacity.check(environment("staging", three, facts=facts))
    assert problem.message == "9 GPUs are needed at least, in pods that do not share its nodes; 2 nodes of 5 have 10"


def test_a_surge_without_a_spare_gpu_names_who_holds_them() -> None:
    name = pool_of(PLAIN)
    surging = overridden(PLAIN, "rollout: surge")
    other = with_replicas(PLAIN, 3)
    facts = with_pool(name, nodes=1, gpus_per_node=4)
    (problem,) = capacity.check(environment("staging", surging, renamed(other, "neighbour"), facts=facts))
    assert problem.message == (
        f"a surge needs 1 more pod of 1 GPUs, and pool {name} has no room: 4 of 4 are held, the release's own 1 too"
    )
    assert problem.hint.startswith("held by neighbour 3: set rollout: in-place")
    assert problem.location == surging.resolved.context.release.document.locate(("values", "rollout"))


def renamed(scope: ReleaseScope, name: str) -> ReleaseScope:
    """Copy a release under another name; the objects stay."""
    context = msgspec.structs.replace(scope.resolved.context, name=name)
    return ReleaseScope(msgspec.structs.replace(scope.resolved, context=context), scope.chart, scope.objects)


def test_a_surge_with_a_spare_gpu_is_fine() -> None:
    surging = overridden(PLAIN, "rollout: surge")
    facts = with_pool(pool_of(PLAIN), nodes=1, gpus_per_node=2)
    assert not list(capacity.check(environment("staging", surging, facts=facts)))


def test_a_deployment_without_a_strategy_surges() -> None:
    silent = changed(scopes()[PLAIN], "deployment-server.yaml", ("spec", "strategy"), REMOVED)
    facts = with_pool(pool_of(PLAIN), nodes=1, gpus_per_node=1)
    (problem,) = capacity.check(environment("staging", silent, facts=facts))
    assert problem.hint.startswith("held by nobody else: ")


def test_one_that_ends_before_it_starts_needs_no_spare_gpu() -> None:
    facts = with_pool(pool_of(PLAIN), nodes=1, gpus_per_node=1)
    for rollout in ("in-place", "recreate"):
        scope = overridden(PLAIN, f"rollout: {rollout}")
        assert not list(capacity.check(environment("staging", scope, facts=facts)))


@pytest.mark.parametrize(
    ("quota", "message"),
    [
        (Quota(gpus=2), "the releases of assistants need 3 at least, and the quota is 2"),
        (Quota(pods=2), "the releases of assistants need 3 at least, and the quota is 2"),
        (Quota(cpu="17"), "the releases of assistants need 18 at least, and the quota is 17"),
        (Quota(memory="32Gi"), "Gi at least, and the quota is 32Gi"),
    ],
)
def test_a_quota_that_is_too_small_is_refused(quota: Quota, message: str) -> None:
    facts = facts_of("staging", namespaces={"assistants": Namespace(team="a", quota=quota)})
    (problem,) = quotas.check(environment("staging", with_replicas(PLAIN, 3), facts=facts))
    assert problem.message.endswith(message)
    assert "largest: llama-8b" in problem.hint
    assert problem.path.startswith("namespaces.assistants.quota.")


def test_a_quota_that_is_just_enough_passes() -> None:
    quota = Quota(gpus=3, pods=3, cpu="18")
    facts = facts_of("staging", namespaces={"assistants": Namespace(team="a", quota=quota)})
    assert not list(quotas.check(environment("staging", with_replicas(PLAIN, 3), facts=facts)))


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_real_environments_pass(name: str) -> None:
    assert not list(capacity.check(environment(name)))
    assert not list(quotas.check(environment(name)))
