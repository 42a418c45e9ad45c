"""Reading what `helm template` prints, as the API server would."""

from __future__ import annotations

from typing import Any

import pytest

from generator.render.parse import documents


def objects(body: str, source: str = "batch/charts/r0/templates/a.yaml") -> list[tuple[str, str, Any]]:
    return list(documents(f"---\n# Source: {source}\n{body}"))


def test_a_document_says_which_release_and_which_template() -> None:
    assert objects("kind: A\n") == [("r0", "a.yaml", {"kind": "A"})]


def test_a_template_that_left_nothing_gives_no_object() -> None:
    assert objects("# only a comment\n") == []


def test_a_document_without_a_source_of_the_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="without a source of the batch"):
        list(documents("---\n# Source: other/templates/a.yaml\nkind: A\n"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("1e+06", 1e6),
        ("1e-07", 1e-7),
        ("2.5e+09", 2.5e9),
        ('"1e+06"', "1e+06"),
        ("true", True),
        ("null", None),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ('"yes"', "yes"),
        ("12:30", "12:30"),
        ("v1", "v1"),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_a_scalar_is_read_by_what_helm_means_with_it(text: str, value: object) -> None:
    assert objects(f"a: {text}\n")[0][2] == {"a": value}


def test_a_key_is_always_text() -> None:
    assert objects("1: a\ntrue: b\n<<: c\n")[0][2] == {"1": "a", "true": "b", "<<": "c"}


def test_a_line_of_dashes_inside_a_text_does_not_end_the_document() -> None:
    assert objects("a: |-\n  x\n  ---\n  y\n")[0][2] == {"a": "x\n---\ny"}
