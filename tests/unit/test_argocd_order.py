"""No object waits for one that Argo CD applies after it."""

from __future__ import annotations

from typing import Any

import pytest

from generator.model import waves
from generator.validate import argocd_waves

Manifest = dict[str, Any]


def an_object(kind: str, name: str, wave: int | None = None, hook: str = "", **spec: Any) -> Manifest:
    written = waves.annotations(kind).get(waves.WAVE) if wave is None else str(wave)
    annotations = {**({waves.WAVE: written} if written else {}), **({argocd_waves.HOOK: hook} if hook else {})}
    metadata = {"name": name, "namespace": "chat", "annotations": annotations}
    api = "gateway.networking.k8s.io/v1" if kind == "HTTPRoute" else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def a_pod(kind: str = "Deployment", wave: int | None = None, hook: str = "", **pod: Any) -> Manifest:
    template = {"spec": {"containers": [], **pod}}
    return an_object(kind, "qwen", wave, hook, template=template)


def mounting(claim: str) -> dict[str, Any]:
    return {"volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": claim}}]}


def found(*manifests: Manifest) -> list[str]:
    files = [(f"environments/prod/rendered/qwen/{index}.yaml", m) for index, m in enumerate(manifests)]
    return [message for _, _, message, _ in argocd_waves.check(files)]


def test_a_release_in_the_waves_of_its_kinds_is_no_problem() -> None:
    trigger = {"authenticationRef": {"name": "prometheus"}, "metadata": {"interceptorRoute": "qwen"}}
    assert not found(
        an_object("ServiceAccount", "qwen"),
        an_object("ExternalSecret", "token"),
        an_object("PersistentVolumeClaim", "models"),
        a_pod(
            serviceAccountName="qwen",
            imagePullSecrets=[{"name": "token"}],
            containers=[{"envFrom": [{"secretRef": {"name": "token"}}]}],
            **mounting("models"),
        ),
        an_object("Service", "qwen"),
        an_object("InterceptorRoute", "qwen", target={"service": "qwen"}),
        an_object("TriggerAuthentication", "prometheus", secretTargetRef=[{"name": "token"}]),
        an_object("ScaledObject", "qwen", scaleTargetRef={"name": "qwen"}, triggers=[trigger]),
        an_object("HTTPRoute", "qwen", rules=[{"backendRefs": [{"name": "qwen", "port": 80}]}]),
    )


def test_a_download_that_mounts_a_later_claim_is_a_cycle_written_out() -> None:
    download = a_pod("Job", -1, "Sync", **mounting("models"))
    assert found(download, an_object("PersistentVolumeClaim", "models", 0)) == [
        "Job/qwen (Sync, wave -1) needs PersistentVolumeClaim/models (Sync, wave 0), which waits for it: "
        "Job/qwen -> PersistentVolumeClaim/models -> Job/qwen"
    ]


def test_a_hook_before_the_sync_cannot_read_a_secret_that_the_sync_makes() -> None:
    container = {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "a"}}}]}
    job = a_pod("Job", 0, "PreSync", containers=[container])
    secret = an_object("ExternalSecret", "prod-token", target={"name": "token"})
    (message,) = found(job, secret)
    assert message.startswith("Job/qwen (PreSync, wave 0) needs ExternalSecret/prod-token (Sync, wave -2)")


def test_a_claim_before_its_first_pod_is_never_bound() -> None:
    assert found(an_object("PersistentVolumeClaim", "models", -1), a_pod(**mounting("models"))) == [
        "PersistentVolumeClaim/models (Sync, wave -1) is not bound before Deployment/qwen (Sync, wave 0) mounts "
        "it, and Argo CD waits: PersistentVolumeClaim/models -> Deployment/qwen -> PersistentVolumeClaim/models"
    ]


def test_a_claim_in_the_wave_of_the_first_of_two_pods_is_no_problem() -> None:
    job = a_pod("Job", -1, "Sync", **mounting("models"))
    assert not found(an_object("PersistentVolumeClaim", "models", -1), job, a_pod(**mounting("models")))


def test_a_problem_names_the_place_of_the_reference() -> None:
    manifests = [("q/a.yaml", a_pod(serviceAccountName="qwen")), ("q/b.yaml", an_object("ServiceAccount", "qwen", 1))]
    ((file, path, _, hint),) = argocd_waves.check(manifests)
    assert (file, path) == ("q/a.yaml", ("spec", "template", "spec", "serviceAccountName"))
    assert hint == "put ServiceAccount/qwen into the phase and wave of Deployment/qwen, or before"


LATE = [
    (a_pod(volumes=[{"configMap": {"name": "x"}}]), "ConfigMap"),
    (a_pod(volumes=[{"secret": {"secretName": "x"}}]), "Secret"),
    (a_pod(volumes=[{"projected": {"sources": [{"configMap": {"name": "x"}}]}}]), "ConfigMap"),
    (a_pod(containers=[{"envFrom": [{"configMapRef": {"name": "x"}}]}]), "ConfigMap"),
    (a_pod(containers=[], initContainers=[{"envFrom": [{"secretRef": {"name": "x"}}]}]), "Secret"),
    (a_pod(imagePullSecrets=[{"name": "x"}]), "Secret"),
    (an_object("InterceptorRoute", "qwen", target={"service": "x"}), "Service"),
    (an_object("ScaledObject", "qwen", scaleTargetRef={"name": "x"}), "Deployment"),
    (an_object("TriggerAuthentication", "qwen", secretTargetRef=[{"name": "x"}]), "Secret"),
    (an_object("HTTPRoute", "qwen", rules=[{"backendRefs": [{"name": "x"}]}]), "Service"),
    (
        an_object("ScaledObject", "qwen", triggers=[{"metadata": {"interceptorRoute": "x"}}]),
        "InterceptorRoute",
    ),
    (
        an_object("ScaledObject", "qwen", triggers=[{"authenticationRef": {"name": "x"}}]),
        "TriggerAuthentication",
    ),
    (
        an_object("DynamoGraphDeployment", "q", components=[{"compilationCache": {"pvcName": "x"}}]),
        "PersistentVolumeClaim",
    ),
]


@pytest.mark.parametrize(("consumer", "kind"), LATE, ids=lambda value: str(value)[:40])
def test_every_kind_of_reference_to_something_later_is_found(consumer: Manifest, kind: str) -> None:
    (message,) = found(consumer, an_object(kind, "x", 3))
    assert f"needs {kind}/x (Sync, wave 3)" in message


def test_a_pod_inside_a_leader_worker_set_is_looked_at() -> None:
    pod = {"spec": {"containers": [], "serviceAccountName": "x"}}
    workload = an_object("LeaderWorkerSet", "qwen", leaderWorkerTemplate={"workerTemplate": pod})
    assert len(found(workload, an_object("ServiceAccount", "x", 1))) == 1


def test_an_optional_secret_holds_nobody_up() -> None:
    container = {"envFrom": [{"secretRef": {"name": "x", "optional": True}}]}
    assert not found(a_pod(containers=[container]), an_object("Secret", "x", 1))


def test_what_another_release_holds_is_another_sync() -> None:
    other = ("environments/prod/rendered/other/a.yaml", an_object("ServiceAccount", "qwen", 1))
    own = ("environments/prod/rendered/qwen/a.yaml", a_pod(serviceAccountName="qwen"))
    assert not list(argocd_waves.check([other, own]))
