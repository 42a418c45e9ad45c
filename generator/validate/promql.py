"""PromQL reads what is really there, and takes a gap for a gap.

A query on a dead metric or on a label that no scrape adds is empty, and KEDA reads that as no load: a busy model is
scaled in. So each expression is parsed, and each series in it is looked up in the facts of the very release that the
release's own monitor scrapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from generator.errors import Severity
from generator.facts import Metric, MetricType, known, load
from generator.validate.pods import Manifest, Path
from generator.validate.promql_tree import (
    RATES,
    SLOPES,
    Aggregation,
    Binary,
    Call,
    Matcher,
    Node,
    Reads,
    Series,
    inside,
    is_scalar,
    is_single,
    labels_of,
    parse,
    series_of,
    when_missing,
)
from generator.validate.renames import DEPRECATED, RENAMED
from generator.validate.scope import Finding, ReleaseScope
from generator.validate.scrapes import Target, kube_state_metrics, recorded, targets_of

# labels that name the model, by what exports them
MODEL_LABELS = ("model_name", "model")
# labels whose value follows from the manifests; a matcher on another value finds nothing
FIXED = ("job", "namespace", "container", "endpoint", "service")
# two samples make a rate; four bear one that is late
LEAST_SAMPLES, GOOD_SAMPLES = 2, 4
CLUSTER = "kube_"


# message, hint, how bad
Said = tuple[str, str, Severity]


class Query(msgspec.Struct, frozen=True):
    """One expression of an object, and the trigger around it where there is one."""

    file: str
    path: Path
    text: str
    trigger: Manifest | None = None
    # name of the workload that the trigger scales
    scales: str = ""

    def finding(self, message: str, hint: str, severity: Severity = Severity.ERROR) -> Finding:
        """Say something of this expression."""
        return Finding(self.file, self.path, message, hint, severity)


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find expressions that cannot be read, read what is not there, or take a gap for no load."""
    queries = list(_queries(scope))
    if not queries:
        return
    reader = _Reader(scope)
    for query in queries:
        try:
            tree = parse(query.text)
        except ValueError as error:
            yield query.finding(f"Prometheus cannot read the query: {error}", "try it with `promtool promql format`")
            continue
        yield from reader.read(query, tree)


def _queries(scope: ReleaseScope) -> Iterator[Query]:
    for file, manifest in scope.of_kind("ScaledObject"):
        for index, trigger in enumerate(manifest["spec"].get("triggers") or ()):
            query = (trigger.get("metadata") or {}).get("query")
            if trigger.get("type") == "prometheus" and query is not None:
                scales = (manifest["spec"].get("scaleTargetRef") or {}).get("name", "")
                yield Query(file, ("spec", "triggers", index, "metadata", "query"), query, trigger, scales)
    for file, manifest in scope.of_kind("PrometheusRule"):
        for number, group in enumerate(manifest["spec"].get("groups") or ()):
            for index, rule in enumerate(group.get("rules") or ()):
                yield Query(file, ("spec", "groups", number, "rules", index, "expr"), str(rule.get("expr", "")))


