"""Field cases GW, OBS and ARGO: the way in, the way metrics go, and the order of a sync."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import pipeline
from generator.argocd.objects import Manifest
from generator.validate import argocd_waves, monitors, promql, security
from generator.validate.pods import Pod
from generator.validate.scope import ReleaseScope
from tests.mutations.small import copy
from tests.support.scopes import GROUP, PLAIN, changed, overridden, scopes, texts, with_object

HIDDEN = ("/invocations", "/tokenize", "/metrics", "/sleep", "/load", "/v1", "/", "/v1/chatx", "/server_info")


def matches(route: Manifest, path: str) -> bool:
    """Tell whether a route leads a path to its backend, as the Gateway API compares them."""
    for rule in route["spec"]["rules"]:
        for match in rule.get("matches") or [{}]:
            asked = match.get("path") or {"type": "PathPrefix", "value": "/"}
            value = asked["value"].rstrip("/")
            if asked["type"] == "Exact" and path == asked["value"]:
                return True
            if asked["type"] == "PathPrefix" and (path == value or path.startswith(f"{value}/")):
                return True
    return False


def routes() -> list[tuple[str, Manifest]]:
    return [(key, route) for key, scope in scopes().items() for _, route in scope.of_kind("HTTPRoute")]


def test_gw_1_every_route_has_a_timeout_of_its_own() -> None:
    assert routes()
    for key, route in routes():
        for rule in route["spec"]["rules"]:
            assert rule["timeouts"]["request"].endswith("s"), key


def test_gw_1_the_timeout_that_a_person_sets_reaches_the_route() -> None:
    for seconds in (120, 1234):
        scope = overridden(PLAIN, f"route:\n  requestSeconds: {seconds}")
        (rule,) = scope.objects["httproute.yaml"]["spec"]["rules"]
        assert rule["timeouts"] == {"request": f"{seconds}s", "backendRequest": f"{seconds}s"}


@pytest.mark.parametrize("path", HIDDEN)
def test_gw_6_only_the_paths_of_the_api_lead_in(path: str) -> None:
    assert [key for key, route in routes() if matches(route, path)] == []


def test_gw_6_no_service_leads_past_the_gateway() -> None:
    for key, scope in scopes().items():
        for _, service in scope.of_kind("Service"):
            assert service["spec"].get("type", "ClusterIP") == "ClusterIP", key
    for kind in ("NodePort", "LoadBalancer"):
        (message,) = texts(security.check, changed(scopes()[PLAIN], "service.yaml", ("spec", "type"), kind))
        assert message == f"a {kind} leads past the gateway to every path of the engine, key or not"


def test_gw_6_only_the_gateway_and_monitoring_are_admitted_from_outside() -> None:
    for key, scope in scopes().items():
        environment = scope.resolved.context.environment.value
        allowed = {environment.gateway.proxies if environment.gateway else ""}
        allowed |= {environment.monitoring.namespace if environment.monitoring else ""}
        allowed |= {environment.keda.namespace if environment.keda else ""}
        for _, policy in scope.of_kind("NetworkPolicy"):
            for rule in policy["spec"]["ingress"]:
                for peer in rule["from"]:
                    selector = peer.get("namespaceSelector")
                    if selector is not None:
                        assert set(selector["matchLabels"].values()) <= allowed, key


# ---- metrics -----------------------------------------------------------------------------------------------


def hits(scope: ReleaseScope) -> Counter[tuple[int, int, str]]:
    """Count how often each port of each pod is scraped by the release's own monitors."""
    found: Counter[tuple[int, int, str]] = Counter()
    for _, monitor in scope.of_kind("PodMonitor"):
        selector: dict[str, str] = monitor["spec"]["selector"]["matchLabels"]
        for number, pod in enumerate(scope.pods):
            if pod.matches(selector):
                for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                    found[number, _port(pod, endpoint), endpoint.get("path", "/metrics")] += 1
    return found


def _port(pod: Pod, endpoint: dict[str, Any]) -> int:
    return pod.ports[endpoint["port"]]


def test_obs_3_every_port_is_scraped_once() -> None:
    for key, scope in scopes().items():
        assert set(hits(scope).values()) <= {1}, key


def test_obs_3_a_service_monitor_beside_the_pod_monitor_is_refused() -> None:
    scope = scopes()[GROUP]
    (service,) = (m for _, m in scope.of_kind("Service"))
    monitor = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "again", "namespace": "reasoning"},
        "spec": {"selector": {"matchLabels": service["metadata"]["labels"]}, "endpoints": [{"port": "http"}]},
    }
    (message,) = texts(monitors.check, with_object(scope, "servicemonitor.yaml", monitor))
    assert message.endswith("is scraped by PodMonitor/deepseek-r1 too: counters double")


