"""What one release of an engine adds, removes and changes against another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from generator.facts.model import Facts, Flag, Metric, Variable


class Change(msgspec.Struct, frozen=True):
    """One name that an upgrade adds, removes or changes; `what` says which property changed and how."""

    section: str
    name: str
    kind: str  # "added", "removed" or "changed"
    what: str = ""


def compare(old: Facts, new: Facts) -> tuple[Change, ...]:
    """List the changes from one release to another, by section and name."""
    changes = [
        *_compare("flags", _named(old.flags), _named(new.flags)),
        *_compare("environment", _named(old.environment), _named(new.environment)),
        *_compare("metrics", _named(old.metrics), _named(new.metrics)),
    ]
    for registry in sorted({*old.registries, *new.registries}):
        before, after = old.registry(registry), new.registry(registry)
        changes += _compare(registry, dict.fromkeys(before), dict.fromkeys(after))
    return tuple(changes)


def _named(entries: Iterable[Flag | Variable | Metric]) -> dict[str, Flag | Variable | Metric | None]:
    return {entry.name: entry for entry in entries}


def _compare(
    section: str,
    old: Mapping[str, Flag | Variable | Metric | None],
    new: Mapping[str, Flag | Variable | Metric | None],
) -> list[Change]:
    changes = []
    for name in sorted({*old, *new}):
        if name not in new:
            changes.append(Change(section, name, "removed"))
        elif name not in old:
            changes.append(Change(section, name, "added"))
        elif old[name] != new[name]:
            changes.append(Change(section, name, "changed", _what(old[name], new[name])))
    return changes


def _what(old: object, new: object) -> str:
    """Write each property that differs as `default 1 -> 2`."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return ", ".join(f"{key} {_short(before.get(key))} -> {_short(after.get(key))}" for key in keys)


def _short(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
