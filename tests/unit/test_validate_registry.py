"""All checks together: what they are called, that they are silent on real releases, and what they cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import validate
from generator.errors import Severity
from generator.validate.registry import CATALOG_CHECKS, ENVIRONMENT_CHECKS, RELEASE_CHECKS
from tests.support.scopes import environment, scopes, sources

# rooms that checks share
SHARED = {
    "__init__",
    "cel",
    "exceptions",
    "registry",
    "scope",
    "pods",
    "programs",
    "claims",
    "promql_tree",
    "kubeconform",
    "renames",
    "scrapes",
}
# True finds that wait for a change elsewhere: the Service of the release bears the name of its LeaderWorkerSet.
KNOWN: set[tuple[str, str]] = set()
# a check of Argo CD's words is registered under a shorter name
FILES = {"options": "argocd_options", "waves": "argocd_waves"}


def test_every_file_is_a_check_and_every_check_a_file() -> None:
    folder = Path(validate.__file__).parent
    files = {file.stem for file in folder.glob("*.py")} - SHARED
    assert files == {FILES.get(name, name) for name in (*RELEASE_CHECKS, *ENVIRONMENT_CHECKS, *CATALOG_CHECKS)}


@pytest.mark.parametrize("name", RELEASE_CHECKS)
def test_no_check_complains_about_a_real_release(name: str) -> None:
    errors = [
        (key, scope.problem(finding, name).text())
        for key, scope in scopes().items()
        for finding in RELEASE_CHECKS[name](scope)
        if finding.severity is Severity.ERROR and (name, key) not in KNOWN
    ]
    assert not errors


@pytest.mark.parametrize("name", ENVIRONMENT_CHECKS)
@pytest.mark.parametrize("place", ["dev", "staging", "prod"])
def test_no_check_complains_about_a_real_environment(name: str, place: str) -> None:
    found = ENVIRONMENT_CHECKS[name](environment(place))
    assert not [problem.text() for problem in found if problem.severity is Severity.ERROR]


@pytest.mark.parametrize("name", CATALOG_CHECKS)
def test_no_check_complains_about_the_real_catalog(name: str) -> None:
    # classes that nobody read are said once
    found = [problem for problem in CATALOG_CHECKS[name](sources()) if problem.path != "architecture"]
    assert not [problem.text() for problem in found]


def test_warnings_are_few() -> None:
    found = [f for scope in scopes().values() for check in RELEASE_CHECKS.values() for f in check(scope)]
    assert len(found) <= 3
