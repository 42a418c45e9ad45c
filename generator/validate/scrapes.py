"""What Prometheus would store of a release: every target of its monitors, with its labels and its program's series."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import msgspec

from generator.facts import Facts, Metric, MetricType, Provenance, Source, Syntax
from generator.validate.pods import Manifest, Pod, ports_of
from generator.validate.programs import Program
from generator.validate.scope import ReleaseScope

# series that Prometheus makes itself for each target
OWN_SERIES = ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_series_added")
DEFAULT_INTERVAL_SECONDS = 30.0
# a target's labels that no manifest tells the value of
ANY = None
_TABLE = File(__file__).with_name("kube_state_metrics.json")
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Pods of one kind, as one endpoint of one monitor scrapes them."""

    facts: Facts
    # names to values; ANY where the value differs by pod
    labels: dict[str, str | None]
    engine: bool = False
    interval_seconds: float = DEFAULT_INTERVAL_SECONDS
    # a label that the program and the target both have stays the program's
    honor: bool = False
    # labels that a rule of the monitor takes from every series
    dropped: tuple[str, ...] = ()
    dropped_series: tuple[str, ...] = ()
    # a rule of the monitor adds labels by a pattern
    open: bool = False
    served_name: str = ""
    monitor: str = ""
    # name of the workload
    owner: str = ""

    @property
    def program(self) -> str:
        """What runs there."""
        return f"{self.facts.engine} {self.facts.version}"

    def metric(self, series: str) -> Metric | None:
        """Find the family that stores a series of this name here."""
        if any(re.fullmatch(pattern, series) for pattern in self.dropped_series):
            return None
        if series in OWN_SERIES:
            return Metric(series, MetricType.GAUGE)
        return self.facts.metric(series)

    def labels_of(self, metric: Metric, series: str) -> frozenset[str]:
        """Name the labels that the stored series carries."""
        own = {*metric.labels, *(("le",) if series.endswith("_bucket") else ())}
        if self.honor:
            found = own | set(self.labels)
        else:
            found = {f"exported_{name}" if name in self.labels else name for name in own} | set(self.labels)
        return frozenset(name for name in found if not any(re.fullmatch(p, name) for p in self.dropped))


@functools.cache
def kube_state_metrics() -> Target:
    """The series about Kubernetes objects, which every cluster with Prometheus has."""
    table = msgspec.json.decode(_TABLE.read_bytes())
    source = table["source"]
    version = source["version"].partition(",")[0].removeprefix("v")
    facts = Facts(
        engine="kube-state-metrics",
        version=version,
        provenance=Provenance((Source(source["repository"], source["version"]),), {}),
        syntax=Syntax("pflag"),
        metrics=msgspec.convert(table["metrics"], tuple[Metric, ...]),
    )
    # its own monitor honours labels, so that `namespace` and `pod` are those of the object
    added = dict.fromkeys(("job", "instance", "endpoint", "service", "container", "pod", "namespace"), ANY)
    return Target(facts=facts, labels=added, honor=True)


def targets_of(scope: ReleaseScope) -> list[Target]:
    """List what the release's own monitors scrape."""
    found = [target for _, manifest in scope.of_kind("PodMonitor") for target in _of_pods(scope, manifest)]
    found += [target for _, manifest in scope.of_kind("ServiceMonitor") for target in _of_services(scope, manifest)]
    return found


def recorded(scope: ReleaseScope) -> frozenset[str]:
    """Name the series that the release's own rules record."""
    return frozenset(
        rule["record"]
        for _, manifest in scope.of_kind("PrometheusRule")
        for group in manifest["spec"].get("groups") or ()
        for rule in group.get("rules") or ()
        if "record" in rule
    )


def seconds(duration: str) -> float:
    """Read a duration of Prometheus: 15s, 1m30s."""
    return sum(int(count) * _SECONDS[unit] for count, unit in _DURATION.findall(duration))


# ---- monitors ----------------------------------------------------------------------------------------------


def _of_pods(scope: ReleaseScope, manifest: Manifest) -> Iterator[Target]:
    spec, metadata = manifest["spec"], manifest["metadata"]
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    for pod in scope.pods:
        if not pod.matches(selector):
            continue
        job = pod.labels.get(spec.get("jobLabel", ""), f"{metadata['namespace']}/{metadata['name']}")
        labels = {"job": job, **{_label(name): pod.labels.get(name) for name in spec.get("podTargetLabels") or ()}}
        for endpoint in spec.get("podMetricsEndpoints") or ():
            port = endpoint.get("port", endpoint.get("portNumber"))
            yield from _at_port(scope, manifest, pod, endpoint, port, labels)


