"""What an upgrade of an engine touches: flags that charts spell, parsers that models name, metrics that are queried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from generator import recipes
from generator.charts.build import Chart
from generator.facts import Facts
from generator.model.axes import Engine, Stack
from generator.sources.catalog import Variant
from generator.sources.load import Sources
from generator.template.emit import control

_WORD = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_REGISTRIES = {"tool_parsers": "tool", "reasoning_parsers": "reasoning"}


class User(msgspec.Struct, frozen=True, order=True):
    """Who uses a name: a chart, a model, a release, a dashboard."""

    what: str
    name: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}"


Users = Mapping[tuple[str, str], frozenset[User]]


def users(root: Path, sources: Sources, charts: Mapping[str, Chart], old: Facts, new: Facts) -> Users:
    """Find who uses which name of an engine, by section of its facts and by name."""
    found: dict[tuple[str, str], set[User]] = {}
    for section, word, user in _uses(root, sources, charts, old.engine):
        for facts in (old, new):
            name = _known_as(facts, section, word)
            if name:
                found.setdefault((section, name), set()).add(user)
    return {key: frozenset(names) for key, names in found.items()}


def _known_as(facts: Facts, section: str, word: str) -> str | None:
    """Give the name under which a change would list a word."""
    if section == "flags":
        flag = facts.flag(word)
        return flag.name if flag else None
    if section == "metrics":
        metric = facts.metric(word)
        return metric.name if metric else None
    if section == "environment":
        return word if facts.variable(word) else None
    return word


def _uses(root: Path, sources: Sources, charts: Mapping[str, Chart], engine: str) -> Iterator[tuple[str, str, User]]:
    for recipe in recipes.charts():
        own = programs(sources, recipe.engine, recipe.stack)
        if recipe.chart in charts and engine in own.values():
            yield from _of_chart(charts[recipe.chart], own, engine)
    for name, source in sources.models.items():
        mine = [v for v in source.value.variants.values() if _runs(sources, v) == engine]
        user = User("model", name)
        for tree in (source.value.values if mine else {}, *(variant.values for variant in mine)):
            yield from _of_values(tree, user)
        yield from _of_model(source.value, engine, mine, user)
    for environment, group in sources.environments.items():
        for name, release in group.releases.items():
            model = sources.models.get(release.value.model)
            chosen = model.value.variants.get(release.value.variant) if model else None
            if chosen is not None and _runs(sources, chosen) == engine:
                yield from _of_values(release.value.values, User("release", f"{environment}/{name}"))
    for file in sorted((root / "dashboards").glob("*.json")):
        yield from _of_text(file.read_text(encoding="utf-8"), User("dashboard", file.stem))


def programs(sources: Sources, engine: Engine, stack: Stack) -> dict[str, str]:
    """Name the facts of each program of a recipe: the engine's container first, then those of the stack."""
    source = sources.stacks[stack].value
    release = next(item for item in source.releases if item.version == source.default)
    carried = {name: file.partition("/")[0] for name, file in release.facts.items()}
    container = recipes.STACKS[stack].runtime(recipes.ENGINES[engine]).container
    return {**carried, container: carried.get(engine.value, engine.value)}


def _runs(sources: Sources, variant: Variant) -> str:
    container = recipes.STACKS[variant.stack].runtime(recipes.ENGINES[variant.engine]).container
    return programs(sources, variant.engine, variant.stack)[container]


def _of_chart(chart: Chart, own: Mapping[str, str], engine: str) -> Iterator[tuple[str, str, User]]:
    user = User("chart", chart.name)
    for template in chart.skeleton:
        for node in _maps(template.manifest):
            if isinstance(node.get("args"), list) and _program(node, own) == engine:
                for word in _words([*_list(node.get("command")), *node["args"]]):
                    yield "flags", word, user
                for item in _maps(_list(node.get("env"))):
                    yield "environment", str(item.get("name", "")), user
            for key in ("query", "expr"):
                yield from _of_text(str(node.get(key, "")), user)


def _program(container: Mapping[str, Any], own: Mapping[str, str]) -> str | None:
    """Name the facts of a container: by `python3 -m stack.program` where the stack starts modules, else by its name."""
    command = _list(container.get("command"))
    module = str(command[2]).rpartition(".")[2] if command[1:2] == ["-m"] else ""
    return own.get(module) or own.get(str(container.get("name")))


def _of_values(tree: Any, user: User) -> Iterator[tuple[str, str, User]]:
    """Find the flags and variables that people added by hand."""
    for node in _maps(tree):
        for word in _words(_list(node.get("extraArgs"))):
            yield "flags", word, user
        for item in _maps(_list(node.get("extraEnv"))):
            yield "environment", str(item.get("name", "")), user


def _of_model(model: Any, engine: str, mine: list[Variant], user: User) -> Iterator[tuple[str, str, User]]:
    names = {engine, *(variant.engine.value for variant in mine)}
    for name in names & set(model.parsers):
        for registry, field in _REGISTRIES.items():
            yield registry, getattr(model.parsers[name], field) or "", user
    if mine and model.architecture.name:
        yield "architectures", model.architecture.name, user


def _of_text(text: str, user: User) -> Iterator[tuple[str, str, User]]:
    return (("metrics", word, user) for word in _WORD.findall(text))


def _maps(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _maps(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _maps(value)


def _words(items: list[Any]) -> Iterator[str]:
    """List the flags of an argument list, those under a condition too."""
    for item in items:
        block = control(item)
        if block is not None:
            yield from _words(_list(block[2]))
        elif isinstance(item, str) and item.startswith("-"):
            yield item.partition("=")[0].partition(".")[0]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
