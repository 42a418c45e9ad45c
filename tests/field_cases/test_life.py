"""Field cases LIFE: probes, drain, rollout; and the finds of a hand-written Deployment."""

from __future__ import annotations

import msgspec
import pytest

from generator.validate import capacity, flags, lifecycle, references, security, topology
from tests.support.scopes import (
    PLAIN,
    REMOVED,
    SGLANG,
    changed,
    complaints,
    environment,
    facts_of,
    found,
    overridden,
    scopes,
    texts,
)

FILE = "deployment-server.yaml"
POD = ("spec", "template", "spec")
ENGINE = (*POD, "containers", 0)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def test_life_2_every_probe_has_a_timeout_of_more_than_a_second() -> None:
    probes = [
        (key, name, container[name])
        for key, scope in scopes().items()
        for _, _, container, _ in scope.programs
        for name in PROBES
        if name in container
    ]
    assert probes
    assert [(key, name) for key, name, probe in probes if probe.get("timeoutSeconds", 1) <= 1] == []


def test_life_2_sglang_is_asked_for_its_readiness_where_it_does_not_generate() -> None:
    container = scopes()[SGLANG].objects[FILE]["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"


@pytest.mark.parametrize("key", [PLAIN, SGLANG])
def test_life_2_a_probe_without_a_timeout_is_refused(key: str) -> None:
    scope = changed(scopes()[key], FILE, (*ENGINE, "readinessProbe", "timeoutSeconds"), REMOVED)
    (problem,) = found(lifecycle.check, scope)
    assert problem.message.startswith("the readinessProbe has 1 s to answer")
    assert "timeoutSeconds" in problem.hint


def test_life_4_every_pod_has_time_left_to_exit() -> None:
    engines = [
        (scope, pod, container)
        for scope in scopes().values()
        for pod, _, container, program in scope.programs
        if program.engine
    ]
    assert engines
    for scope, pod, container in engines:
        drain, leave = lifecycle.drain_of(scope, pod, container)
        wait = ((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep", {}).get("seconds", 0)
        assert pod.spec["terminationGracePeriodSeconds"] > wait + drain + leave, scope.name


def test_life_4_a_grace_period_that_the_drain_fills_is_refused_with_the_sum() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*POD, "terminationGracePeriodSeconds"), 60)
    args = list(scope.objects[FILE]["spec"]["template"]["spec"]["containers"][0]["args"])
    args[args.index("--shutdown-timeout") + 1] = "45"
    message, *_ = texts(lifecycle.check, changed(scope, FILE, (*ENGINE, "args"), args))
    assert message.startswith("preStop 15 s + drain 45 s = 60 s, and the grace period is 60 s")


def test_life_4_a_grace_period_below_the_wait_is_refused() -> None:
    scope = changed(scopes()[PLAIN], FILE, (*POD, "terminationGracePeriodSeconds"), 20)
    (message,) = texts(lifecycle.check, scope)
    assert "the grace period is 20 s: no time is left to exit" in message


def test_life_5_a_rollout_never_waits_for_the_gpus_of_the_old_pod_unless_asked_to() -> None:
    for key, scope in scopes().items():
        for _, manifest in scope.of_kind("Deployment"):
            gpus = any(pod.gpus for pod in scope.pods if pod.owner is manifest)
            if gpus and scope.resolved.values["rollout"] == "in-place":
                rolling = manifest["spec"]["strategy"]["rollingUpdate"]
                assert (rolling["maxSurge"], rolling["maxUnavailable"]) == (0, 1), key


@pytest.mark.parametrize(("nodes", "refused"), [(1, True), (2, False)])
def test_life_5_a_surge_needs_a_gpu_that_is_free(nodes: int, refused: bool) -> None:
    scope = overridden(PLAIN, "rollout: surge")
    pools = dict(facts_of("staging").pools)
    pools["h100"] = msgspec.structs.replace(pools["h100"], nodes=nodes, gpus_per_node=1)
    problems = list(capacity.check(environment("staging", scope, facts=facts_of("staging", pools=pools))))
    assert bool(problems) is refused
    if refused:
        assert "a surge needs 1 more pod of 1 GPUs, and pool h100 has no room" in problems[0].message
        assert "one replica: downtime at each update" in problems[0].hint


def test_life_5_two_replicas_keep_their_surge_where_a_third_gpu_is_free() -> None:
    scope = overridden(PLAIN, "rollout: surge\nroles:\n  server:\n    scaling: {minReplicas: 2}")
    assert scope.objects[FILE]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert complaints(scope) == []
    pools = dict(facts_of("staging").pools)
    pools["h100"] = msgspec.structs.replace(pools["h100"], nodes=1, gpus_per_node=3)
    assert not list(capacity.check(environment("staging", scope, facts=facts_of("staging", pools=pools))))


def test_file_3_the_faults_of_a_hand_written_deployment_are_each_found() -> None:
    scope = scopes()[PLAIN]
    for path, value in (
        ((*POD, "enableServiceLinks"), REMOVED),
        ((*ENGINE, "command"), ["/bin/sh", "-c", "vllm serve /models/m"]),
        ((*ENGINE, "startupProbe"), REMOVED),
        ((*POD, "nodeSelector"), {}),
        ((*POD, "affinity"), {}),
    ):
        scope = changed(scope, FILE, path, value)
    scope = changed(scope, "service.yaml", ("spec", "type"), "NodePort")
    scope = changed(scope, "persistentvolumeclaim.yaml", ("spec", "accessModes"), ["ReadWriteOnce"])
    checks = (flags.check, lifecycle.check, security.check, topology.check)
    messages = [text for check in checks for text in texts(check, scope)]
    for part in (
        "every Service of the namespace sets variables here",
        "stand inside a shell's text",
        "there is no startupProbe",
        "a NodePort leads past the gateway",
        "nothing keeps the pod on NVIDIA H100",
        "one node holds it, and the others wait for ever",
    ):
        assert any(part in message for message in messages), part
    assert all(pod.spec["enableServiceLinks"] is False for scope in scopes().values() for pod in scope.pods)


def test_file_2_a_probe_of_the_simulator_is_refused_where_vllm_runs() -> None:
    path = (*ENGINE, "readinessProbe", "httpGet", "path")
    (problem,) = found(references.check, changed(scopes()[PLAIN], FILE, path, "/ready"))
    assert problem.message == "the readinessProbe asks /ready, which vllm does not answer"
    assert "/health" in problem.hint


@pytest.mark.parametrize(("key", "path"), [(PLAIN, "/ping"), (SGLANG, "/health_generate"), ("dev/llama-8b", "/ready")])
def test_file_2_a_path_that_the_engine_answers_besides_is_fine(key: str, path: str) -> None:
    asked = changed(scopes()[key], FILE, (*ENGINE, "readinessProbe", "httpGet", "path"), path)
    assert complaints(asked) == []
