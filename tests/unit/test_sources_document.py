"""YAML with places: values, refusals, positions."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import Location, Problem
from generator.sources.document import LIMIT_BYTES, Document, parse, read, scalar


def document(text: str) -> Document:
    found, problems = parse(text.encode(), "x.yaml")
    assert found is not None and not problems, problems
    return found


def problems(text: str | bytes) -> list[Problem]:
    return parse(text.encode() if isinstance(text, str) else text, "x.yaml")[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-7", -7),
        ("9007199254740992", 2**53),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        ("2026-08-01", "2026-08-01"),
        ("1.2.3", "1.2.3"),
        ("0123abcdef", "0123abcdef"),
        ("-", "-"),
        ("=", "="),
        ("none", "none"),
        ("vllm", "vllm"),
        ("fp8+fp4-experts", "fp8+fp4-experts"),
        ("12:99", "12:99"),
        ("8Gi", "8Gi"),
    ],
)
def test_a_plain_scalar_has_the_value_of_yaml_1_2(text: str, value: Any) -> None:
    assert scalar(text) == value and type(scalar(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("yes", 'write true, or "yes" if it is text'),
        ("Off", 'write false, or "Off" if it is text'),
        ("n", 'write false, or "n" if it is text'),
        ("True", 'write true, or "True" if it is text'),
        ("1_000", "write 1000; if it is text, put it in quotes"),
        ("0o17", "write 15; if it is text, put it in quotes"),
        ("0x1F", "write 31; if it is text, put it in quotes"),
        ("0b101", "write 5; if it is text, put it in quotes"),
        ("012", "write the number without leading zeros; if it is text, put it in quotes"),
        ("+5", "write 5; if it is text, put it in quotes"),
        (".5", "write 0.5; if it is text, put it in quotes"),
        ("5.", "write 5.0; if it is text, put it in quotes"),
        ("1:30", "put it in quotes"),
        ("8080:80"[:4] + ":8", "put it in quotes"),
        (".inf", "write a finite number, or put it in quotes"),
        ("-.INF", "write a finite number, or put it in quotes"),
        (".nan", "write a finite number, or put it in quotes"),
        ("1e400", "if it is text, put it in quotes"),
        ("9007199254740993", "if it is text, put it in quotes"),
        ("9" * 5000, "if it is text, put it in quotes"),
    ],
)
def test_what_readers_of_yaml_disagree_about_is_refused_with_a_way_to_write_it(text: str, hint: str) -> None:
    found, (problem,) = parse(f"a: {text}\n".encode(), "x.yaml")
    assert (problem.location, problem.path, problem.hint) == (Location("x.yaml", 1, 4), "a", hint)
    assert found is not None and found.refused == {("a",)}


def test_quoted_scalars_are_text() -> None:
    text = """a: "yes"\nb: '1'\nc: "null"\nd: |\n  12\ne: >-\n  true\n"""
    assert document(text).data == {"a": "yes", "b": "1", "c": "null", "d": "12\n", "e": "true"}


def test_a_value_is_located_by_line_and_column() -> None:
    found = document("# x\na:\n  - b: 1\n    é: [u,  v]\n")
    assert found.locate(("a", 0, "é", 1)) == Location("x.yaml", 4, 13)
    assert found.locate(("a", 0, "b")) == Location("x.yaml", 3, 8)


def test_a_key_is_located_by_line_and_column() -> None:
    found = document("a:\n  b:\n    c: 1\n")
    assert found.locate_key(("a", "b")) == Location("x.yaml", 2, 3)
    assert found.locate(("a", "b")) == Location("x.yaml", 3, 5)


def test_a_path_that_is_not_there_is_located_at_its_nearest_ancestor() -> None:
    found = document("x: 1\na:\n  b: {c: 1}\n")
    assert found.locate(("a", "b", "d", "e")) == found.locate(("a", "b"))
    assert found.locate_key(("a", "z")) == Location("x.yaml", 2, 1)
    assert found.locate(("nowhere",)) == Location("x.yaml", 1, 1)


def test_a_document_without_text_locates_the_file() -> None:
    assert Document("made.yaml", {}).locate(("a",)) == Location("made.yaml")


def test_the_spelling_of_a_number_is_kept() -> None:
    assert document("a: {b: 1.30, c: 2}\n").spelling(("a", "b")) == "1.30"


def test_places_count_characters_and_skip_a_mark_at_the_start() -> None:
    found, _ = parse("\ufeffé: 日本\nb: 1\n".encode(), "x.yaml")
    assert found is not None
    assert (found.locate(("é",)), found.locate(("b",))) == (
        Location("x.yaml", 1, 4),
        Location("x.yaml", 2, 4),
    )


def test_all_duplicate_keys_are_named_with_their_first_line() -> None:
    found = problems("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [(p.location.line, p.path, p.message) for p in found] == [
        (2, "b.c", "the key `c` stands twice; first in line 2"),
        (3, "a", "the key `a` stands twice; first in line 1"),
    ]


def test_an_empty_key_is_refused() -> None:
    assert [p.message for p in problems('"": 1\n')] == ["the key is empty"]


def test_the_first_of_two_equal_keys_counts() -> None:
    found, _ = parse(b"a: 1\na: 2\n", "x.yaml")
    assert found is not None and found.data == {"a": 1} and found.locate(("a",)).line == 1


def test_an_alias_bomb_is_never_built() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20)]
    found, reported = parse("\n".join(lines).encode(), "x.yaml")
    assert found is None and len(reported) == 20


def test_syntax_and_characters_are_reported_together() -> None:
    found = problems("a: x\x07\nb: [1\nc: 2\n")
    assert [p.location.line for p in found] == [1, 2]


def test_every_control_character_is_refused() -> None:
    for code in (0x00, 0x07, 0x0B, 0x1B, 0x7F, 0x80, 0x85, 0x9F, 0x2028, 0x202E, 0x2066, 0xFEFF):
        assert problems(f"a: x{chr(code)}y\n"), hex(code)


def test_a_half_line_end_is_refused_and_a_whole_one_is_not() -> None:
    assert problems("a: 1\rb: 2\n") and not problems("a: 1\r\nb: 2\r\n")


def test_tabs_are_refused_as_indentation_and_kept_in_text() -> None:
    assert [p.location for p in problems("a:\n  b: 1\n\tc: 2\n\td: 3\n")] == [
        Location("x.yaml", 3, 1),
        Location("x.yaml", 4, 1),
    ]
    assert document("a: |\n  x:\n  \ty\nb: \t1\n").data == {"a": "x:\n\ty\n", "b": 1}


def test_an_empty_file_is_a_problem_of_the_file() -> None:
    for text, message in (("", "the file is empty"), (" \n", "the file is empty")):
        (problem,) = problems(text)
        assert (problem.location, problem.message) == (Location("x.yaml"), message)


def test_a_file_that_is_not_utf_8_is_located() -> None:
    (problem,) = problems(b"a: \xc3\xa9\nb: \xc3\xa9\xe9\n")
    assert (problem.location, problem.message) == (Location("x.yaml", 2, 5), "the byte 0xE9 is not UTF-8")


def test_a_file_of_utf_16_is_refused() -> None:
    assert problems("a: 1\n".encode("utf-16"))[0].message == "the byte 0xFF is not UTF-8"


def test_a_large_file_is_not_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: 1\n" * (LIMIT_BYTES // 5 + 1))
    found, (problem,) = read(tmp_path, "x.yaml")
    assert found is None and "larger than 1 MiB" in problem.message


def test_a_missing_file_and_a_folder_are_problems(tmp_path: pathlib.Path) -> None:
    (tmp_path / "d.yaml").mkdir()
    assert read(tmp_path, "x.yaml")[1][0].message == "there is no such file"
    assert read(tmp_path, "d.yaml")[1][0].message == "this is a folder, not a file"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n "])
def test_deep_nesting_is_refused_and_does_not_crash(opening: str) -> None:
    assert problems(opening * 5000)


def test_messages_of_the_library_never_show_through() -> None:
    broken = ["a: b: c", "a: [1", "a: 'x", "a: @", 'a: "\\q"', "a: 1\n- b", "a: ]", "%X\na: 1", "a: |x\n y"]
    for text in broken:
        (problem,) = problems(text)
        assert "while" not in problem.message and "this is not YAML" not in problem.message


def test_a_key_that_looks_like_a_secret_is_not_echoed() -> None:
    key = "hf_" + "abcdEFGH12345678"
    assert all(key not in p.text() for p in problems(f"{key}: 1\n{key}: 2\nx: &{key} 1\n"))


# ---- any input --------------------------------------------------------------------------------------------

INDICATORS = "a: ~b:\n~- ~  ~\t~[~]~{~}~&x ~*x~!!str ~<<: ~|~>~'~\"~\\x7f~\n~#~---\n~...\n~%YAML 1.1\n~? ~: "
WORDS = "yes~012~1_0~1e999~é~\x07~\ufeff~a: 1\n~b: 2\n~true~null~hf_abcdefghijklmnopqrstuvwx"
fragments = st.sampled_from([part for text in (INDICATORS, WORDS) for part in text.split("~")])


@given(st.binary(max_size=200))
def test_random_bytes_give_a_document_or_problems(raw: bytes) -> None:
    found, reported = parse(raw, "x.yaml")
    assert found is not None or reported


@given(st.lists(fragments, max_size=30).map("".join))
def test_random_yaml_gives_a_document_or_problems_at_places_in_the_file(text: str) -> None:
    found, reported = parse(text.encode(), "x.yaml")
    assert found is not None or reported
    lines = text.count("\n") + text.count("\r") + 2
    assert all(0 <= problem.location.line <= lines and problem.hint for problem in reported)
    if found is not None:
        found.locate(("a", 0, "b"))


simple = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("aZé09 :-#'\"{}[],&*!|>%@`.=_", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=2, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz", min_size=2, max_size=4), simple, min_size=1, max_size=4))
def test_what_a_yaml_library_writes_is_read_back_with_a_place_for_every_value(data: dict[str, Any]) -> None:
    # the library writes `1:30` and the like in quotes, so nothing is ambiguous
    text = yaml.safe_dump(data, allow_unicode=True)
    if "&id" in text:
        return
    found, reported = parse(text.encode(), "x.yaml")
    if any("different readers" in p.message or "some readers" in p.message for p in reported):
        return
    assert found is not None and not reported and found.data == data
    assert all(found.has((key,)) for key in data)
