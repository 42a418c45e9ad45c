"""What Prometheus scrapes: pods as their PodMonitors say, and the replica counts of kube-state-metrics."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from generator.cluster.client import Api, Manifest
from generator.cluster.follow import DELETED, follow

MONITOR = ("monitoring.coreos.com/v1", "PodMonitor")
# by the names and types of kube-state-metrics
_REPLICAS = {
    "kube_deployment_status_replicas": ("status", "replicas"),
    "kube_deployment_status_replicas_ready": ("status", "readyReplicas"),
    "kube_deployment_spec_replicas": ("spec", "replicas"),
}
Place = tuple[str, str]


class Exporter:
    """Keeps the target files of Prometheus, and answers for the state of Deployments."""

    def __init__(self, targets: Path, annotation: str) -> None:
        self._targets = targets
        self._annotation = annotation
        self._lock = threading.Lock()
        self._deployments: dict[Place, Manifest] = {}
        self._monitors: dict[Place, Manifest] = {}
        self._pods: dict[Place, Manifest] = {}
        self._written = ""

    def follow(self, api: Api) -> None:
        """Follow Deployments, pods and their monitors from now on."""
        api.discover()
        follow(api, "apps/v1", "Deployment", lambda e, item: self._note(self._deployments, e, item))
        follow(api, "v1", "Pod", lambda e, item: self._note(self._pods, e, item))
        if api.knows({"apiGroup": MONITOR[0], "kind": MONITOR[1]}):
            follow(api, *MONITOR, lambda e, item: self._note(self._monitors, e, item))

    def _note(self, kept: dict[Place, Manifest], event: str, item: Manifest) -> None:
        place = item["metadata"]["namespace"], item["metadata"]["name"]
        with self._lock:
            if event == DELETED:
                kept.pop(place, None)
            else:
                kept[place] = item
            if kept is not self._deployments:
                self._write()

    def serve(self, port: int) -> None:
        """Answer for the state of Deployments, for ever."""
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._put("state", [{"targets": [f"127.0.0.1:{port}"], "labels": {"job": "kube-state-metrics"}}])

    def page(self) -> str:
        """Write the state of every Deployment as kube-state-metrics does."""
        with self._lock:
            found = sorted(self._deployments.items())
        lines = []
        for metric, (part, field) in _REPLICAS.items():
            lines.append(f"# TYPE {metric} gauge\n")
            for (namespace, name), item in found:
                value = item.get(part, {}).get(field, 0)
                lines.append(f'{metric}{{namespace="{namespace}",deployment="{name}"}} {value}\n')
        return "".join(lines)

    def _write(self) -> None:
        found = [target for place, monitor in sorted(self._monitors.items()) for target in self._of(place, monitor)]
        text = json.dumps(found)
        if text != self._written:
            self._written = text
            self._put("pods", found)

    def _of(self, place: Place, monitor: Manifest) -> Iterator[Manifest]:
        """Make the targets of a monitor, with the labels that the operator's relabelling gives them."""
        wanted = monitor["spec"]["selector"].get("matchLabels", {}).items()
        for (namespace, name), pod in sorted(self._pods.items()):
            metadata, address = pod["metadata"], pod.get("status", {}).get("podIP")
            real = self._annotation in metadata.get("annotations", {})
            if namespace != place[0] or not address or not real or not wanted <= metadata.get("labels", {}).items():
                continue
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                for container, port in _ports(pod, endpoint["port"]):
                    labels = {
                        "job": "/".join(place),
                        "namespace": namespace,
                        "pod": name,
                        "container": container,
                        "endpoint": endpoint["port"],
                        "__metrics_path__": endpoint.get("path", "/metrics"),
                    }
                    yield {"targets": [f"{address}:{port}"], "labels": labels}

    def _put(self, name: str, targets: list[Manifest]) -> None:
        partial = self._targets / f"{name}.partial"
        partial.write_text(json.dumps(targets))
        partial.replace(self._targets / f"{name}.json")


def _ports(pod: Manifest, name: str) -> Iterator[tuple[str, int]]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", ()):
            if port.get("name") == name:
                yield container["name"], port["containerPort"]
