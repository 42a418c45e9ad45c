"""Metrics of programs whose source is in no package: kept by hand, by release.

Sources: for vllm-router `src/metrics.rs` of vllm-project/router and the names in the 0.1.17 binary; for Dynamo a
frontend and a mocker worker that were run on loopback, and the source for what they did not show.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from generator.facts.model import Metric, MetricType

FOLDER = Path(__file__).parent / "tables"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One metric of a table; `exporter` says which program of a stack serves it."""

    name: str
    type: MetricType
    labels: tuple[str, ...]
    exporter: str = ""
    more_labels: bool = False


def metrics(program: str, version: str, *, exporters: tuple[str, ...] = ("",)) -> tuple[Metric, ...]:
    """List the metrics of one program of a release; none if there is no table of that release."""
    file = FOLDER / f"{program}-{version}.json"
    if not file.is_file():
        return ()
    rows = msgspec.json.decode(file.read_bytes(), type=list[Row])
    chosen = [row for row in rows if row.exporter in exporters]
    return tuple(Metric(row.name, row.type, row.labels, more_labels=row.more_labels) for row in chosen)
