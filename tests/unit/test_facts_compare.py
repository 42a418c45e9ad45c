"""What an upgrade of an engine changes."""

from __future__ import annotations

import msgspec
import pytest

from generator.commands.facts import diff
from generator.errors import Exit
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
    assert compare(OLD, new) == (Change("flags", "--length", "added"), Change("flags", "--size", "removed"))


def test_a_changed_default_is_written_with_both_values() -> None:
    new = msgspec.structs.replace(OLD, flags=(Flag(name="--size", type=ValueType.INTEGER, default=2),))
    assert compare(OLD, new) == (Change("flags", "--size", "changed", "default 1 -> 2"),)


def test_a_removed_metric_is_listed() -> None:
    assert compare(OLD, msgspec.structs.replace(OLD, metrics=())) == (Change("metrics", "e:x", "removed"),)


def test_a_parser_that_is_gone_is_listed_under_its_registry() -> None:
    new = msgspec.structs.replace(OLD, registries={"tool_parsers": ("a",)})
    assert compare(OLD, new) == (Change("tool_parsers", "b", "removed"),)


def test_the_command_prints_the_changes_by_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff("vllm", "0.17.0", "0.18.0") == Exit.CLEAN
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "flags"
    assert "  + --shutdown-timeout" in printed
