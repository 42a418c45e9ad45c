"""What a schema refuses, in words; secrets; speed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from generator.errors import dotted
from generator.sources.base import Closed, Label, Positive, Text
from generator.sources.check import Schema, Violation, check, convert, looks_secret, schema_of, shown, violations
from generator.sources.document import parse
from generator.sources.environment import Release


class Inner(Closed, frozen=True, kw_only=True):
    count: Positive
    ratio: Annotated[float, Meta(gt=0, le=1)] = 1.0
    wait_seconds: Annotated[int, Meta(ge=0, le=600)] = 1
    kind: Literal["small", "large"] = "small"


class Outer(Closed, frozen=True, kw_only=True):
    name: Annotated[Label, Meta(description="Also the file's name")]
    inner: Inner | None = None
    many: Annotated[list[Inner], Meta(max_length=2)] = []
    either: int | str = 0
    by_name: dict[Label, Text] = {}
    word: Annotated[str, Meta(pattern="^x[0-9]+$", description="An x and digits")] = "x1"


def found(data: Any, label: str = "") -> list[Violation]:
    return violations(schema_of(Outer), data, label=label)


def test_clean_data_give_nothing() -> None:
    assert found({"name": "a", "inner": {"count": 1}, "many": [], "either": "b"}) == []


# one line of YAML, the problem, the hint
CASES = r"""
inner: {count: 2.5}
inner.count: 2.5 is a number with a fraction; a whole number belongs here
write a whole number

inner: {count: 2.0}
inner.count: 2.0 is written with a fraction; a whole number belongs here
write 2

inner: {count: '2'}
inner.count: "2" is text; a whole number belongs here
remove the quotes

inner: {count: true}
inner.count: true is a boolean; a whole number belongs here
write a whole number

inner: {count: null}
inner.count: null stands where a whole number belongs
write a whole number

inner: {count: 1, kind: null}
inner.kind: null stands where a value belongs
leave the key out instead

inner: {count: 1, waitSeconds: 15000}
inner.waitSeconds: 15000 is too large
write 600 or less; seconds are meant here, and 15000 ms are 15 s

inner: {count: 1, waitSeconds: 700}
inner.waitSeconds: 700 is too large
write 600 or less

inner: {count: 0}
inner.count: 0 is too small
write 1 or more

inner: {count: 1, ratio: 1.5}
inner.ratio: 1.5 is too large
write 1 or less

inner: {count: 1, ratio: 0}
inner.ratio: 0 is too small
write more than 0

inner: {count: 1, kind: larg}
inner.kind: unknown kind "larg"
did you mean `large`? one of large, small

inner: {count: 1, kind: 3}
inner.kind: 3 stands where a word belongs
write one of large, small

inner: x
inner: "x" is text; a mapping belongs here
write `key: value` lines below it, indented

many: {}
many: an empty mapping stands where a list belongs
write a list

many: 3
many: 3 is a number; a list belongs here
write it as a list: [3]

many: [{count: 1}, {count: 1}, {count: 1}]
many: the list has 3 items, more than allowed
write at most 2

many: [null]
many[0]: null stands where a mapping belongs
write it, or delete the item

either: []
either: an empty list fits none of what is possible here
write a whole number or text

word: k
word: "k" is not written as it must be here
what belongs here: An x and digits

by_name: {}
by_name: unknown key `by_name`
did you mean `byName`?

byName: {A b: x}
byName.A b: the key "A b" is not a label
small letters, digits and `-`, with a letter or digit at both ends: `a-b`

byName: {a: ''}
byName.a: the text is empty
write it

count: 1
count: unknown key `count`
known here: byName, either, inner, many, name, word

