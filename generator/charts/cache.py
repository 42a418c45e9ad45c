"""All charts at once, made again only when something that they depend on has changed.

The key is a hash of exactly these: the code of the rooms that charts are made from, what the catalog says
of engines and stacks, the schemas behind pass-through values, and the lock, which pins cdk8s and Node.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from generator.charts.base import BASE_CHARTS
from generator.charts.build import Chart, build, build_base
from generator.model.axes import Recipe

CODE = Path(__file__).resolve().parents[1]
ROOMS = (
    "charts",
    "contract.py",
    "dump.py",
    "engines",
    "model",
    "objects",
    "recipes.py",
    "scaling",
    "schemas",
    "stacks",
    "template",
    "topologies",
    "values",
)

Tree = dict[str, Any]


class Standing(msgspec.Struct, frozen=True):
    """What the catalog says of a recipe whatever the model: its values, and the engine's version."""

    values: Tree
    engine_version: str


def key(root: Path, standing: Mapping[Recipe, Standing]) -> str:
    """Hash everything that charts are made from."""
    digest = hashlib.sha256()
    for room in ROOMS:
        place = CODE / room
        files = [place] if place.suffix else sorted(place.rglob("*.py"))
        for file in files:
            digest.update(f"{file.relative_to(CODE)}\0".encode())
            digest.update(file.read_bytes())
    for extra in (root / "requirements.lock", root / "schemas" / "PROVENANCE.yaml"):
        if extra.exists():
            digest.update(extra.read_bytes())
    for recipe in sorted(standing, key=lambda r: r.chart):
        digest.update(msgspec.json.encode([recipe.chart, standing[recipe]], order="sorted"))
    return digest.hexdigest()


def all_charts(root: Path, standing: Mapping[Recipe, Standing], *, cached: bool) -> dict[str, Chart]:
    """Give every chart by name, from the cache where nothing has changed."""
    if not cached:
        return _make(standing)
    file = root / ".cache" / "charts" / f"{key(root, standing)}.json"
    with contextlib.suppress(OSError, msgspec.DecodeError):
        charts = msgspec.json.decode(file.read_bytes(), type=list[Chart])
        return {chart.name: chart for chart in charts}
    made = _make(standing)
    _keep(file, made)
    return made


def _make(standing: Mapping[Recipe, Standing]) -> dict[str, Chart]:
    made = [build(recipe, found.values, found.engine_version) for recipe, found in standing.items()]
    made += [build_base(chart) for chart in BASE_CHARTS]
    return {chart.name: chart for chart in sorted(made, key=lambda chart: chart.name)}


def _keep(file: Path, charts: Mapping[str, Chart]) -> None:
    # a cache that cannot be written is a slower build, not a failed one
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        for old in file.parent.iterdir():
            old.unlink()
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.json.encode(list(charts.values())))
        part.replace(file)
