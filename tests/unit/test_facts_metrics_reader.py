"""Metrics read from Python source without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.facts import Metric, MetricType
from generator.facts.extract.metrics import Reading, read

READING = Reading(
    prefixes=("e:",),
    labels={"labelnames": ("model_name", "engine")},
    class_labels={"Collector": ("rank",)},
    metadata_labels=("model_name",),
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return tmp_path


def metrics(package: Path, source: str) -> dict[str, Metric]:
    (package / "metrics.py").write_text(source)
    return {metric.name: metric for metric in read(package, READING)}


def test_a_constructor_with_positional_arguments_is_read(package: Path) -> None:
    found = metrics(package, 'G = Gauge("e:running", "text", ["model_name"])')
    assert found == {"e:running": Metric("e:running", MetricType.GAUGE, ("model_name",))}


def test_a_counter_is_named_as_it_is_scraped(package: Path) -> None:
    assert list(metrics(package, 'C = Counter(name="e:tokens", labelnames=[])')) == ["e:tokens_total"]


def test_a_counter_that_says_total_gets_no_second_one(package: Path) -> None:
    assert list(metrics(package, 'C = Counter("e:tokens_total", "text")')) == ["e:tokens_total"]


def test_a_class_kept_in_an_attribute_is_read(package: Path) -> None:
    source = """
class Logger:
    def __init__(self, labelnames):
        self.h = self._histogram_cls(name="e:wait", labelnames=labelnames + ["reason"])
"""
    metric = metrics(package, source)["e:wait"]
    assert (metric.type, metric.labels) == (MetricType.HISTOGRAM, ("model_name", "engine", "reason"))


def test_names_in_a_list_that_is_looped_over_are_read(package: Path) -> None:
    source = """
def make(self, labelnames):
    specs = [("e:drafts", "text"), ("e:accepted", "text")]
    return [self._counter_cls(name=name, documentation=doc, labelnames=labelnames) for name, doc in specs]
"""
    assert set(metrics(package, source)) == {"e:drafts_total", "e:accepted_total"}


def test_a_table_of_metadata_is_read_with_constants_of_another_file(package: Path) -> None:
    (package / "names.py").write_text('class Names:\n    LOAD = "e:load"  # metric\n')
    source = 'TABLE = {Names.LOAD: OffloadGaugeMetadata(documentation="text", labelnames=("tier",))}'
    assert metrics(package, source)["e:load"].labels == ("model_name", "tier")


def test_labels_that_a_class_is_given_are_those_said_of_it(package: Path) -> None:
    source = """
class Collector:
    def __init__(self, labels):
        self.g = Gauge(name="e:queue", documentation="text", labelnames=labels.keys())
"""
    metric = metrics(package, source)["e:queue"]
    assert (metric.labels, metric.more_labels) == (("rank",), True)


def test_labels_that_the_source_does_not_say_are_marked(package: Path) -> None:
    assert metrics(package, 'G = Gauge("e:info", "text", labels_of(config))')["e:info"].more_labels


def test_metrics_of_others_and_other_counters_are_left_out(package: Path) -> None:
    assert metrics(package, 'A = Counter("words")\nB = Gauge("other:x", "text")\nC = make_counter("e:x")') == {}


def test_two_declarations_of_one_name_are_joined(package: Path) -> None:
    found = metrics(package, 'A = Gauge("e:x", "t", ["a"])\nB = Gauge("e:x", "t", ["b"])')
    assert found["e:x"].labels == ("a", "b")