ratio: 1
ratio: unknown key `ratio`
known here: byName, either, inner, many, name, word
"""


@pytest.mark.parametrize("case", CASES.strip().split("\n\n"), ids=lambda case: case.split("\n")[0])
def test_a_violation_says_what_is_wrong_and_what_to_do(case: str) -> None:
    text, problem, hint = case.split("\n")
    document, problems = parse(f"name: a\n{text}\n".encode(), "x.yaml")
    assert document is not None and not problems
    (violation,) = violations(schema_of(Outer), document.data, spelling=document.spelling)
    assert (f"{dotted(violation.path)}: {violation.message}", violation.hint) == (problem, hint)


def test_a_key_that_looks_like_an_index_keeps_its_text() -> None:
    for key in ("1", "01", "+1"):
        (violation,) = [v for v in found({"name": "a", "byName": {key: 5}}) if not v.at_key]
        assert violation.path == ("byName", key)


def test_a_missing_key_is_named_with_its_description() -> None:
    assert found({}) == [
        Violation(("name",), "the key `name` is missing", "write `name:` (Also the file's name)", True)
    ]


def test_a_misspelt_key_is_one_problem() -> None:
    assert [(v.path, v.hint) for v in found({"nmae": "a"})] == [(("nmae",), "did you mean `name`?")]


def test_the_label_says_what_the_keys_belong_to() -> None:
    (violation,) = found({"name": "a", "zzz": 1}, label="values of vllm-aggregated-fixed")
    assert violation.message == "unknown key `zzz` in values of vllm-aggregated-fixed"


def test_everything_is_found_at_once() -> None:
    data = {"inner": {"count": 0, "kind": "x", "y": 1}, "many": "z", "either": None}
    assert len(found(data)) == 6


def test_a_key_that_is_known_in_one_other_place_is_sent_there() -> None:
    schema = Schema(
        {
            "type": "object",
            "properties": {"a": {"type": "object", "properties": {"deep": {}}, "additionalProperties": False}},
            "additionalProperties": False,
        }
    )
    assert violations(schema, {"deep": 1})[0].hint == "`deep` belongs under `a`"


def test_a_choice_between_shapes_is_reduced_to_the_one_that_was_meant() -> None:
    schema = Schema({"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 2}]})
    assert violations(schema, 0)[0].message == "0 is too small"
    assert violations(schema, "a")[0].message == '"a" has 1 characters; at least 2 are needed'


def test_a_document_shows_a_number_as_it_is_written() -> None:
    document, _ = parse(b"model: 1.30\nvariant: a\nnamespace: b\n", "x.yaml")
    assert document is not None
    (problem,) = check(document, Release)
    assert problem.text() == ('x.yaml:1:8: model: 1.30 is a number; text belongs here\n  hint: write "1.30" in quotes')


def test_what_was_refused_as_syntax_is_not_refused_again() -> None:
    document, problems = parse(b"model: yes\nvariant: a\nnamespace: b\n", "x.yaml")
    assert document is not None and len(problems) == 1
    assert check(document, Release) == []


def test_a_clean_document_converts() -> None:
    document, _ = parse(b"model: a\nvariant: b\nnamespace: c\nvalues: {x: 1}\n", "x.yaml")
    assert document is not None and not check(document, Release)
    assert convert(document, Release) == Release(model="a", variant="b", namespace="c", values={"x": 1})


words = st.text("abcA1 +-", max_size=5)
simple = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(["name", "inner", "many", "either", "byName", "word", "zzz"])
likely = st.sampled_from(["a", "x1", {"count": 1}, [{"count": 2.0}]])


@given(st.dictionaries(keys, simple | likely, max_size=5))
def test_any_data_either_convert_or_have_violations_with_hints(data: dict[str, Any]) -> None:
    reported = found(data)
    assert all(violation.message and violation.hint for violation in reported)
    if not reported:
        msgspec.convert(data, Outer)


# ---- secrets ----------------------------------------------------------------------------------------------

SECRETS = [
    "hf_" + "aZ09" * 8,
    "sk-" + "proj-abcd1234" * 2,
    "ghp_" + "a1B2" * 9,
    "AKIA" + "ABCD1234EFGH5678",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "-----BEGIN RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_known_token_is_masked_wherever_it_stands(text: str) -> None:
    assert looks_secret(f"x {text} y") and shown(text) == "***"


@pytest.mark.parametrize(
    ("key", "text", "secret"),
    [
        ("apiKey", "x7Qp2LmV9zRt4WkB8nYc3HsD", True),
        ("HF_TOKEN", "0123456789abcdef0123456789abcdef", True),
        ("revision", "0123456789abcdef0123456789abcdef01234567", False),
        ("tokenSecret", "hugging-face-token-for-production", False),
        ("remoteKey", "prod/models/huggingFace/Token1", False),
        ("password", "short", False),
        ("tag", "x7Qp2LmV9zRt4WkB8nYc3HsD", False),
        ("tokenizer", "x7Qp2LmV9zRt4WkB8nYc3HsD", False),
    ],
)
def test_disorder_is_a_secret_only_under_a_telling_key(key: str, text: str, secret: bool) -> None:
    assert looks_secret(text, key) is secret


def test_a_secret_is_masked_in_the_problem_of_its_schema() -> None:
    document, _ = parse(f"model: {SECRETS[0]}\nvariant: a\nnamespace: b\n".encode(), "x.yaml")
    assert document is not None
    problems = check(document, Release)
    assert len(problems) == 2 and not any(SECRETS[0] in problem.text() for problem in problems)


def test_values_are_shown_short_and_in_one_line() -> None:
    assert shown("a\nb") == '"a b"'
    assert len(shown("x" * 500)) < 70
    assert (shown({}), shown([1]), shown(None), shown(False)) == ("an empty mapping", "a list", "null", "false")
