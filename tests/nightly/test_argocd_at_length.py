"""Argo CD truth for which a change cannot wait: five hundred Applications, and five minutes of looking on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import synthetic
from generator import pipeline, write
from tests.cluster import proof
from tests.cluster.conftest import ROOT
from tests.cluster.gitops import Synced, synced
from tests.cluster.test_argocd import MARKS, NAME, SECTION, longer

pytestmark = pytest.mark.nightly
MANY = 500
WATCHED_S = 300


@pytest.fixture
def argo(tmp_path: Path) -> Iterator[Synced]:
    with synced(ROOT, NAME, tmp_path) as found:
        found.bootstrap()
        yield found


def test_nothing_drifts_in_five_minutes(argo: Synced) -> None:
    """Nobody commits anything: every Application is compared again and again, and never has anything to do.

    Seen to fail with a number in Git beside an autoscaler, and no rule: Argo CD and the autoscaler take turns.
    """
    argo.look_again()
    before = syncs(argo)
    looked = {name: item["status"]["reconciledAt"] for name, item in argo.applications.all().items()}
    drifted: dict[str, str] = {}
    begin = time.monotonic()
    while time.monotonic() - begin < WATCHED_S:
        drifted |= argo.applications.unwell()
        time.sleep(1)
    assert drifted == {}
    assert syncs(argo) == before
    after = {name: item["status"]["reconciledAt"] for name, item in argo.applications.all().items()}
    assert all(after[name] > looked[name] for name in looked), "some were not looked at"
    what = f"{len(before)} Applications for {WATCHED_S} s: none OutOfSync, none synced again"
    proof.note(SECTION, NAME, what, marks=MARKS)


def syncs(argo: Synced) -> dict[str, str]:
    """Tell when the last sync of each began."""
    found = argo.applications.all()
    return {name: item["status"].get("operationState", {}).get("startedAt", "never") for name, item in found.items()}


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Synced]:
    """The releases of the environment again and again, on as many nodes more."""
    source, root = tmp_path / "source", tmp_path / "root"
    for place in (source, root):
        synthetic.copy_inputs(ROOT, place)
    synthetic.copy_environments(ROOT, source)
    for folder in (source / "environments").iterdir():
        if folder.name != NAME:
            shutil.rmtree(folder)
    synthetic.multiply(source, root, MANY)
    outcome = pipeline.run(pipeline.Options(root=root), lambda _: None)
    assert not outcome.failed, [problem.text() for problem in outcome.problems]
    write.apply(root, outcome.tree, outcome.changes)
    with synced(root, NAME, tmp_path) as found:
        yield found


def test_a_commit_reaches_five_hundred_applications(many: Synced) -> None:
    """From nothing to all of them, then from one commit that changes every release.

    Seen to fail, with twelve, when the commit was not pushed: none of them is ever at it.
    """
    wanted, seconds = many.bootstrap(1800)
    releases = many.repository.releases_with("Deployment")
    assert len(releases) == MANY
    proof.note(SECTION, NAME, f"root to all: {wanted} Applications Synced and Healthy", seconds=seconds, marks=MARKS)
    for release in releases:
        many.repository.edit(release, "Deployment", longer)
    seconds = many.reaches(releases, many.repository.commit("a longer grace period"), 1800)
    proof.note(SECTION, NAME, f"a commit to {MANY} Applications Synced and Healthy", seconds=seconds, marks=MARKS)
    many.wait("every Application well", lambda: not many.applications.unwell(), 300)
