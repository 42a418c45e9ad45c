"""The order inside a release."""

from __future__ import annotations

import itertools

import pytest

from generator.model import waves

# the first is applied before the second, or with it
ORDER = [
    ("Namespace", "ServiceAccount"),
    ("ExternalSecret", "Deployment"),
    ("NetworkPolicy", "Deployment"),
    ("ConfigMap", "LeaderWorkerSet"),
    ("ServiceAccount", "DynamoGraphDeployment"),
    ("PersistentVolumeClaim", "Deployment"),
    ("Service", "Deployment"),
    ("Secret", "TriggerAuthentication"),
    ("TriggerAuthentication", "ScaledObject"),
    ("Deployment", "ScaledObject"),
    ("PodMonitor", "ScaledObject"),
    ("Service", "InterceptorRoute"),
    ("Service", "HTTPRoute"),
]


@pytest.mark.parametrize(("first", "second"), ORDER)
def test_what_is_needed_comes_before_what_needs_it(first: str, second: str) -> None:
    assert waves.WAVES[first] <= waves.WAVES[second]


def test_an_interceptor_route_comes_strictly_before_its_scaled_object() -> None:
    assert waves.WAVES["InterceptorRoute"] < waves.WAVES["ScaledObject"]


def test_a_claim_is_in_the_wave_of_the_pod_that_mounts_it() -> None:
    assert waves.WAVES["PersistentVolumeClaim"] == waves.WAVES["Deployment"]


def test_a_pool_is_in_the_wave_of_the_route_that_makes_a_gateway_accept_it() -> None:
    assert waves.WAVES["InferencePool"] == waves.WAVES["HTTPRoute"]


@pytest.mark.parametrize("kind", ["HTTPRoute", "ScaledObject", "InferencePool", "PodDisruptionBudget"])
def test_what_others_can_make_unhealthy_is_last(kind: str) -> None:
    assert waves.WAVES[kind] == max(waves.WAVES.values())


def test_a_claim_is_neither_pruned_nor_deleted_nor_counted_as_out_of_sync() -> None:
    assert waves.annotations("PersistentVolumeClaim") == {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    }


def test_a_workload_carries_no_annotation_because_wave_0_is_the_default() -> None:
    assert waves.annotations("Deployment") == {}


def test_a_kind_that_the_table_lacks_goes_with_the_workload() -> None:
    assert waves.annotations("Widget") == {}


def test_the_annotation_of_every_kind_reads_back_as_its_wave() -> None:
    for kind, expected in waves.WAVES.items():
        assert waves.wave({"kind": kind, "metadata": {"annotations": waves.annotations(kind)}}) == expected


def test_a_namespace_survives_a_mistaken_removal() -> None:
    assert waves.annotations("Namespace")[waves.SYNC_OPTIONS] == "Prune=false,Delete=false"


def test_waves_have_no_gap() -> None:
    used = sorted(set(waves.WAVES.values()))
    assert all(later - earlier == 1 for earlier, later in itertools.pairwise(used))
