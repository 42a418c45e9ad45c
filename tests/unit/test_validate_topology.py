"""Pods where they can run, with as many GPUs as the engine was told to use."""

from __future__ import annotations

import msgspec
import pytest

from generator.objects.pod import PRODUCT
from generator.resolve.platform import CLIQUE
from generator.sources.environment import Pool, Taint
from generator.validate.scope import ReleaseScope
from generator.validate.topology import ARCHITECTURE, EXCLUSIVE, check
from tests.support.scopes import (
    GRAPH,
    GROUP,
    PAIR,
    PLAIN,
    REMOVED,
    changed,
    facts_of,
    found,
    in_environment,
    overridden,
    scopes,
    texts,
)

GROUP_FILE = "leaderworkerset-server.yaml"
SIZE = ("spec", "leaderWorkerTemplate", "size")
SELECTOR = ("spec", "template", "spec", "nodeSelector")


def pool(environment: str, name: str, **changes: object) -> dict[str, Pool]:
    """An environment's pools with one of them changed."""
    pools = dict(facts_of(environment).pools)
    return {**pools, name: msgspec.structs.replace(pools[name], **changes)}


def test_a_group_has_as_many_gpus_as_the_engine_splits_over() -> None:
    (problem, *more) = found(check, changed(scopes()[GROUP], GROUP_FILE, SIZE, 3))
    assert problem.message == "tensor 8 x pipeline 1 x data 1 = 8 GPUs, and a replica has 12 (3 x 4)"
    assert problem.location.file == "catalog/models/deepseek-r1-0528.yaml"
    assert {other.message for other in more} == {"the engine waits for 2 nodes, and a replica has 3 pods"}


def test_one_pod_has_as_many_gpus_as_the_engine_splits_over() -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu")
    assert texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, "2")) == [
        "tensor 1 x pipeline 1 x data 1 = 1 GPUs, and a replica has 2 (1 x 2)"
    ]


def test_a_component_of_several_nodes_counts_them() -> None:
    path = ("spec", "components", 1, "multinode")
    (message, *_) = texts(check, changed(scopes()[GRAPH], "dynamographdeployment.yaml", path, {"nodeCount": 2}))
    assert message.endswith("a replica has 2 (2 x 1)")


@pytest.mark.parametrize("value", [REMOVED, "topology.kubernetes.io/zone"])
def test_a_group_stays_in_one_nvlink_domain(value: object) -> None:
    path = ("metadata", "annotations", EXCLUSIVE)
    scope = changed(scopes()[GROUP], GROUP_FILE, path, value)
    (message, *_) = texts(check, scope)
    assert message.startswith("the pods of one replica may stand in several of the 16 NVLink domains of pool gb200")


def test_affinity_to_the_domain_does_as_well() -> None:
    scope = changed(scopes()[GROUP], GROUP_FILE, ("metadata", "annotations", EXCLUSIVE), REMOVED)
    for template in ("leaderTemplate", "workerTemplate"):
        path = ("spec", "leaderWorkerTemplate", template, "spec", "affinity", "podAffinity")
        terms = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": CLIQUE}]}
        scope = changed(scope, GROUP_FILE, path, terms)
    assert not texts(check, scope)


@pytest.mark.parametrize(
    ("key", "file", "path"),
    [
        (PLAIN, "deployment-server.yaml", SELECTOR),
        (PAIR, "deployment-router.yaml", SELECTOR),
        (GRAPH, "dynamographdeployment.yaml", ("spec", "components", 0, "podTemplate", "spec", "nodeSelector")),
    ],
)
def test_every_pod_selects_an_architecture(key: str, file: str, path: tuple[str | int, ...]) -> None:
    (message,) = texts(check, changed(scopes()[key], file, (*path, ARCHITECTURE), REMOVED))
    assert message.startswith("the pod may land on nodes of any architecture")


def test_an_image_is_built_for_the_nodes_that_the_pod_selects() -> None:
    (scope,) = (as_built_for(scopes()[GROUP], "amd64"),)
    messages = texts(check, scope)
    assert set(messages) == {"the image is built for amd64, and the pod asks for nodes of arm64"}


def as_built_for(scope: ReleaseScope, architecture: str) -> ReleaseScope:
    """Copy a release as if its engine's images were built for one architecture only."""
    engine = scope.resolved.context.engine
    releases = [
        msgspec.structs.replace(
            release,
            images={
                name: msgspec.structs.replace(image, architectures=[architecture])
                for name, image in release.images.items()
            },
        )
        for release in engine.value.releases
    ]
    value = msgspec.structs.replace(engine.value, releases=releases)
    context = msgspec.structs.replace(scope.resolved.context, engine=msgspec.structs.replace(engine, value=value))
    return ReleaseScope(msgspec.structs.replace(scope.resolved, context=context), scope.chart, scope.objects)