def test_obs_1_a_share_of_one_metric_needs_sums_on_both_sides() -> None:
    job = 'job="assistants/llama-8b"'
    errors, all_ = f'http_requests_total{{{job},status!="2xx"}}[5m]', f"http_requests_total{{{job}}}[5m]"
    raw = f"100 * rate({errors}) / rate({all_})"
    summed = f"100 * sum(rate({errors})) / sum(rate({all_}))"
    for expr, count in ((raw, 1), (summed, 0)):
        rule = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "errors", "namespace": "assistants"},
            "spec": {"groups": [{"name": "errors", "rules": [{"record": "errors:share", "expr": expr}]}]},
        }
        messages = texts(promql.check, with_object(scopes()[PLAIN], "rule.yaml", rule))
        assert len(messages) == count
        assert all("since status is kept on both sides" in message for message in messages)


# ---- the order of a sync -----------------------------------------------------------------------------------


def hook(kind: str, phase: str, wave: str, **spec: Any) -> Manifest:
    annotations = {"argocd.argoproj.io/hook": phase, "argocd.argoproj.io/sync-wave": wave}
    return {
        "apiVersion": "batch/v1",
        "kind": kind,
        "metadata": {"name": "download", "annotations": annotations},
        "spec": {"template": {"spec": {"containers": [{"name": "main", **spec.pop("container", {})}], **spec}}},
    }


def test_argo_2_a_hook_that_waits_for_a_claim_of_a_later_wave_is_refused() -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "weights", "annotations": {"argocd.argoproj.io/sync-wave": "0"}},
        "spec": {},
    }
    volumes = [{"name": "weights", "persistentVolumeClaim": {"claimName": "weights"}}]
    job = hook("Job", "Sync", "-1", volumes=volumes)
    (found, *_) = argocd_waves.check([("a/job.yaml", job), ("a/claim.yaml", claim)])
    assert "Job/download -> PersistentVolumeClaim/weights -> Job/download" in found[2]


def test_argo_2_a_hook_before_the_sync_cannot_read_what_the_sync_makes() -> None:
    secret = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "token"},
        "spec": {"target": {"name": "token"}},
    }
    job = hook("Job", "PreSync", "0", container={"envFrom": [{"secretRef": {"name": "token"}}]})
    (found, *_) = argocd_waves.check([("a/job.yaml", job), ("a/secret.yaml", secret)])
    assert "Job/download (PreSync, wave 0) needs ExternalSecret/token (Sync, wave 0)" in found[2]


def test_argo_5_a_claim_is_neither_pruned_nor_deleted_with_its_application() -> None:
    claims = [claim for scope in scopes().values() for _, claim in scope.of_kind("PersistentVolumeClaim")]
    assert claims
    for claim in claims:
        assert claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"


def test_argo_5_a_model_that_is_renamed_keeps_its_application(tmp_path: Path) -> None:
    """What Argo CD and the API server know a release by follows from environment and release alone."""
    copy(tmp_path)
    before = known_by(tmp_path)
    old = tmp_path / "catalog/models/llama-3-1-8b-instruct.yaml"
    text = old.read_text(encoding="utf-8").replace("name: llama-3-1-8b-instruct", "name: llama-of-ours", 1)
    old.with_name("llama-of-ours.yaml").write_text(text, encoding="utf-8")
    old.unlink()
    for release in tmp_path.glob("environments/*/releases/*.yaml"):
        text = release.read_text(encoding="utf-8")
        release.write_text(text.replace("model: llama-3-1-8b-instruct", "model: llama-of-ours"), encoding="utf-8")
    after = known_by(tmp_path)
    assert after == before
    assert {kind for kind, *_ in after.values()} >= {"Application", "Deployment", "PersistentVolumeClaim"}


def known_by(root: Path) -> dict[str, tuple[Any, ...]]:
    """What each object of the environments cannot change without being made anew, by its file."""
    outcome = pipeline.run(pipeline.Options(root=root), lambda _: None)
    assert not outcome.failed, [problem.text() for problem in outcome.problems]
    found: dict[str, tuple[Any, ...]] = {}
    for path, text in outcome.tree.items():
        if "/rendered/" in path or "/argocd/application-" in path:
            item = yaml.safe_load(text)
            spec, name = item.get("spec", {}), item["metadata"]["name"]
            found[path] = (item["kind"], item["metadata"].get("namespace"), name, spec.get("selector"))
    return found
