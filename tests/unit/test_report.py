"""One list of problems in four forms, each holding place, message and hint."""

from __future__ import annotations

import json

import pytest

from generator.errors import Exit, Location, Problem, Severity, dotted, nearest, ordered
from generator.report import FORMATS, as_github, as_json, as_sarif, as_text

ERROR = Problem(Location("a/b.yaml", 3, 7), "values.x", "is 1, not 2", "set 2", "values")
WARNING = Problem(Location("c.yaml"), "", "50% of it,\nor: more", "", "digests", Severity.WARNING)
BOTH = (ERROR, WARNING)


def test_text_has_one_line_and_its_hint() -> None:
    assert as_text((ERROR,)) == "a/b.yaml:3:7: values.x: is 1, not 2\n  hint: set 2\n"


def test_text_marks_a_warning_and_leaves_out_what_is_not_there() -> None:
    assert as_text((WARNING,)) == "c.yaml: warning: 50% of it,\nor: more\n"


def test_text_is_cut_at_blanks_and_a_path_stays_whole() -> None:
    problem = Problem(Location("a.yaml", 1, 1), "x" * 90, "m " * 60 + "y" * 120, "h " * 60)
    lines = as_text((problem,)).splitlines()
    assert all(len(line) <= 100 or line.split() == ["y" * 120] for line in lines)
    assert lines[0] == "a.yaml:1:1:"
    assert " ".join(" ".join(lines).split()) == " ".join(problem.text().split())


def test_json_holds_every_field() -> None:
    first, second = json.loads(as_json(BOTH))["problems"]
    assert first == {
        "file": "a/b.yaml",
        "line": 3,
        "column": 7,
        "path": "values.x",
        "check": "values",
        "severity": "error",
        "message": "is 1, not 2",
        "hint": "set 2",
    }
    assert (second["line"], second["severity"]) == (0, "warning")


def test_github_escapes_what_its_commands_would_read() -> None:
    first, second = as_github(BOTH).splitlines()
    assert first == "::error file=a/b.yaml,line=3,col=7,title=modelyard%3A values::values.x: is 1, not 2%0Aset 2"
    assert second == "::warning file=c.yaml,title=modelyard%3A digests::50%25 of it,%0Aor: more"


def test_sarif_has_the_shape_that_code_scanning_reads() -> None:
    log = json.loads(as_sarif(BOTH))
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert log["version"] == "2.1.0" and rules == ["digests", "values"]
    for result, level in zip(run["results"], ("error", "warning"), strict=True):
        assert result["ruleId"] in rules and result["level"] == level and result["message"]["text"]
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical == {
        "artifactLocation": {"uri": "a/b.yaml"},
        "region": {"startLine": 3, "startColumn": 7},
    }


def test_sarif_gives_a_whole_file_no_region() -> None:
    result = json.loads(as_sarif((WARNING,)))["runs"][0]["results"][0]
    assert "region" not in result["locations"][0]["physicalLocation"]


@pytest.mark.parametrize("form", FORMATS)
def test_no_problems_are_a_report_too(form: str) -> None:
    text = FORMATS[form](())
    assert not text if form in ("text", "github") else json.loads(text)


def test_problems_are_sorted_by_place_and_told_once() -> None:
    later = Problem(Location("a/b.yaml", 10, 1), "", "m")
    assert ordered([WARNING, later, ERROR, later]) == (ERROR, later, WARNING)


def test_a_path_is_written_with_dots_and_brackets() -> None:
    assert dotted(("a", 3, "b", "c")) == "a[3].b.c" and dotted(()) == ""


def test_the_nearest_word_is_named_and_a_far_one_is_not() -> None:
    assert nearest("maxNumSeq", ["maxNumSeqs", "dtype"]) == "maxNumSeqs" and nearest("zzz", ["dtype"]) is None


def test_exit_codes_are_what_the_documents_say() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 130]
