"""The manifest that a person applies once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from generator import argocd
from generator.commands import bootstrap
from generator.errors import Exit, ProblemsFound
from generator.sources.load import load

BASE = Path(__file__).parents[1] / "catalogs" / "base"


def test_bootstrap_prints_its_objects_as_one_stream(capsys: pytest.CaptureFixture[str]) -> None:
    environment = load(BASE)[0].environments["prod"].environment.value
    assert bootstrap.run(BASE, "prod") == Exit.CLEAN
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == argocd.bootstrap(environment)


def test_an_unknown_environment_is_a_problem_that_names_those_there_are() -> None:
    with pytest.raises(ProblemsFound) as found:
        bootstrap.run(BASE, "production")
    (problem,) = found.value.problems
    assert problem.message == "there is no environment 'production'"
    assert "prod" in problem.hint
