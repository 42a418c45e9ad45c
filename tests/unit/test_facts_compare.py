"""What an upgrade of an engine changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from generator.facts import Facts, Flag, Metric, MetricType, Provenance, Syntax, ValueType
from generator.facts.compare import Change, compare

OLD = Facts(
    engine="e",
    version="1",
    provenance=Provenance((), {}),
    syntax=Syntax(parser="argparse"),
    flags=(Flag(name="--size", type=ValueType.INTEGER, default=1),),
    metrics=(Metric("e:x", MetricType.GAUGE),),
    registries={"tool_parsers": ("a", "b")},
)


def test_a_release_compared_with_itself_changes_nothing() -> None:
    assert compare(OLD, OLD) == ()


def test_an_added_and_a_removed_flag_are_listed() -> None:
    new = msgspec.structs.replace(OLD, flags=(Flag(name="--length", type=ValueType.INTEGER),))
    assert compare(OLD, new) == (
        Change("flags", "--length", "added"),
        Change("flags", "--size", "removed", breaking=True),
    )


def test_a_changed_default_is_written_with_both_values() -> None:
    new = msgspec.structs.replace(OLD, flags=(Flag(name="--size", type=ValueType.INTEGER, default=2),))
    assert compare(OLD, new) == (Change("flags", "--size", "changed", "default 1 -> 2", breaking=True),)


def test_a_removed_metric_is_listed() -> None:
    assert compare(OLD, msgspec.structs.replace(OLD, metrics=())) == (
        Change("metrics", "e:x", "removed", breaking=True),
    )


def test_a_parser_that_is_gone_is_listed_under_its_registry() -> None:
    new = msgspec.structs.replace(OLD, registries={"tool_parsers": ("a",)})
    assert compare(OLD, new) == (Change("tool_parsers", "b", "removed", breaking=True),)


@pytest.mark.parametrize(
    ("before", "after", "what", "breaking"),
    [
        ({"choices": ("a", "b")}, {"choices": ("b", "c")}, "choices +c -a", True),
        ({"choices": ("a",)}, {"choices": ("a", "b")}, "choices +b", False),
        ({"choices": ("a",)}, {}, "choices no longer listed", False),
        ({}, {"choices": ("a",)}, "choices now listed", True),
        ({}, {"negations": ("--no-size",)}, "negations +--no-size", False),
        ({"aliases": ("-s",)}, {}, "aliases --s", True),
        ({}, {"deprecated": True, "removed_in": "3"}, "deprecated not set -> True, removed_in not set -> 3", True),
        ({}, {"default": 2}, "default not set -> 2", False),
        ({"default": 2}, {}, "default 2 -> not set", True),
        ({"default": ["a"]}, {"default": ["b"]}, "default ['a'] -> ['b']", True),
        ({"nullable": True}, {}, "nullable True -> not set", False),
    ],
)
def test_a_change_says_what_it_is_and_whether_it_may_break(
    before: dict[str, Any], after: dict[str, Any], what: str, breaking: bool
) -> None:
    old, new = (
        msgspec.structs.replace(OLD, flags=(Flag(name="--size", type=ValueType.STRING, **properties),))
        for properties in (before, after)
    )
    assert compare(old, new) == (Change("flags", "--size", "changed", what, breaking=breaking),)