def test_a_pod_that_no_pool_takes_is_refused_with_the_reason_of_each() -> None:
    scope = changed(scopes()[PLAIN], "deployment-server.yaml", (*SELECTOR, "example.com/pool"), "h900")
    (message,) = texts(check, scope)
    assert message.startswith("no pool of staging takes the pod (h100: its nodes lack example.com/pool=h900; ")
    assert message.endswith("cpu: its nodes have 0 GPUs)")


def test_a_taint_that_nobody_tolerates_keeps_the_pod_out() -> None:
    name = scopes()[PLAIN].resolved.context.roles[0].pool_name
    taint = Taint(key="example.com/maintenance")
    (message,) = texts(check, in_environment(scopes()[PLAIN], pools=pool("staging", name, taints=[taint])))
    assert f"{name}: its taint example.com/maintenance is not tolerated" in message
    soft = Taint(key="example.com/maintenance", effect="PreferNoSchedule")
    assert not texts(check, in_environment(scopes()[PLAIN], pools=pool("staging", name, taints=[soft])))


def test_a_toleration_of_another_value_does_not_count() -> None:
    path = ("spec", "template", "spec", "tolerations")
    wrong = [{"key": "nvidia.com/gpu", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]
    assert "is not tolerated" in texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, wrong))[0]
    every = [{"operator": "Exists"}]
    assert not texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, every))


@pytest.mark.parametrize(
    ("resource", "amount", "message"),
    [
        (
            "nvidia.com/mig-1g.10gb",
            "1",
            "nvidia.com/mig-1g.10gb is a part of NVIDIA H100 80GB SXM5: memory was computed",
        ),
        (
            "nvidia.com/mig-1g.10gb",
            "2",
            "a model cannot span 2 slices: nvidia.com/mig-1g.10gb is a part of NVIDIA H100",
        ),
        ("nvidia.com/mig-1g.12gb", "1", "NVIDIA H100 80GB SXM5 has no slice 1g.12gb: it has 1g.10gb, 1g.10gb.me, "),
        ("nvidia.com/gpu.shared", "1", "nvidia.com/gpu.shared is a turn on NVIDIA H100 80GB SXM5 beside other pods"),
        ("amd.com/gpu", "1", "no node with NVIDIA H100 80GB SXM5 offers amd.com/gpu"),
    ],
)
def test_a_gpu_is_asked_for_whole_and_by_its_own_name(resource: str, amount: str, message: str) -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits")
    scope = changed(scopes()[PLAIN], "deployment-server.yaml", (*path, "nvidia.com/gpu"), REMOVED)
    problems = found(check, changed(scope, "deployment-server.yaml", (*path, resource), amount))
    (said,) = (problem for problem in problems if problem.message.startswith(message))
    assert said.hint == "ask for nvidia.com/gpu"


def test_a_slice_is_traced_to_the_line_that_names_it() -> None:
    scope = overridden(PLAIN, "roles:\n  server:\n    accelerator: {resource: nvidia.com/mig-1g.10gb}")
    problems = [problem for problem in found(check, scope) if "is a part of" in problem.message]
    assert [(problem.location.file, problem.hint) for problem in problems] == [
        ("environments/staging/releases/llama-8b.yaml", "ask for nvidia.com/gpu")
    ]


def test_a_role_without_a_gpu_asks_for_none() -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu")
    messages = texts(check, changed(scopes()["dev/llama-8b"], "deployment-server.yaml", path, "1"))
    assert "the role was sized without a GPU, and asks for nvidia.com/gpu" in messages


def test_a_resource_that_is_no_gpu_is_nobodys_concern() -> None:
    path = ("spec", "template", "spec", "containers", 0, "resources", "limits", "example.com/license")
    assert not texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, "1"))


AFFINITY = ("spec", "template", "spec", "affinity")
UNBOUND = "nothing keeps the pod on NVIDIA H100 80GB SXM5, for which it was sized"


def terms(*values: list[str]) -> dict[str, object]:
    """Node affinity with one term for each list of products."""
    required = [{"matchExpressions": [{"key": PRODUCT, "operator": "In", "values": list(value)}]} for value in values]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required}}}


