"""Which values the templates of a chart read, found by walking its skeleton, its conditions and its notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from generator.charts.build import Chart
from generator.template.refs import TOKEN

Path = tuple[str, ...]

_ROOT = re.compile(r"@\.Values((?:\.\w+)+)")
_NOTE = re.compile(r"\.Values((?:\.\w+)+)")


def reads(chart: Chart) -> set[Path]:
    """Give the path of every value that a template reads.

    A loop's element is part of the list that the loop reads: it adds no path of its own.
    """
    found = {path for text in _texts(chart) for path in _paths(text)}
    notes = chart.files.get("templates/NOTES.txt", "")
    return found | {tuple(match[1].strip(".").split(".")) for match in _NOTE.finditer(notes)}


def _texts(chart: Chart) -> Iterator[str]:
    for part in chart.skeleton:
        yield part.condition
        yield from _strings(part.manifest)


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _paths(text: str) -> Iterator[Path]:
    for mark in TOKEN.finditer(text):
        for match in _ROOT.finditer(mark[2]):
            yield tuple(match[1].strip(".").split("."))
