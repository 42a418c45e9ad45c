"""Every pod that serves is scraped, and each of its ports once."""

from __future__ import annotations

import copy

from generator.validate.monitors import check
from generator.validate.pods import Manifest
from tests.support.scopes import GROUP, PAIR, PLAIN, changed, found, scopes, texts, with_object, without

FILE = "podmonitor-server.yaml"


def twin() -> Manifest:
    monitor = copy.deepcopy(scopes()[PLAIN].objects[FILE])
    monitor["metadata"]["name"] = "fleet"
    return monitor


def service_monitor() -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "fleet"},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/instance": "llama-8b"}},
            "endpoints": [{"port": "http"}],
        },
    }


def test_a_second_monitor_on_a_port_is_refused() -> None:
    (problem,) = found(check, with_object(scopes()[PLAIN], "podmonitor-2.yaml", twin()))
    assert problem.message == "port 8000/metrics of server pods is scraped by PodMonitor/llama-8b too: counters double"
    assert problem.path == "PodMonitor/fleet: spec.podMetricsEndpoints[0]"


def test_a_monitor_by_the_service_counts_too() -> None:
    (message,) = texts(check, with_object(scopes()[PLAIN], "servicemonitor.yaml", service_monitor()))
    assert message.endswith("is scraped by PodMonitor/llama-8b too: counters double")


def test_a_headless_service_with_the_same_labels_doubles_every_counter() -> None:
    scope = with_object(without(scopes()[PLAIN], FILE), "servicemonitor.yaml", service_monitor())
    assert not texts(check, scope)
    headless = copy.deepcopy(scope.objects["service.yaml"])
    headless["metadata"]["name"] = "headless"
    (message,) = texts(check, with_object(scope, "service-headless.yaml", headless))
    assert message.endswith("counters double")


def test_two_paths_of_one_port_are_two_scrapes() -> None:
    scope = with_object(scopes()[PLAIN], "podmonitor-2.yaml", twin())
    path = ("spec", "podMetricsEndpoints", 0, "path")
    assert not texts(check, changed(scope, "podmonitor-2.yaml", path, "/metrics/more"))


def test_pods_that_no_monitor_takes_are_named() -> None:
    assert texts(check, without(scopes()[PAIR], "podmonitor-decode.yaml")) == [
        "no monitor of the release scrapes decode pods"
    ]


def test_followers_without_a_server_need_no_monitor() -> None:
    assert not texts(check, scopes()[GROUP])


def test_real_releases_pass() -> None:
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