def loose(affinity: object) -> ReleaseScope:
    """A release that selects no label of a pool, with other affinity."""
    selector = {ARCHITECTURE: "amd64"}
    scope = changed(scopes()[PLAIN], "deployment-server.yaml", SELECTOR, selector)
    return changed(scope, "deployment-server.yaml", AFFINITY, affinity)


@pytest.mark.parametrize(
    "affinity",
    [
        {},
        {"podAntiAffinity": {}},
        terms(["NVIDIA-H100-80GB-HBM3"], ["NVIDIA-L40S"]),
        terms(["NVIDIA-H100-80GB-HBM3", "NVIDIA-L40S"]),
    ],
)
def test_a_pod_with_a_gpu_is_kept_on_what_it_was_sized_for(affinity: object) -> None:
    assert UNBOUND in texts(check, loose(affinity))


def test_the_product_in_every_term_or_in_the_selector_keeps_it_there() -> None:
    product = scopes()[PLAIN].resolved.context.roles[0].accelerator.products[0]  # type: ignore[union-attr]
    assert not texts(check, loose(terms([product], [product])))
    selected = changed(loose({}), "deployment-server.yaml", (*SELECTOR, PRODUCT), product)
    assert UNBOUND not in texts(check, selected)


def test_a_label_that_only_its_pool_has_keeps_it_there() -> None:
    role = scopes()[PLAIN].resolved.context.roles[0]
    labelled = pool("staging", role.pool_name, labels={"example.com/pool": "own"})
    scope = changed(loose({}), "deployment-server.yaml", (*SELECTOR, "example.com/pool"), "own")
    assert not texts(check, in_environment(scope, pools=labelled))
    everywhere = {
        name: msgspec.structs.replace(one, labels={"example.com/pool": "own"})
        for name, one in facts_of("staging").pools.items()
    }
    assert UNBOUND in texts(check, in_environment(scope, pools=everywhere))


def test_affinity_of_the_release_stands_beside_the_product() -> None:
    away = "{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]}"
    scope = overridden(PLAIN, f"roles:\n  server:\n    affinity: {{podAntiAffinity: {away}}}")
    assert not texts(check, scope)
    assert set(scope.objects["deployment-server.yaml"]["spec"]["template"]["spec"]["affinity"]) == {
        "nodeAffinity",
        "podAntiAffinity",
    }


CLAIM = ("persistentvolumeclaim.yaml", ("spec", "accessModes"))


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteOncePod"])
def test_a_volume_of_one_node_has_no_second_replica(mode: str) -> None:
    messages = texts(check, changed(scopes()[PLAIN], *CLAIM, [mode]))
    assert [message.partition(":")[0] for message in messages] == [
        f"up to 2 pods mount llama-8b-models, which is {mode}"
    ]


def test_a_volume_of_one_node_is_not_held_while_the_next_pod_starts() -> None:
    alone = changed(scopes()[PLAIN], "scaledobject-server.yaml", ("spec", "maxReplicaCount"), 1)
    alone = changed(alone, *CLAIM, ["ReadWriteOnce"])
    strategy = ("spec", "strategy")
    surging = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert texts(check, changed(alone, "deployment-server.yaml", strategy, surging)) == [
        "during a rollout the new pod waits for llama-8b-models, which is ReadWriteOnce and held by the old one"
    ]
    assert not texts(check, changed(alone, "deployment-server.yaml", strategy, {"type": "Recreate"}))


@pytest.mark.parametrize("mode", ["ReadWriteMany", "ReadOnlyMany"])
def test_a_volume_of_several_nodes_is_for_every_replica(mode: str) -> None:
    assert not texts(check, changed(scopes()[PLAIN], *CLAIM, [mode]))


def test_real_releases_pass() -> None:
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]


def test_rdma_without_root_needs_a_runtime_that_lets_memory_be_locked() -> None:
    scope = scopes()["prod/llama-70b-pd"]
    assert not texts(check, scope)
    context = scope.resolved.context
    roles = tuple(
        msgspec.structs.replace(role, pool=msgspec.structs.replace(role.pool, memlock_unlimited=False))
        for role in context.roles
        if role.pool is not None
    )
    tight = msgspec.structs.replace(
        scope, resolved=msgspec.structs.replace(scope.resolved, context=msgspec.structs.replace(context, roles=roles))
    )
    assert len(texts(check, tight)) == len(roles)
    assert texts(check, tight)[0].startswith("user 2000 cannot lock the memory that RDMA needs")
