"""What one release of an engine adds, removes, renames and changes against another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from generator.facts.model import Facts, Flag, Metric, Variable
from generator.facts.renamed import Rename, renamed_flags, renamed_metrics

# without a list of them every value is taken
_OPEN_WHEN_EMPTY = frozenset(("choices", "keys"))
_LISTS = frozenset(("aliases", "choices", "keys", "labels", "negations"))
# properties that break something where they are new, and where they are others; one that was not known is neither
_NEW = frozenset(("deprecated", "nargs", "removed_in", "required", "server_only"))
_OTHER = frozenset(("default", "type"))


class Change(msgspec.Struct, frozen=True):
    """One name that an upgrade adds, removes, renames or changes; `what` says which property changed and how."""

    section: str
    name: str
    kind: str  # "added", "removed", "renamed" or "changed"
    what: str = ""
    to: str = ""  # the new name of a renamed one
    breaking: bool = False  # what was right before may be wrong or mean something else now


def compare(old: Facts, new: Facts) -> tuple[Change, ...]:
    """List the changes from one release to another, by section and name."""
    changes = [
        *_compare("flags", _named(old.flags), _named(new.flags), renamed_flags(old, new)),
        *_compare("environment", _named(old.environment), _named(new.environment), {}),
        *_compare("metrics", _named(old.metrics), _named(new.metrics), renamed_metrics(old, new)),
    ]
    for registry in sorted({*old.registries, *new.registries}):
        before, after = old.registry(registry), new.registry(registry)
        changes += _compare(registry, dict.fromkeys(before), dict.fromkeys(after), {})
    return tuple(changes)


def _named(entries: Iterable[Flag | Variable | Metric]) -> dict[str, Flag | Variable | Metric | None]:
    return {entry.name: entry for entry in entries}


def _compare(
    section: str,
    old: Mapping[str, Flag | Variable | Metric | None],
    new: Mapping[str, Flag | Variable | Metric | None],
    renames: Mapping[str, Rename],
) -> list[Change]:
    changes = []
    heirs = {rename.new for rename in renames.values()}
    for name in sorted({*old, *new}):
        if name in renames:
            changes.append(_renamed(section, name, old[name], new[renames[name].new], renames[name]))
        elif name not in old and name in heirs:
            continue
        elif name not in new:
            changes.append(Change(section, name, "removed", breaking=True))
        elif name not in old:
            changes.append(Change(section, name, "added"))
        elif old[name] != new[name]:
            differences = _differences(old[name], new[name])
            what = ", ".join(text for text, _ in differences)
            breaking = any(breaks for _, breaks in differences)
            changes.append(Change(section, name, "changed", what, breaking=breaking))
    return changes


def _renamed(section: str, name: str, old: object, new: object, rename: Rename) -> Change:
    """Write the evidence, the spellings that are gone, and what changed besides the name."""
    differences = _differences(old, new, beside=("aliases", "name"))
    words = [rename.rule, *(f"{spelling} is gone" for spelling in rename.gone), *(text for text, _ in differences)]
    breaking = bool(rename.gone) or any(breaks for _, breaks in differences)
    return Change(section, name, "renamed", ", ".join(words), rename.new, breaking)


def _differences(old: object, new: object, *, beside: tuple[str, ...] = ()) -> list[tuple[str, bool]]:
    """Write each property that differs as `default 1 -> 2`, a list as `choices +a -b`, and whether it may break."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    keys = [key for key in sorted({*before, *after} - {*beside}) if before.get(key) != after.get(key)]
    return [_difference(key, before.get(key), after.get(key)) for key in keys]


def _difference(key: str, before: object, after: object) -> tuple[str, bool]:
    if key in _LISTS:
        if key in _OPEN_WHEN_EMPTY and not (before and after):
            return f"{key} {'no longer listed' if before else 'now listed'}", bool(after)
        earlier, later = _items(before), _items(after)
        words = [*(f"+{item}" for item in later if item not in earlier)]
        words += [f"-{item}" for item in earlier if item not in later]
        return f"{key} {' '.join(words) or 'in another order'}", any(item not in later for item in earlier)
    return f"{key} {_short(before)} -> {_short(after)}", key in _NEW or (key in _OTHER and before is not None)


def _items(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _short(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
