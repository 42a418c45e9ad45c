"""The dumper: what it writes, every reader of YAML reads back as it was."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.dump import dump, scalar

# surrogates alone are no text; everything else may stand in a value
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TRAPS = ("yes", "No", "on", "OFF", "y", "n", "null", "~", "", "1_000", "2024-01-01", "0o17", "017", "0x1F", "1e3", "=")
MORE_TRAPS = (
    "<<",
    "12:30:45",
    ".inf",
    ".NaN",
    "- a",
    "a: b",
    "a #b",
    "#",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a",
    "{a",
    "[a",
)
WORD = TEXT | st.sampled_from(TRAPS + MORE_TRAPS) | st.lists(TEXT, min_size=2, max_size=4).map("\n".join)
NUMBER = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(WORD, inner, max_size=4)


TREE = st.recursive(WORD | NUMBER | st.booleans() | st.none(), nested, max_leaves=15)


def read(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


@given(st.dictionaries(WORD, TREE, max_size=5))
def test_what_is_written_is_read_back_as_it_was(data: dict[str, Any]) -> None:
    assert read(dump(data, header="a header")) == (data or None)


@given(st.dictionaries(WORD, TREE, min_size=2, max_size=5))
def test_the_order_of_the_keys_never_changes_the_text(data: dict[str, Any]) -> None:
    assert dump(data) == dump(dict(reversed(data.items())))


@pytest.mark.parametrize("word", [*TRAPS, *MORE_TRAPS])
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(word: str) -> None:
    assert scalar(word) == f'"{word}"'


@pytest.mark.parametrize("word", ["plain", "two words", "a/b.c-d", "nvidia.com/gpu", "_x", "Weights (cached)"])
def test_a_text_that_is_clearly_one_stays_plain(word: str) -> None:
    assert scalar(word) == word


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0.5, "0.5"), (1e16, "1.0e+16"), (2.5e-7, "2.5e-07"), (1e-7, "1.0e-07"), (True, "true")],
)
def test_a_number_is_written_so_that_it_stays_one(value: float, text: str) -> None:
    assert scalar(value) == text
    assert read(f"a: {text}") == {"a": value}


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_without_a_spelling_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        scalar(value)


def test_the_identity_of_an_object_comes_first_and_the_rest_in_order() -> None:
    text = dump({"spec": 1, "metadata": {"name": "a"}, "data": 2, "kind": "K", "apiVersion": "v1"})
    assert [line.partition(":")[0] for line in text.splitlines()] == [
        "apiVersion",
        "kind",
        "metadata",
        "  name",
        "data",
        "spec",
    ]


def test_inside_an_object_kind_has_no_special_place() -> None:
    assert dump({"a": {"kind": 1, "b": 2}}) == "a:\n  b: 2\n  kind: 1\n"


def test_the_order_can_be_kept() -> None:
    assert dump({"b": 1, "a": 2}, keep_order=True) == "b: 1\na: 2\n"


def test_every_line_of_the_header_is_a_comment() -> None:
    assert dump({"a": 1}, header="one\ntwo") == "# one\n# two\na: 1\n"


def test_lines_of_text_are_a_block() -> None:
    assert dump({"a": "one\n\n  two\n"}) == "a: |\n  one\n\n    two\n"


def test_a_block_without_a_last_newline_says_so() -> None:
    assert dump({"a": "one\ntwo"}) == "a: |-\n  one\n  two\n"


@pytest.mark.parametrize("text", ["a \nb", " a\nb", "a\n\n", "\na", "a\tb\nc", "a\r\nb"])
def test_text_that_a_block_would_change_stays_on_one_line(text: str) -> None:
    assert dump({"a": text}).count("\n") == 1


def test_lists_are_not_indented_below_their_key() -> None:
    assert dump({"a": [{"b": 1, "c": [2]}, [3, 4], {}, []]}) == "a:\n- b: 1\n  c:\n  - 2\n- - 3\n  - 4\n- {}\n- []\n"


def test_an_emoji_is_written_as_itself() -> None:
    assert dump({"a": "\U0001f600 x"}) == 'a: "\U0001f600 x"\n'
