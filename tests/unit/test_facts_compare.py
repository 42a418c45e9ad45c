"""What an upgrade of an engine changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from generator.facts import Facts, Field, Flag, Metric, MetricType, Provenance, Syntax, ValueType
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


def test_a_setting_of_the_configuration_file_is_compared_as_a_flag_is() -> None:
    old = msgspec.structs.replace(OLD, config=(Field("kv.fraction", "float", 0.9), Field("kv.gone", "bool")))
    new = msgspec.structs.replace(OLD, config=(Field("kv.fraction", "float", 0.8),))
    assert compare(old, new) == (
        Change("config", "kv.fraction", "changed", "default 0.9 -> 0.8", breaking=True),
        Change("config", "kv.gone", "removed", breaking=True),
    )


def test_a_name_that_an_incomplete_list_lacks_is_neither_added_nor_removed() -> None:
    fields = (Field("a"), Field("b", "int"))
    old = msgspec.structs.replace(OLD, config=fields, incomplete=("config",))
    fields = (Field("b", "str"), Field("c"))
    new = msgspec.structs.replace(OLD, config=fields, incomplete=("config", "tool_parsers"), registries={})
    assert compare(old, new) == (Change("config", "b", "changed", "type int -> str", breaking=True),)


def test_a_property_that_was_not_read_is_no_change() -> None:
    old = msgspec.structs.replace(OLD, config=(Field("a", "int", 1), Field("b", "int", 1)))
    new = msgspec.structs.replace(OLD, config=(Field("a", "int"), Field("b", "int", 2)), incomplete=("config.default",))
    assert compare(old, new) == (Change("config", "b", "changed", "default 1 -> 2", breaking=True),)


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


# ---- renames -----------------------------------------------------------------------------------------------


def size(name: str, *aliases: str, **properties: Any) -> Flag:
    return Flag(name=name, aliases=aliases, type=ValueType.INTEGER, **properties)


def flags(before: tuple[Flag, ...], after: tuple[Flag, ...]) -> tuple[Change, ...]:
    return compare(msgspec.structs.replace(OLD, flags=before), msgspec.structs.replace(OLD, flags=after))


def metrics(before: tuple[Metric, ...], after: tuple[Metric, ...]) -> list[tuple[str, str, str]]:
    changes = compare(msgspec.structs.replace(OLD, metrics=before), msgspec.structs.replace(OLD, metrics=after))
    return [(change.kind, change.name, change.to) for change in changes]


def test_a_renamed_flag_is_one_change() -> None:
    assert flags((size("--size", "--length"),), (size("--length", "--size"),)) == (
        Change("flags", "--size", "renamed", "the old name is an alias now", "--length"),
    )


def test_a_flag_whose_old_name_is_now_an_alias_is_renamed() -> None:
    assert flags((size("--size"),), (size("--length", "--size"),)) == (
        Change("flags", "--size", "renamed", "the old name is an alias now", "--length"),
    )


def test_a_flag_whose_old_name_is_gone_is_renamed_and_breaks_what_uses_it() -> None:
    assert flags((size("--size", "--length"),), (size("--length"),)) == (
        Change(
            "flags", "--size", "renamed", "the new name was an alias before, --size is gone", "--length", breaking=True
        ),
    )


def test_a_renamed_flag_that_loses_another_spelling_breaks_what_uses_it() -> None:
    (change,) = flags((size("--size", "-s"),), (size("--length", "--size"),))
    assert (change.what, change.breaking) == ("the old name is an alias now, -s is gone", True)


def test_a_renamed_flag_says_what_else_changed() -> None:
    (change,) = flags((size("--size", default=1),), (size("--length", "--size", default=2),))
    assert (change.what, change.breaking) == ("the old name is an alias now, default 1 -> 2", True)


def test_a_flag_that_becomes_an_alias_of_one_that_was_there_is_renamed_to_it() -> None:
    assert [
        (change.kind, change.name, change.to)
        for change in flags((size("--length"), size("--size")), (size("--length", "--size"),))
    ] == [("changed", "--length", ""), ("renamed", "--size", "--length")]


def test_a_flag_that_was_split_in_two_is_not_renamed() -> None:
    changes = flags((size("--size", "--length"),), (size("--length"), size("--width", "--size")))
    assert [(change.kind, change.name) for change in changes] == [
        ("added", "--length"),
        ("removed", "--size"),
        ("added", "--width"),
    ]


def test_flags_that_only_look_alike_are_not_renamed() -> None:
    changes = flags((size("--max-size"),), (size("--maximum-size"),))
    assert [change.kind for change in changes] == ["removed", "added"]


def test_a_metric_that_differs_by_total_alone_is_renamed() -> None:
    old, new = (Metric(name, MetricType.COUNTER, ("model",)) for name in ("e:y", "e:y_total"))
    changes = compare(msgspec.structs.replace(OLD, metrics=(old,)), msgspec.structs.replace(OLD, metrics=(new,)))
    what = "type and labels are equal, and only _total differs, e:y is gone"
    assert changes == (Change("metrics", "e:y", "renamed", what, "e:y_total", breaking=True),)


@pytest.mark.parametrize(
    "new",
    [
        Metric("e:y_total", MetricType.GAUGE, ("model",)),
        Metric("e:y_total", MetricType.COUNTER, ("model", "reason")),
        Metric("e:y_total", MetricType.COUNTER, ("model",), more_labels=True),
        Metric("e:z", MetricType.COUNTER, ("model",)),
    ],
)
def test_a_metric_of_another_type_or_other_labels_is_not_renamed(new: Metric) -> None:
    assert metrics((Metric("e:y", MetricType.COUNTER, ("model",)),), (new,)) == [
        ("removed", "e:y", ""),
        ("added", new.name, ""),
    ]


def test_metrics_of_a_type_that_nobody_read_are_not_renamed() -> None:
    old, new = Metric("e:y", MetricType.UNKNOWN), Metric("e:y_total", MetricType.UNKNOWN)
    assert metrics((old,), (new,)) == [("removed", "e:y", ""), ("added", "e:y_total", "")]


def test_metrics_are_renamed_by_a_prefix_that_is_given_up_everywhere() -> None:
    old, new = Metric("e:x", MetricType.GAUGE), Metric("f:x", MetricType.GAUGE)
    assert metrics((old,), (new,)) == [("renamed", "e:x", "f:x")]
    other = Metric("e:other", MetricType.GAUGE)
    assert metrics((old, other), (new, other)) == [("removed", "e:x", ""), ("added", "f:x", "")]


def test_a_metric_with_two_counterparts_is_not_renamed() -> None:
    new = (Metric("f:x", MetricType.GAUGE), Metric("g:x", MetricType.GAUGE))
    assert metrics((Metric("e:x", MetricType.GAUGE),), new) == [
        ("removed", "e:x", ""),
        ("added", "f:x", ""),
        ("added", "g:x", ""),
    ]
