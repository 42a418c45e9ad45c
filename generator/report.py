"""One list of problems in four forms: text, JSON, GitHub annotations, SARIF."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence

from generator import __version__
from generator.errors import Problem, Severity

ABOUT = "modelyard"
WIDTH = 100


def as_text(problems: Sequence[Problem]) -> str:
    """For a person: one problem after another, each with its hint."""
    return "".join(f"{line}\n" for problem in problems for line in wrapped(problem.text()))


def wrapped(text: str) -> list[str]:
    """Cut long lines at blanks only: a path or a name stays whole, so that it can be copied."""
    lines = []
    for line in text.split("\n"):
        pad = line[: len(line) - len(line.lstrip())] + "    "
        cut = textwrap.wrap(line, WIDTH, subsequent_indent=pad, break_long_words=False, break_on_hyphens=False)
        lines += cut or [""]
    return lines


def as_json(problems: Sequence[Problem]) -> str:
    """For a program."""
    rows = [
        {
            "file": p.location.file,
            "line": p.location.line,
            "column": p.location.column,
            "path": p.path,
            "check": p.check,
            "severity": p.severity.value,
            "message": p.message,
            "hint": p.hint,
        }
        for p in problems
    ]
    return json.dumps({"problems": rows}, indent=1, ensure_ascii=False) + "\n"


def _escaped(text: str, *, value: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if value else text


def as_github(problems: Sequence[Problem]) -> str:
    """For a workflow: annotations at the lines of a pull request."""
    lines = []
    for p in problems:
        place = f"file={_escaped(p.location.file, value=True)}"
        if p.location.line:
            place += f",line={p.location.line},col={p.location.column}"
        title = _escaped(f"{ABOUT}: {p.check or 'problem'}", value=True)
        body = "\n".join(part for part in (f"{p.path}: {p.message}" if p.path else p.message, p.hint) if part)
        lines.append(f"::{p.severity.value} {place},title={title}::{_escaped(body)}\n")
    return "".join(lines)


def as_sarif(problems: Sequence[Problem]) -> str:
    """For code scanning: SARIF 2.1.0."""
    rules = sorted({p.check or "problem" for p in problems})
    results = [
        {
            "ruleId": p.check or "problem",
            "level": "error" if p.severity is Severity.ERROR else "warning",
            "message": {"text": ". ".join(part for part in (f"{p.path}: {p.message}".lstrip(": "), p.hint) if part)},
            "locations": [_sarif_location(p)],
        }
        for p in problems
    ]
    driver = {"name": ABOUT, "version": __version__, "rules": [{"id": rule} for rule in rules]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _sarif_location(problem: Problem) -> dict[str, object]:
    physical: dict[str, object] = {"artifactLocation": {"uri": problem.location.file}}
    if problem.location.line:
        physical["region"] = {
            "startLine": problem.location.line,
            "startColumn": max(1, problem.location.column),
        }
    return {"physicalLocation": physical}


FORMATS: dict[str, Callable[[Sequence[Problem]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
