"""The manifest that a person applies once."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import yaml
from test_argocd_files import ENVIRONMENT

from generator import argocd
from generator.commands import bootstrap
from generator.errors import Exit


@pytest.fixture
def plain_dumper(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("generator.render.dump")
    module.dump = yaml.safe_dump  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "generator.render.dump", module)


@pytest.mark.usefixtures("plain_dumper")
def test_bootstrap_prints_its_objects_as_one_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.run(ENVIRONMENT) == Exit.CLEAN
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == argocd.bootstrap(ENVIRONMENT)
