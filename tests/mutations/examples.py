"""One real message of every check, each from a seeded mistake: docs/checks.md shows them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generator import schemas
from generator.errors import Problem
from generator.tools import find
from generator.validate import cel, kubeconform
from generator.validate.registry import RELEASE_CHECKS
from generator.validate.scope import Finding
from tests.mutations.rendered import EXTRAS, MISTAKES, RULES, SCHEMAS
from tests.mutations.small import copy, problems_of
from tests.mutations.written import WRITTEN
from tests.support.scopes import ROOT


def examples() -> dict[str, Problem]:
    """Give a problem of each check; one that points at a line somebody wrote where there is such a mistake."""
    return {**_of_objects(), **_of_files(), **_of_programs()}


def _of_objects() -> dict[str, Problem]:
    found: dict[str, Problem] = {}
    for mistake in (*MISTAKES, *EXTRAS):
        if mistake.check not in found:
            scope = mistake.apply()
            said = (scope.problem(item, mistake.check) for item in RELEASE_CHECKS[mistake.check](scope))
            found[mistake.check] = next(problem for problem in said if mistake.says in problem.message)
    return found


def _of_files() -> dict[str, Problem]:
    found: dict[str, Problem] = {}
    for mistake in WRITTEN:
        if mistake.check in found:
            continue
        with tempfile.TemporaryDirectory() as folder:
            root = copy(Path(folder))
            mistake.apply(root)
            said = (problem for problem in problems_of(root) if mistake.says in problem.message)
            found[mistake.check] = next(said)
    return found


def _of_programs() -> dict[str, Problem]:
    """The schemas and the rules of CRDs, which other programs read."""
    minor = schemas.versions()[-1]
    schema, rule = SCHEMAS[0], RULES[0]
    one, other = schema.apply(), rule.apply()
    objects = {"x": one.objects[schema.file]}
    (first, *_) = kubeconform.check(find("kubeconform"), ROOT, minor, objects)
    (second, *_) = cel.check(find("crdcheck"), ROOT, {"x": (minor, other.objects[rule.file])})
    _, path, message, hint = second.found
    return {
        "schema": one.problem(Finding(schema.file, *first[1:]), "schema"),
        "cel": other.problem(Finding(rule.file, path, message, hint), "cel"),
    }
