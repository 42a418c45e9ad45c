"""Every kind of mistake is caught by the check that is meant for it and by no other, at its place, with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import schemas
from generator.errors import Problem, Severity, dotted
from generator.tools import find
from generator.validate import cel, kubeconform
from generator.validate.registry import CATALOG_CHECKS, ENVIRONMENT_CHECKS, RELEASE_CHECKS
from generator.validate.scope import ReleaseScope
from tests.mutations.rendered import EXTRAS, MISTAKES, RULES, SCHEMAS, Extra, Mistake
from tests.mutations.small import copy, problems_of
from tests.mutations.written import WRITTEN, Written
from tests.support.scopes import ROOT


def said(scope: ReleaseScope) -> list[Problem]:
    return [scope.problem(finding, name) for name, check in RELEASE_CHECKS.items() for finding in check(scope)]


def caught(problems: list[Problem], check: str, says: str) -> Problem:
    """Give the problem that is meant, after a look at all of them."""
    assert {problem.check for problem in problems} == {check}, [problem.text() for problem in problems]
    problem = next((p for p in problems if says in p.message), None)
    assert problem is not None, [p.text() for p in problems]
    assert problem.hint
    assert problem.location.line >= 1 and problem.location.column >= 1
    return problem


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_an_object_is_caught_where_it_is(mistake: Mistake) -> None:
    problem = caught(said(mistake.apply()), mistake.check, mistake.says)
    place = mistake.at if mistake.at is not None else mistake.path
    if problem.path.startswith("roles."):  # a figure that the values hold
        return
    assert dotted(place) in problem.path


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra.name)
def test_an_object_too_many_is_caught(extra: Extra) -> None:
    caught(said(extra.apply()), extra.check, extra.says)


def test_a_mistake_against_a_schema_is_caught_where_it_is() -> None:
    objects = {mistake.name: mistake.apply().objects[mistake.file] for mistake in SCHEMAS}
    found = kubeconform.check(find("kubeconform"), ROOT, schemas.versions()[-1], objects)
    for mistake in SCHEMAS:
        hits = [(path, message, hint) for name, path, message, hint in found if name == mistake.name]
        assert hits, mistake.name
        place = mistake.at if mistake.at is not None else mistake.path
        for path, message, hint in hits:
            assert mistake.says in message and hint, (mistake.name, message)
            assert place[: len(path)] == path or path == place, (mistake.name, path)


def test_a_mistake_against_a_rule_of_a_crd_is_caught_and_kubeconform_misses_it() -> None:
    minor = schemas.versions()[-1]
    objects = {mistake.name: mistake.apply().objects[mistake.file] for mistake in RULES}
    assert kubeconform.check(find("kubeconform"), ROOT, minor, objects) == []
    found = cel.check(find("crdcheck"), ROOT, {name: (minor, item) for name, item in objects.items()})
    for mistake in RULES:
        (verdict,) = (verdict for verdict in found if verdict.key == mistake.name)
        _, path, message, hint = verdict.found
        assert path == mistake.at and mistake.says in message and hint


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of a few releases, without a mistake."""
    place = tmp_path_factory.mktemp("mistakes") / "repository"
    place.mkdir()
    return copy(place)


def test_without_a_mistake_nothing_is_wrong(clean: Path) -> None:
    assert [p.text() for p in problems_of(clean) if p.severity is Severity.ERROR] == []


@pytest.mark.parametrize("mistake", WRITTEN, ids=lambda mistake: mistake.name)
def test_a_mistake_in_a_file_is_caught_at_its_line(mistake: Written, clean: Path) -> None:
    place = clean / mistake.file
    before = place.read_text(encoding="utf-8") if place.exists() else None
    mistake.apply(clean)
    try:
        errors = [p for p in problems_of(clean) if p.severity is Severity.ERROR]
        problem = caught(errors, mistake.check, mistake.says)
        line = (clean / problem.location.file).read_text(encoding="utf-8").splitlines()[problem.location.line - 1]
    finally:
        place.unlink() if before is None else place.write_text(before, encoding="utf-8")
    assert problem.location.file == (mistake.reported or mistake.file)
    assert (mistake.at or mistake.new.strip()) in line


def test_there_are_forty_of_them_and_each_check_has_its_own() -> None:
    mistakes = (*MISTAKES, *EXTRAS, *SCHEMAS, *RULES, *WRITTEN)
    assert len(mistakes) >= 40
    assert len({mistake.name for mistake in mistakes}) == len(mistakes)
    assert {*RELEASE_CHECKS, *ENVIRONMENT_CHECKS, *CATALOG_CHECKS} <= {mistake.check for mistake in mistakes}
