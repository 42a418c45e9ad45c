"""The writer of Helm text, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from generator.template.emit import blockable, literal, presence, quoted, template
from generator.template.refs import Ref, each, equals, filled, negate, spread, text, when

NAME = Ref(str, "@.Values.name")
COUNT = Ref(int, "@.Values.count")
SHARE = Ref(float, "@.Values.share")
ON = Ref(bool, "@.Values.on")
WORDS = Ref(list[str], "@.Values.words")
MORE = Ref(list[str], "@.Values.more")
LABELS = Ref(dict[str, str], "@.Values.labels")


def lines(data: dict[str, Any]) -> list[str]:
    return template(data).splitlines()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (COUNT, "a: {{ int64 .Values.count }}"),
        (SHARE, "a: {{ .Values.share }}"),
        (ON, "a: {{ .Values.on }}"),
        (NAME, "a: {{ .Values.name | quote }}"),
        (text(COUNT), "a: {{ int64 .Values.count | quote }}"),
        (f"--n={COUNT}", 'a: "--n={{ int64 .Values.count }}"'),
        (f"{ON}/{SHARE}", 'a: "{{ .Values.on }}/{{ .Values.share }}"'),
        (f"{NAME}:x", 'a: {{ printf "%v:x" .Values.name | quote }}'),
        (f"{NAME}-{COUNT}", 'a: {{ printf "%v-%v" .Values.name (int64 .Values.count) | quote }}'),
        (f"100% {NAME}", 'a: {{ printf "100%% %v" .Values.name | quote }}'),
        (f"100% {COUNT}", 'a: "100% {{ int64 .Values.count }}"'),
        ("plain text", "a: plain text"),
        ("8080", 'a: "8080"'),
        ("yes", 'a: "yes"'),
        ("Null", 'a: "Null"'),
        ("", 'a: ""'),
        (8080, "a: 8080"),
        (True, "a: true"),
        (None, "a: null"),
        ({}, "a: {}"),
        ([], "a: []"),
    ],
)
def test_a_scalar_is_spelled_by_its_kind(value: object, line: str) -> None:
    data = str.__str__(value) if isinstance(value, Ref) else value
    assert lines({"a": data}) == [line]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("{{ instance }}", 'a: "{{ `{{` }} instance {{ `}}` }}"'),
        ("{}}", 'a: "{{ `{}}` }}"'),
        (f"{{{COUNT}}}", 'a: "{{ `{` }}{{ int64 .Values.count }}}"'),
        ("😀", 'a: "😀"'),
        ("bell\x07", 'a: "bell\\u0007"'),
        ("del\x7f", 'a: "del\\u007f"'),
        ("next\x85", 'a: "next\\u0085"'),
        ("a\nb\x00", 'a: "a\\nb\\u0000"'),
    ],
)
def test_data_that_helm_or_yaml_would_misread_is_escaped(value: str, line: str) -> None:
    assert lines({"a": value}) == [line]


def test_a_map_of_values_vanishes_with_its_key() -> None:
    assert lines({"a": str(LABELS)}) == [
        "{{- with .Values.labels }}",
        "a:",
        "  {{- toYaml . | nindent 2 }}",
        "{{- end }}",
    ]


def test_a_list_of_values_is_not_indented_below_its_key() -> None:
    assert lines({"a": {"b": str(WORDS)}})[3:5] == ["  b:", "  {{- toYaml . | nindent 2 }}"]


def test_a_list_of_values_is_spliced_into_a_list() -> None:
    assert lines({"a": ["x", str(WORDS)]}) == [
        "a:",
        "- x",
        "{{- with .Values.words }}",
        "{{- toYaml . | nindent 0 }}",
        "{{- end }}",
    ]


def test_a_spread_joins_the_map_around_it() -> None:
    assert lines({"a": {"b": "c", **spread(LABELS)}}) == [
        "a:",
        "  b: c",
        "  {{- with .Values.labels }}",
        "  {{- toYaml . | nindent 2 }}",
        "  {{- end }}",
    ]


def test_a_map_of_values_is_one_item_of_a_list() -> None:
    assert lines({"a": [str(LABELS)]}) == ["a:", "-", "  {{- toYaml .Values.labels | nindent 2 }}"]


def test_conditional_keys_stand_between_if_and_end() -> None:
    assert lines({"a": {"b": 1, **when(ON, {"c": 2})}}) == [
        "a:",
        "  b: 1",
        "  {{- if .Values.on }}",
        "  c: 2",
        "  {{- end }}",
    ]


def test_conditional_items_stand_between_if_and_end() -> None:
    assert lines({"a": [1, when(negate(ON), [2])]}) == [
        "a:",
        "- 1",
        "{{- if not .Values.on }}",
        "- 2",
        "{{- end }}",
    ]


def test_the_root_is_spelled_with_a_dollar_inside_a_loop_only() -> None:
    body = each(WORDS, lambda word: [{"name": word, "of": NAME}])
    assert lines({"a": [0, body, str(NAME)]}) == [
        "a:",
        "- 0",
        "{{- range $_, $words := .Values.words }}",
        "- name: {{ $words | quote }}",
        "  of: {{ $.Values.name | quote }}",
        "{{- end }}",
        "- {{ .Values.name | quote }}",
    ]


def test_a_list_in_a_list_begins_on_the_line_of_its_dash() -> None:
    assert lines({"a": [["b", "c"]]}) == ["a:", "- - b", "  - c"]


def test_an_item_that_begins_with_an_action_leaves_its_dash_alone() -> None:
    assert lines({"a": [{**when(ON, {"b": 1}), "c": 2}]}) == [
        "a:",
        "-",
        "  {{- if .Values.on }}",
        "  b: 1",
        "  {{- end }}",
        "  c: 2",
    ]


def test_lines_of_text_become_a_block() -> None:
    assert lines({"a": f"one\n\ntwo {COUNT}\n"}) == ["a: |", "  one", "", "  two {{ int64 .Values.count }}"]


@pytest.mark.parametrize("value", ["one line", " x\ny", "x \ny", "x\ny\n\n", "x\n\x07", f"x\n{NAME}", "\nx"])
def test_text_that_a_block_would_change_is_quoted(value: str) -> None:
    assert not blockable(value)


def test_the_condition_of_an_object_wraps_its_file() -> None:
    text_ = template({"kind": "A"}, str.__str__(filled(NAME)))
    assert text_ == "{{- if .Values.name }}\nkind: A\n{{- end }}\n"


def test_a_condition_on_an_object_is_one_reference() -> None:
    with pytest.raises(ValueError, match="'yes' is not one reference"):
        template({"kind": "A"}, "yes")


@pytest.mark.parametrize(
    ("value", "guard"),
    [
        ({}, None),
        ([], None),
        ("text", None),
        ({"a": 1, **when(ON, {"b": 1})}, None),
        (when(ON, {"b": 1}), "@.Values.on"),
        ({**when(ON, {"b": 1}), **when(NAME, {"c": 1})}, "or @.Values.on @.Values.name"),
        (when(ON, {"b": {**spread(LABELS)}}), "and @.Values.on (@.Values.labels)"),
        (spread(LABELS), "@.Values.labels"),
        ({"a": str(WORDS), "b": str(LABELS)}, "or @.Values.words @.Values.labels"),
        ([when(equals(NAME, "a"), [1])], 'eq @.Values.name "a"'),
        ([str(WORDS), str(LABELS)], None),
        ([each(WORDS, lambda word: [word])], "@.Values.words"),
        ([each(WORDS, lambda word: [str(MORE)])], "and @.Values.words (@.Values.more)"),
    ],
)
def test_a_tree_that_may_be_empty_knows_when_it_is_not(value: Any, guard: str | None) -> None:
    assert presence(value) == guard


def test_a_key_vanishes_with_all_its_optional_children() -> None:
    assert lines({"a": {"b": [str(WORDS)]}})[:2] == ["{{- if .Values.words }}", "a:"]


def test_an_item_that_may_be_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="a list's item that may be empty would be null"):
        template({"a": [{"b": str(WORDS)}]})


def test_an_item_that_is_filled_where_it_stands_is_taken() -> None:
    assert "- {{- if" not in template({"a": [when(filled(WORDS), [{"b": str(WORDS)}])]})


def test_a_loop_whose_turns_may_all_be_empty_is_refused() -> None:
    inner = Ref(list[str], "$words.more")
    with pytest.raises(ValueError, match="no turn of this loop is sure to leave something"):
        template({"a": [each(WORDS, lambda word: [str(inner)])]})


def test_braces_alone_are_left_as_they_are() -> None:
    assert literal("a{b}c") == "a{b}c"


def test_a_surrogate_pair_is_never_written() -> None:
    assert quoted("😀") == '"😀"'