class _Reader:
    """Knows what is scraped, and reads one expression after another."""

    def __init__(self, scope: ReleaseScope) -> None:
        self.scope = scope
        self.targets = targets_of(scope)
        self.recorded = recorded(scope)
        # a program that nobody has read: another check says so
        self.unread = any(program.facts is None for *_, program in scope.programs)

    def read(self, query: Query, tree: Node) -> Iterator[Finding]:
        """Say everything of one expression."""
        nodes = tuple(inside(tree))
        read = tuple(dict.fromkeys(node for node in nodes if isinstance(node, Series)))
        there = True
        for series in read:
            for found in self._series(query, series):
                there = there and found[2] is Severity.WARNING
                yield query.finding(*found)
        for message, hint in (*self._functions(nodes), *_ratios(nodes)):
            yield query.finding(message, hint)
        if there:
            # of series that are not there nothing more can be said
            yield from (query.finding(*item) for item in self._matches(nodes))
        if query.trigger is not None:
            yield from (query.finding(*item) for item in _one_element(tree))
            yield from (query.finding(*item) for item in self._counters(read))
            yield from (query.finding(*item) for item in _absence(query.trigger, tree, read))

    # ---- series ------------------------------------------------------------------------------------------------

    def _series(self, query: Query, series: Series) -> Iterator[Said]:
        if series.name in self.recorded:
            return
        if series.name.startswith(CLUSTER):
            yield from _of_cluster(self.scope, series)
            return
        if not series.name:
            message = "the query names no metric: it reads whatever carries the labels"
            yield message, "write the metric's name", Severity.ERROR
            return
        exporting = [target for target in self.targets if target.metric(series.name) is not None]
        if not exporting:
            if not self.unread:
                yield self._unknown(series)
            return
        wrong = [list(_mismatches(target, series)) for target in exporting]
        fitting = [target for target, reasons in zip(exporting, wrong, strict=True) if not reasons]
        if fitting:
            yield from self._fits(query, series, fitting)
        else:
            yield min(wrong, key=len)[0]

    def _fits(self, query: Query, series: Series, fitting: list[Target]) -> Iterator[Said]:
        mixed = [target for target in fitting if not target.engine]
        if mixed and len(mixed) < len(fitting):
            message = f"{series.name} is exported by {mixed[0].program} too, for the same requests: they count twice"
            yield message, 'filter by the engine\'s job="<namespace>/<monitor>"', Severity.ERROR
        elif not any(_narrows(matcher) for matcher in series.matchers):
            message = f"{series.name} is read of every model and namespace of the cluster"
            yield message, f'filter by job="{fitting[0].labels.get("job")}"', Severity.ERROR
        else:
            yield from self._of_target(query, series, fitting)
        if series.name in DEPRECATED:
            yield f"{series.name} is deprecated: {DEPRECATED[series.name]}", "use what replaced it", Severity.WARNING

    def _of_target(self, query: Query, series: Series, fitting: list[Target]) -> Iterator[Said]:
        """A trigger reads the load of the pods that it scales, and of no others."""
        scaled = query.scales
        own = [target for target in self.targets if target.engine and target.owner == scaled]
        others = sorted({target.owner for target in fitting if target.engine and target.owner != scaled})
        if own and others:
            message = f"{series.name} is that of {_listed(others)} too, and the trigger scales {scaled}"
            if not any(target.owner == scaled for target in fitting):
                message = f"{series.name} is that of {_listed(others)}, and the trigger scales {scaled}"
            yield message, f'filter by job="{own[0].labels.get("job")}"', Severity.ERROR

    def _unknown(self, series: Series) -> Said:
        job = next((m.value for m in series.matchers if m.name == "job" and m.sign == "="), None)
        asked = [target for target in self.targets if target.labels.get("job") == job] or self.targets
        if not asked:
            message = f"nothing of this release is scraped, so {series.name} is never there"
            return message, "enable its monitor", Severity.ERROR
        programs = list(dict.fromkeys(target.program for target in asked))
        message = f"{' and '.join(programs)} {'exports' if len(programs) == 1 else 'export'} no {series.name}"
        if any("metrics" in target.facts.incomplete for target in asked):
            # what nobody read may be there
            return f"{message}, as far as is known", _hint(asked[0], series.name), Severity.WARNING
        return message, _hint(asked[0], series.name), Severity.ERROR

    # ---- functions ---------------------------------------------------------------------------------------------

    def _metric(self, series: Series) -> Metric | None:
        if series.name.startswith(CLUSTER):
            return kube_state_metrics().metric(series.name)
        return next((found for target in self.targets if (found := target.metric(series.name)) is not None), None)

    def _is_counter(self, series: Series) -> bool | None:
        """Tell whether a series only grows; None where nobody knows."""
        metric = self._metric(series)
        if metric is None or metric.type is MetricType.UNKNOWN:
            return None
        part = series.name != metric.name and series.name.endswith(("_bucket", "_count", "_sum"))
        return metric.type is MetricType.COUNTER or part

    def _functions(self, nodes: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
        for node in nodes:
            if not isinstance(node, Call) or not node.arguments:
                continue
            inner = node.arguments[-1 if node.name == "quantile_over_time" else 0]
            if isinstance(inner, Series):
                yield from self._over_time(node.name, inner)
            if node.name == "histogram_quantile":
                yield from _quantile(node)

    def _over_time(self, function: str, series: Series) -> Iterator[tuple[str, str]]:
        counter = self._is_counter(series)
        if function in RATES and counter is False:
            message = f"{function} takes each fall of {series.name} for a restart: it is a gauge"
            yield message, "use deriv or delta for a gauge, or a counter"
        elif function in SLOPES and counter is True:
            yield f"{function} of {series.name} breaks at each restart: it is a counter", "use rate for a counter"
        if function in RATES and series.window_seconds is not None:
            interval = max((t.interval_seconds for t in self.targets if t.metric(series.name)), default=0.0)
            if series.window_seconds < LEAST_SAMPLES * interval:
                message = f"a window of {series.window_seconds:g}s holds one sample, every {interval:g}s: never a rate"
                yield message, f"use a window of {GOOD_SAMPLES * interval:g}s or more"

    def _counters(self, read: tuple[Series, ...]) -> Iterator[tuple[str, str]]:
        """Counters that come out as they are: a figure that only grows."""
        for series in read:
            if series.window_seconds is None and self._is_counter(series):
                message = f"{series.name} only grows: sooner or later it asks for the maximum, and never for less"
                yield message, f"use rate({series.name}[...]), or a gauge"

    # ---- how elements meet -------------------------------------------------------------------------------------

    def _labels(self, series: Series) -> frozenset[str] | None:
        if series.name.startswith(CLUSTER):
            candidates = [kube_state_metrics()]
        else:
            candidates = [t for t in self.targets if t.metric(series.name) and not any(_mismatches(t, series))]
        found = set[frozenset[str] | None]()
        for target in candidates:
            metric = target.metric(series.name)
            vague = metric is None or metric.more_labels or metric.type is MetricType.UNKNOWN or target.open
            found.add(None if vague or metric is None else target.labels_of(metric, series.name))
        return found.pop() if len(found) == 1 else None

    def _matches(self, nodes: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
        """Two sides whose elements can never have equal labels."""
        for node in nodes:
            if not isinstance(node, Binary) or node.sign == "or" or is_scalar(node.left) or is_scalar(node.right):
                continue
            left, right = labels_of(node.left, self._labels), labels_of(node.right, self._labels)
            if left is None or right is None or node.on is not None:
                continue
            ignored = node.ignoring or frozenset()
            apart = sorted((left ^ right) - ignored)
            if apart:
                message = f"the two sides of `{node.sign}` never meet: only one has {_listed(apart)}"
                yield message, "aggregate both by the same labels, or match with on(...)"


# ---- one series --------------------------------------------------------------------------------------------


def _mismatches(target: Target, series: Series) -> Iterator[Said]:
    """Why no series of a target passes the matchers."""
    metric = target.metric(series.name)
    if metric is None:
        return
    labels = target.labels_of(metric, series.name)
    vague = metric.more_labels or metric.type is MetricType.UNKNOWN or target.open
    for matcher in series.matchers:
        name, value = matcher.name, target.labels.get(matcher.name)
        if name in labels and value is not None and name in FIXED:
            if not matcher.takes(value):
                message = f"no {series.name} has {matcher}: its {name} is {value}"
                yield message, f'write {name}="{value}"', Severity.ERROR
        elif name not in labels and not vague and not matcher.takes(""):
            seen = f", as {target.monitor} scrapes it" if target.monitor else ""
            message = f"{series.name} of {target.program} never has the label {name}{seen}"
            yield message, f"its labels are {_listed(sorted(labels))}", Severity.ERROR
        elif name in MODEL_LABELS and target.served_name and not matcher.takes(target.served_name):
            message = f"no {series.name} has {matcher}: the engine is served as {target.served_name}"
            yield message, f'write {name}="{target.served_name}"', Severity.ERROR


def _of_cluster(scope: ReleaseScope, series: Series) -> Iterator[Said]:
    """A series about objects: it exists, and its object is one of the release."""
    target = kube_state_metrics()
    metric = target.metric(series.name)
    if metric is None:
        near = target.facts.nearest_metric(series.name)
        hint = f"did you mean {near}?" if near else "its documentation lists what it exports"
        yield f"{target.program} exports no {series.name}", hint, Severity.ERROR
        return
    yield from _mismatches(target, series)
    exact = {m.name: m for m in series.matchers if m.sign == "="}
    namespace = scope.resolved.namespace
    right = f'namespace="{namespace}"'
    if "namespace" not in exact:
        message = f"{series.name} is read of every namespace of the cluster"
        yield message, f"filter by {right}", Severity.ERROR
    elif not exact["namespace"].takes(namespace):
        message = f"no {series.name} of this release has {exact['namespace']}"
        yield message, f"write {right}", Severity.ERROR
    for label, kind in (("deployment", "Deployment"), ("statefulset", "StatefulSet")):
        names = [name for of, name in scope.by_name if of == kind]
        if label in metric.labels and label in exact and exact[label].value not in names:
            hint = f"its {kind}s: {_listed(names)}" if names else f"it has no {kind}"
            yield f"the release has no {kind} {exact[label].value}", hint, Severity.ERROR


def _narrows(matcher: Matcher) -> bool:
    """Tell whether a matcher leaves one release only."""
    return matcher.sign == "=" and matcher.value != "" and matcher.name in ("job", *MODEL_LABELS)


def _hint(target: Target, series: str) -> str:
    """What to read instead of a series that a program does not export."""
    facts = target.facts
    if series in RENAMED:
        return RENAMED[series]
    base, suffix = _parts(series)
    if suffix and base in RENAMED:
        return RENAMED[base]
    family = next((metric for metric in facts.metrics if metric.name == series), None)
    if family is not None and family.type is MetricType.HISTOGRAM:
        return f"it is a histogram: use {series}_bucket, {series}_sum or {series}_count"
    if base != series and (stored := facts.metric(base)) is not None:
        return f"{base} is a {stored.type.value}, without {suffix}: use {base}"
    near = facts.nearest_metric(series)
    if near is not None:
        return f"did you mean {near}?"
    having = [
        version for version in known(facts.engine) if version != facts.version and _has(facts.engine, version, series)
    ]
    if having:
        return f"{facts.engine} {', '.join(having)} has it: look what replaced it"
    return f"`modelyard facts` lists what {target.program} exports"


def _has(engine: str, version: str, series: str) -> bool:
    return load(engine, version).metric(series) is not None


def _parts(series: str) -> tuple[str, str]:
    for suffix in ("_bucket", "_count", "_sum", "_total"):
        if series.endswith(suffix):
            return series.removesuffix(suffix), suffix
    return series, ""


def _listed(names: list[str]) -> str:
    return ", ".join(names)


# ---- whole expressions -------------------------------------------------------------------------------------


def _one_element(tree: Node) -> Iterator[tuple[str, str]]:
    if is_scalar(tree):
        # Source: kedacore/keda v2.21.0 pkg/scalers/prometheus_scaler.go: the answer is read as a vector
        yield "the query gives a bare number, and KEDA reads elements only", "wrap it into vector(...)"
    elif not is_single(tree):
        message = "the query can give more than one element; KEDA takes exactly one, else it fails"
        yield message, "put one sum(...) or max(...) around the whole"


def _quantile(node: Call) -> Iterator[tuple[str, str]]:
    inner = node.arguments[-1]
    for part in inside(inner):
        if isinstance(part, Aggregation) and not _keeps(part, "le"):
            yield "histogram_quantile needs the label le, and the aggregation drops it", "aggregate by (le, ...)"
            return
    for series in series_of(inner):
        if not series.name.endswith("_bucket"):
            message = f"histogram_quantile reads buckets, and {series.name} is none"
            yield message, "use the histogram's ..._bucket"


def _keeps(node: Node, label: str) -> bool:
    """Tell whether elements still carry a label of the series below."""
    return label in (labels_of(node, partial(_has_label, label)) or ())


def _has_label(label: str, series: Series) -> frozenset[str]:
    return frozenset((label,))


def _ratios(nodes: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    """A share of one metric by itself: each element is divided by its own twin."""
    for node in nodes:
        if not isinstance(node, Binary) or node.sign != "/":
            continue
        left, right = series_of(node.left), series_of(node.right)
        if len(left) != 1 or len(right) != 1 or left[0].name != right[0].name:
            continue
        differ = sorted({m.name for m in set(left[0].matchers) ^ set(right[0].matchers)})
        kept = [name for name in differ if _keeps(node.left, name) and _keeps(node.right, name)]
        ignored = node.ignoring or frozenset()
        kept = [name for name in kept if name not in ignored and (node.on is None or name in node.on)]
        if kept:
            message = (
                f"each {left[0].name} of the left side is divided by itself, since {_listed(kept)} is kept on both "
                "sides: the share is always 1"
            )
            yield message, f"aggregate {_listed(kept)} away on both sides: sum(...) / sum(...)"


def _absence(trigger: Manifest, tree: Node, read: tuple[Series, ...]) -> Iterator[tuple[str, str]]:
    """What the trigger says while the engine's series are missing, and then those of the cluster too."""
    metadata = trigger.get("metadata") or {}
    strict = str(metadata.get("ignoreNullValues", "true")).lower() == "false"
    if all(series.name.startswith(CLUSTER) for series in read):
        return
    gap = when_missing(tree, lambda series: not series.name.startswith(CLUSTER))
    dark = when_missing(tree, lambda _: True)
    if gap is Reads.CONSTANT:
        message = "while the engine is not scraped the query gives a constant: a gap reads as no load"
        yield message, "put `or max(kube_deployment_status_replicas{...}) * <target>` before the constant"
    elif Reads.NOTHING in (gap, dark) and not strict:
        message = "an empty answer counts as 0 here, so a gap in the scrape reads as no load"
        yield message, 'set ignoreNullValues: "false", or end the query with an arm that is always there'
