"""What one release of an engine adds, removes, renames and changes against another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from generator.facts.model import Facts, Field, Flag, Metric, Variable
from generator.facts.renamed import Rename, renamed_flags, renamed_metrics

Entry: TypeAlias = Flag | Variable | Metric | Field

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
    sections: tuple[tuple[str, Iterable[Entry], Iterable[Entry], Mapping[str, Rename]], ...] = (
        ("flags", old.flags, new.flags, renamed_flags(old, new)),
        ("environment", old.environment, new.environment, {}),
        ("metrics", old.metrics, new.metrics, renamed_metrics(old, new)),
        ("config", old.config, new.config, {}),
    )
    changes: list[Change] = []
    for section, before, after, renames in sections:
        changes += _compare(section, _named(before), _named(after), renames, _Unread.of(section, old, new))
    for registry in sorted({*old.registries, *new.registries}):
        names = [dict.fromkeys(facts.registry(registry)) for facts in (old, new)]
        changes += _compare(registry, names[0], names[1], {}, _Unread.of(registry, old, new))
    return tuple(changes)


class _Unread(msgspec.Struct, frozen=True):
    """What either release's list of a section may lack: names, and properties of those that it has."""

    old: frozenset[str]
    new: frozenset[str]

    @classmethod
    def of(cls, section: str, old: Facts, new: Facts) -> _Unread:
        """Take what the facts say of the section: `config` for its names, `config.default` for a property."""
        return cls(*(frozenset(_below(section, facts.incomplete)) for facts in (old, new)))

    def names(self, name: str, old: Mapping[str, object], new: Mapping[str, object]) -> bool:
        """Whether a name that one list lacks may be there all the same."""
        return (name not in old and "" in self.old) or (name not in new and "" in self.new)

    def properties(self, key: str, old: Mapping[str, object], new: Mapping[str, object]) -> bool:
        """Whether a property that one entry lacks was not read."""
        return (key not in old and key in self.old) or (key not in new and key in self.new)


def _below(section: str, incomplete: Iterable[str]) -> Iterator[str]:
    """Cut the section off: nothing is left of itself, and the property's name of one."""
    for word in incomplete:
        head, _, tail = word.partition(".")
        if head == section:
            yield tail


def _named(entries: Iterable[Entry]) -> dict[str, Entry | None]:
    return {entry.name: entry for entry in entries}


def _compare(
    section: str,
    old: Mapping[str, Entry | None],
    new: Mapping[str, Entry | None],
    renames: Mapping[str, Rename],
    unread: _Unread,
) -> list[Change]:
    changes = []
    heirs = {rename.new for rename in renames.values()}
    for name in sorted({*old, *new}):
        if name in renames:
            changes.append(_renamed(section, name, old[name], new[renames[name].new], renames[name], unread))
        elif (name not in old and name in heirs) or unread.names(name, old, new):
            continue
        elif name not in new:
            changes.append(Change(section, name, "removed", breaking=True))
        elif name not in old:
            changes.append(Change(section, name, "added"))
        elif differences := _differences(old[name], new[name], unread):
            what = ", ".join(text for text, _ in differences)
            breaking = any(breaks for _, breaks in differences)
            changes.append(Change(section, name, "changed", what, breaking=breaking))
    return changes


def _renamed(section: str, name: str, old: object, new: object, rename: Rename, unread: _Unread) -> Change:
    """Write the evidence, the spellings that are gone, and what changed besides the name."""
    differences = _differences(old, new, unread, beside=("aliases", "name"))
    words = [rename.rule, *(f"{spelling} is gone" for spelling in rename.gone), *(text for text, _ in differences)]
    breaking = bool(rename.gone) or any(breaks for _, breaks in differences)
    return Change(section, name, "renamed", ", ".join(words), rename.new, breaking)


def _differences(old: object, new: object, unread: _Unread, *, beside: tuple[str, ...] = ()) -> list[tuple[str, bool]]:
    """Write each property that differs as `default 1 -> 2`, a list as `choices +a -b`, and whether it may break."""
    if old is None or new is None:  # a registry holds names alone
        return []
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    keys = [key for key in sorted({*before, *after} - {*beside}) if before.get(key) != after.get(key)]
    return [
        _difference(key, before.get(key), after.get(key)) for key in keys if not unread.properties(key, before, after)
    ]


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
