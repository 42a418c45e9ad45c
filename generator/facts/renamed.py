"""Which name of a release is the new name of one of the release before: only where the facts themselves say so.

A flag is the same where one release spells it both ways. A metric is the same where its type and labels are, and its
name differs by `_total` alone, or by a prefix that the new release has given up everywhere. Nothing is guessed from
names that look alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from generator.facts.model import Facts, Flag, Metric, MetricType

_TOTAL = "_total"


class Rename(msgspec.Struct, frozen=True):
    """The new name, the evidence in words, and the old spellings that are gone."""

    new: str
    rule: str
    gone: tuple[str, ...] = ()


def renamed_flags(old: Facts, new: Facts) -> dict[str, Rename]:
    """Find the flags whose name became an alias, or whose alias became the name, by their old name."""
    now = {flag.name: flag for flag in new.flags}
    aliases = {alias: flag for flag in new.flags for alias in flag.aliases}
    found = {}
    for flag in old.flags:
        if flag.name in now:
            continue
        heirs = {item.name: item for item in _heirs(flag, now, aliases)}
        # two heirs would be a flag that was split in two
        if len(heirs) == 1:
            (heir,) = heirs.values()
            gone = tuple(spelling for spelling in flag.spellings if spelling not in heir.spellings)
            rule = "the old name is an alias now" if flag.name in heir.aliases else "the new name was an alias before"
            found[flag.name] = Rename(heir.name, rule, gone)
    return found


def _heirs(flag: Flag, now: Mapping[str, Flag], aliases: Mapping[str, Flag]) -> Iterator[Flag]:
    if flag.name in aliases:
        yield aliases[flag.name]
    yield from (now[alias] for alias in flag.aliases if alias in now)


def renamed_metrics(old: Facts, new: Facts) -> dict[str, Rename]:
    """Find the metrics that are the same but for `_total` or a prefix that is given up, by their old name."""
    before, after = {metric.name: metric for metric in old.metrics}, {metric.name: metric for metric in new.metrics}
    kept = {_prefix(name) for name in after}
    pairs = [
        (name, other, rule)
        for name in before
        for other in after
        if name not in after and other not in before
        for rule in _rules(before[name], after[other], kept)
    ]
    heirs, forebears = defaultdict(set), defaultdict(set)
    for name, other, _ in pairs:
        heirs[name].add(other)
        forebears[other].add(name)
    return {
        name: Rename(other, rule, (name,))
        for name, other, rule in pairs
        if len(heirs[name]) == len(forebears[other]) == 1
    }


def _rules(old: Metric, new: Metric, kept: set[str]) -> Iterator[str]:
    same = old.type is new.type and old.labels == new.labels and old.more_labels == new.more_labels
    if not same or old.type is MetricType.UNKNOWN:
        return
    if old.name.removesuffix(_TOTAL) == new.name.removesuffix(_TOTAL):
        yield f"type and labels are equal, and only {_TOTAL} differs"
    prefix, other = _prefix(old.name), _prefix(new.name)
    if prefix and other and prefix not in kept and old.name[len(prefix) :] == new.name[len(other) :]:
        yield f"type and labels are equal, and no metric has the prefix {prefix} any more"


def _prefix(name: str) -> str:
    """Give what stands before a name's colon, with it; nothing where there is none."""
    head, colon, _ = name.partition(":")
    return head + colon if colon else ""
