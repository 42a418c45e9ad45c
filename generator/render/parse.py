"""Reading what `helm template` prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

SOURCE = re.compile(r"^# Source: batch/charts/([^/\n]+)/(?:charts/[^\n]*/)?templates/([^\n]+)$", re.MULTILINE)
# a number to Helm and to the API server, yet text to YAML 1.1, which wants a point before the exponent
_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
_SPLIT = re.compile(r"^---\n", re.MULTILINE)


def _whole(text: str) -> int | str:
    """12:30 is a number to YAML 1.1 only."""
    return text if ":" in text else int(text)


_NUMBERS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:int": _whole,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text in ("true", "True", "yes", "on"),
    "tag:yaml.org,2002:null": lambda text: None,
}


def build(node: Node) -> Any:
    """Make plain data of a node; whatever is not a number, a boolean or null is text."""
    if isinstance(node, ScalarNode):
        make = _NUMBERS.get(node.tag)
        if make is None:
            return float(node.value) if not node.style and _EXPONENT.fullmatch(node.value) else node.value
        return make(node.value)
    if isinstance(node, MappingNode):
        return {key.value: build(value) for key, value in node.value}
    return [build(item) for item in node.value]


def documents(text: str) -> Iterator[tuple[str, str, Any]]:
    """Yield alias, template file and object of each document; empty ones are left out.

    Raises: ValueError for a document that no alias of the batch can have printed.
    """
    for part in _SPLIT.split(text):
        if not part.strip():
            continue
        source = SOURCE.search(part)
        if source is None:
            raise ValueError(f"a document without a source of the batch: {part[:80]!r}")
        node = yaml.compose(part, Loader=yaml.CSafeLoader)
        if node is not None:
            yield source[1], source[2], build(node)