def _of_services(scope: ReleaseScope, manifest: Manifest) -> Iterator[Target]:
    spec = manifest["spec"]
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    for _, service in scope.of_kind("Service"):
        own = service["metadata"].get("labels") or {}
        if any(own.get(key) != value for key, value in selector.items()):
            continue
        name = service["metadata"]["name"]
        labels = {"job": own.get(spec.get("jobLabel", ""), name), "service": name}
        labels |= {_label(key): own.get(key) for key in spec.get("targetLabels") or ()}
        for endpoint in spec.get("endpoints") or ():
            for port in service["spec"].get("ports") or ():
                if port.get("name") != endpoint.get("port"):
                    continue
                for pod in scope.pods:
                    if service["spec"].get("selector") and pod.matches(service["spec"]["selector"]):
                        aim = port.get("targetPort", port["port"])
                        yield from _at_port(scope, manifest, pod, endpoint, aim, labels)


def _at_port(
    scope: ReleaseScope,
    manifest: Manifest,
    pod: Pod,
    endpoint: Manifest,
    port: str | int | None,
    labels: dict[str, str | None],
) -> Iterator[Target]:
    for container, program in _listening(scope, pod, port):
        if program.facts is None:
            continue
        found: dict[str, str | None] = {
            "namespace": manifest["metadata"]["namespace"],
            "pod": ANY,
            "instance": ANY,
            "container": container["name"],
            "endpoint": str(endpoint.get("port", port)),
            **labels,
        }
        rules = endpoint.get("relabelings") or []
        later = endpoint.get("metricRelabelings") or []
        dropped = [_pattern(rule) for rule in later if rule.get("action", "").lower() in ("labeldrop", "labelkeep")]
        yield Target(
            facts=program.facts,
            labels=_relabelled(found, [*rules, *later]),
            engine=program.engine,
            interval_seconds=seconds(endpoint["interval"]) if "interval" in endpoint else DEFAULT_INTERVAL_SECONDS,
            honor=bool(endpoint.get("honorLabels")),
            dropped=tuple(dropped),
            dropped_series=tuple(_names(rule) for rule in later if _names(rule)),
            open=any(rule.get("action", "").lower() == "labelmap" for rule in [*rules, *later]),
            served_name=_served_name(container),
            monitor=f"{manifest['kind']}/{manifest['metadata']['name']}",
            owner=pod.owner["metadata"]["name"],
        )


def _listening(scope: ReleaseScope, pod: Pod, port: str | int | None) -> Iterator[tuple[Manifest, Program]]:
    for other, _, container, program in scope.programs:
        if other is pod and port in ports_of(container):
            yield container, program


def _served_name(container: Manifest) -> str:
    """The first name after the flag, which is the label; a list may hold further names."""
    args: list[str] = container.get("args") or []
    for index, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name.replace("_", "-") == "--served-model-name":
            return value if equals else next(iter(args[index + 1 :]), "")
    return ""


def _label(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _relabelled(labels: dict[str, str | None], rules: list[Manifest]) -> dict[str, str | None]:
    """Apply the rules of a monitor to a target's labels, as far as a manifest tells."""
    found = dict(labels)
    for rule in rules:
        action = rule.get("action", "replace").lower()
        if action == "replace" and rule.get("targetLabel"):
            known = not rule.get("sourceLabels") and "$" not in rule.get("replacement", "$1")
            found[rule["targetLabel"]] = rule["replacement"] if known else ANY
        elif action in ("labeldrop", "labelkeep"):
            pattern = _pattern(rule)
            found = {name: value for name, value in found.items() if not re.fullmatch(pattern, name)}
    return found


def _pattern(rule: Any) -> str:
    """The names that a rule takes away."""
    regex = rule.get("regex", "(.*)")
    return f"(?:{regex})" if rule["action"].lower() == "labeldrop" else rf"(?!(?:{regex})$).*"


def _names(rule: Manifest) -> str:
    """The names of series that a rule takes away, as a pattern."""
    action, regex = rule.get("action", "replace").lower(), rule.get("regex", "(.*)")
    if rule.get("sourceLabels") != ["__name__"] or action not in ("drop", "keep"):
        return ""
    return f"(?:{regex})" if action == "drop" else rf"(?!(?:{regex})$).*"
