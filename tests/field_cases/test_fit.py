"""Field cases FIT and MN: what fits where, and what stands together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.model import memory
from generator.validate import fit, references, topology
from generator.validate.pods import argument
from tests.mutations.small import copy, problems_of, scopes_of
from tests.support.scopes import GRAPH, GROUP, PLAIN, REMOVED, changed, complaints, found, overridden, scopes, texts

ARCHITECTURE = "kubernetes.io/arch"
LLAMA = memory.Cache(full_attention_layers=32, kv_heads=8, head_dim=128)
GRAPH_FILE, GROUP_FILE = "dynamographdeployment.yaml", "leaderworkerset-server.yaml"
WORKER = ("spec", "components", 1, "podTemplate", "spec", "containers", 0)
MULTINODE = "catalog/models/deepseek-r1-0528.yaml"


def llama(context: int, *, utilisation: float = 0.9) -> memory.Fit:
    """An 8B model in 16 bits on a card of 24 GB."""
    overhead = memory.overhead_gib(max_batched_tokens=8192, gpus=1)
    return memory.fit(
        LLAMA,
        total_weights_gib=14.96,
        gpu_memory_mib=23028,
        context_tokens=context,
        overhead_gib_per_gpu=overhead,
        tensor=1,
        utilisation=utilisation,
    )


@given(st.integers(1, 1 << 20), st.integers(1, 1 << 20), st.floats(0.5, 0.99))
def test_fit_2_a_shorter_context_fits_wherever_a_longer_one_does(one: int, other: int, utilisation: float) -> None:
    shorter, longer = sorted((one, other))
    if llama(longer, utilisation=utilisation).fits:
        assert llama(shorter, utilisation=utilisation).fits


def test_fit_2_the_verdicts_of_the_report_are_in_order() -> None:
    verdicts = [llama(context).fits for context in (20_000, 29_000, 35_000)]
    assert verdicts == sorted(verdicts, reverse=True)


def test_fit_2_the_batch_that_activations_follow_from_is_always_written() -> None:
    vllm = [scope for scope in scopes().values() if scope.resolved.chart.startswith("vllm")]
    assert vllm
    for scope in vllm:
        for pod, _, container, program in scope.programs:
            if program.engine and scope.resolved.context.model.value.capabilities.task.value == "chat":
                assert argument(container, "--max-num-batched-tokens"), (scope.name, pod.component)


def test_fit_2_a_refusal_says_what_is_needed_and_what_is_there() -> None:
    (problem,) = found(fit.check, overridden(PLAIN, "model:\n  contextTokens: 9000000"))
    assert re.search(r"needs [\d.]+ GiB on each .* and the engine has [\d.]+ GiB there", problem.message)
    assert "set model.contextTokens to" in problem.hint


def test_fit_4_every_pod_selects_an_architecture_that_its_images_have() -> None:
    for key, scope in scopes().items():
        for pod, path, _, program in scope.programs:
            wanted = pod.spec["nodeSelector"][ARCHITECTURE]
            assert program.image is not None and wanted in program.image.architectures, (key, path)


def test_fit_4_the_arm64_taint_is_tolerated_where_it_stands() -> None:
    arm = [
        pod for scope in scopes().values() for pod in scope.pods if pod.spec["nodeSelector"][ARCHITECTURE] == "arm64"
    ]
    assert arm
    for pod in arm:
        assert any(toleration.get("key") in (ARCHITECTURE, None) for toleration in pod.spec["tolerations"])


@pytest.mark.parametrize("component", [0, 1, 2])
def test_fit_4_a_pod_without_the_selector_is_refused(component: int) -> None:
    place = ("spec", "components", component, "podTemplate", "spec", "nodeSelector", ARCHITECTURE)
    messages = texts(topology.check, changed(scopes()[GRAPH], GRAPH_FILE, place, REMOVED))
    assert "the pod may land on nodes of any architecture: images are built for some" in messages


@pytest.mark.parametrize(
    ("resource", "count", "says"),
    [
        ("nvidia.com/mig-1g.10gb", 2, "a model cannot span 2 slices"),
        ("nvidia.com/mig-1g.12gb", 1, "has no slice 1g.12gb: it has 1g.10gb, "),
        ("nvidia.com/mig-1g.10gb", 1, "memory was computed for all of it"),
    ],
)
def test_fit_6_a_slice_is_refused_while_memory_is_computed_for_whole_gpus(resource: str, count: int, says: str) -> None:
    values = f"roles:\n  server:\n    accelerator: {{resource: {resource}, count: {count}}}"
    problems = found(topology.check, overridden(PLAIN, values))
    (said,) = (problem for problem in problems if says in problem.message)
    assert (said.location.file, said.hint) == ("environments/staging/releases/llama-8b.yaml", "ask for nvidia.com/gpu")


def _multinode(place: Path, tensor: int, pods: int, gpus: int) -> Path:
    copy(place)
    file = place / MULTINODE
    text = file.read_text(encoding="utf-8")
    start = text.index("gb200-multinode:")
    head, body = text[:start], text[start:]
    body = re.sub(r"gpusPerPod: \d+", f"gpusPerPod: {gpus}", body, count=1)
    body = re.sub(r"podsPerReplica: \d+", f"podsPerReplica: {pods}", body, count=1)
    body = re.sub(
        r"parallelism:.*?\n(?=\s+sizing)", f"parallelism: {{tensor: {tensor}}}\n", body, count=1, flags=re.DOTALL
    )
    file.write_text(head + body, encoding="utf-8")
    return place


@pytest.mark.parametrize(("tensor", "pods", "gpus"), [(2, 2, 1), (8, 2, 4)])
def test_mn_1_a_group_has_as_many_gpus_as_the_model_is_split_over(
    tmp_path: Path, tensor: int, pods: int, gpus: int
) -> None:
    scope = scopes_of(_multinode(tmp_path, tensor, pods, gpus))["prod/deepseek-r1"]
    assert texts(topology.check, scope) == []
    group = scope.objects[GROUP_FILE]["spec"]["leaderWorkerTemplate"]
    assert group["size"] == pods
    (leader,) = group["leaderTemplate"]["spec"]["containers"]
    assert argument(leader, "--nnodes") == str(pods)
    assert group["size"] * int(leader["resources"]["limits"]["nvidia.com/gpu"]) == tensor


def test_mn_1_a_split_that_the_nodes_cannot_hold_is_refused(tmp_path: Path) -> None:
    problems = problems_of(_multinode(tmp_path, 6, 2, 4))
    assert any(
        "tensor 6 x pipeline 1 x data 1 = 6 GPUs, but a replica has 4 per pod x 2 pods = 8" in p.message
        for p in problems
    )


def test_mn_1_a_group_of_one_pod_that_waits_for_a_second_gpu_is_refused(tmp_path: Path) -> None:
    problems = problems_of(_multinode(tmp_path, 2, 1, 1))
    assert any(
        "tensor 2 x pipeline 1 x data 1 = 2 GPUs, but a replica has 1 per pod x 1 pod = 1" in p.message
        for p in problems
    )


def test_mn_1_every_group_adds_up() -> None:
    for key, scope in scopes().items():
        assert texts(topology.check, scope) == [], key


def test_mn_4_a_variable_that_moves_the_system_port_is_refused_with_both_ports() -> None:
    env = scopes()[GRAPH].objects[GRAPH_FILE]["spec"]["components"][1]["podTemplate"]["spec"]["containers"][0]["env"]
    place = next(index for index, item in enumerate(env) if item["name"] == "DYN_SYSTEM_PORT")
    moved = changed(scopes()[GRAPH], GRAPH_FILE, (*WORKER, "env", place, "value"), "8081")
    (message,) = texts(references.check, moved)
    assert message == "DYN_SYSTEM_PORT moves the server to port 8081, and port `system` is 9090"


def test_mn_4_a_port_that_moves_with_the_variable_is_fine() -> None:
    container = scopes()[GRAPH].objects[GRAPH_FILE]["spec"]["components"][1]["podTemplate"]["spec"]["containers"][0]
    env = next(index for index, item in enumerate(container["env"]) if item["name"] == "DYN_SYSTEM_PORT")
    port = next(index for index, item in enumerate(container["ports"]) if item["name"] == "system")
    moved = changed(scopes()[GRAPH], GRAPH_FILE, (*WORKER, "env", env, "value"), "9091")
    moved = changed(moved, GRAPH_FILE, (*WORKER, "ports", port, "containerPort"), 9091)
    assert complaints(moved) == []


def test_mn_6_a_replica_of_several_pods_stays_in_one_rack() -> None:
    annotation = "leaderworkerset.sigs.k8s.io/exclusive-topology"
    assert scopes()[GROUP].objects[GROUP_FILE]["metadata"]["annotations"][annotation] == "nvidia.com/gpu.clique"
    free = changed(scopes()[GROUP], GROUP_FILE, ("metadata", "annotations", annotation), REMOVED)
    messages = texts(topology.check, free)
    assert messages and all("may stand in several of the 16 NVLink domains" in message for message in messages)
