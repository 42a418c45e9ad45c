"""Every pod that serves is scraped, and each of its ports once.

A second monitor on the same port doubles every counter while all ratios still look right; a pod that none selects
is missing from every query, and a trigger takes that for an idle model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from generator.validate.pods import Manifest, Path, Pod
from generator.validate.scope import Finding, ReleaseScope

METRICS = "/metrics"

# which pod (by its number), which port, which path
Scrape = tuple[int, int, str]


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find pods that are scraped twice, and pods that no monitor of the release takes."""
    hits: dict[Scrape, list[tuple[str, Path]]] = defaultdict(list)
    for file, manifest in scope.of_kind("PodMonitor"):
        for scrape, path in _of_pods(scope, manifest):
            hits[scrape].append((file, path))
    for file, manifest in scope.of_kind("ServiceMonitor"):
        for scrape, path in _of_services(scope, manifest):
            hits[scrape].append((file, path))
    for (number, port, asked), places in hits.items():
        if len(places) > 1:
            first, (file, place) = scope.objects[places[0][0]], places[1]
            owner = f"{first['kind']}/{first['metadata']['name']}"
            message = f"port {port}{asked} of {_called(scope.pods[number])} is scraped by {owner} too: counters double"
            yield Finding(file, place, message, "keep one of the two")
    if scope.resolved.values["monitoring"]["enabled"]:
        scraped = {number for number, _, _ in hits}
        for number, pod in enumerate(scope.pods):
            if pod.ports and number not in scraped:
                message = f"no monitor of the release scrapes {_called(pod)}"
                yield Finding(pod.file, (*pod.path, "metadata", "labels"), message, "make a PodMonitor that selects it")


def _called(pod: Pod) -> str:
    return f"{pod.component or pod.position} pods"


def _of_pods(scope: ReleaseScope, manifest: Manifest) -> Iterator[tuple[Scrape, Path]]:
    selector = (manifest["spec"].get("selector") or {}).get("matchLabels") or {}
    for number, pod in enumerate(scope.pods):
        if not pod.matches(selector):
            continue
        for index, endpoint in enumerate(manifest["spec"].get("podMetricsEndpoints") or ()):
            port = pod.ports.get(endpoint.get("port", endpoint.get("portNumber")))
            if port is not None:
                path: Path = ("spec", "podMetricsEndpoints", index)
                yield (number, port, endpoint.get("path", METRICS)), path


def _of_services(scope: ReleaseScope, manifest: Manifest) -> Iterator[tuple[Scrape, Path]]:
    selector = (manifest["spec"].get("selector") or {}).get("matchLabels") or {}
    for _, service in scope.of_kind("Service"):
        labels = service["metadata"].get("labels") or {}
        if any(labels.get(key) != value for key, value in selector.items()):
            continue
        for index, endpoint in enumerate(manifest["spec"].get("endpoints") or ()):
            for number, port in _behind(scope, service, endpoint.get("port")):
                yield (number, port, endpoint.get("path", METRICS)), ("spec", "endpoints", index)


def _behind(scope: ReleaseScope, service: Manifest, name: str | None) -> Iterator[tuple[int, int]]:
    selector = service["spec"].get("selector") or {}
    for port in service["spec"].get("ports") or ():
        if port.get("name") != name or not selector:
            continue
        for number, pod in enumerate(scope.pods):
            target = pod.ports.get(port.get("targetPort", port["port"]))
            if target is not None and pod.matches(selector):
                yield number, target
