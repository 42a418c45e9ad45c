"""Argo CD truth for every other environment: all of it is brought up, and a wave waits for the model before it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from generator.cluster import control
from generator.model.waves import LAST, WAVES
from tests.cluster import proof
from tests.cluster.conftest import ENVIRONMENTS, ROOT
from tests.cluster.gitops import Synced, synced, why
from tests.cluster.test_argocd import MARKS, NAME, SECTION

# the environment that has every kind of workload
FULLEST = "prod"
KINDS = ("DynamoGraphDeployment", "LeaderWorkerSet")
# long enough for a sync that does not wait
HELD_S = 4


@pytest.fixture(scope="module", params=[name for name in ENVIRONMENTS if name != NAME])
def argo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    with synced(ROOT, request.param, tmp_path_factory.mktemp("git")) as found:
        yield found


def test_one_manifest_brings_everything_up(argo: Synced) -> None:
    """`modelyard bootstrap` is applied, and Argo CD does the rest: every Application Synced and Healthy.

    Seen to fail without the Secrets of ExternalSecrets: KEDA resolves them first, and 14 releases were Degraded.
    """
    wanted, seconds = argo.bootstrap()
    what = f"root to all: {wanted} Applications Synced and Healthy"
    marks = (*MARKS, proof.DERIVED) if argo.cluster.environment.versions.dynamo else MARKS
    proof.note(SECTION, argo.cluster.name, what, seconds=seconds, marks=marks)


def test_a_second_look_finds_nothing_to_do(argo: Synced) -> None:
    """Everything is compared again, with the objects as controllers have left them: nothing is OutOfSync."""
    names = argo.look_again()
    assert argo.applications.unwell() == {}
    what = f"second look at {len(names)} Applications: nothing OutOfSync"
    proof.note(SECTION, argo.cluster.name, what, marks=MARKS)


class Waiting(NamedTuple):
    """A release whose workload is there while nothing brings it up."""

    argo: Synced
    release: str
    kind: str

    @property
    def name(self) -> str:
        return self.argo.application(self.release)

    def manifests(self, wave: int) -> list[dict[str, Any]]:
        """List what the release has in a wave."""
        files = sorted(self.argo.repository.rendered(self.release).iterdir())
        return [item for item in map(yaml.safe_load, map(Path.read_text, files)) if WAVES[item["kind"]] == wave]

    def why(self) -> str:
        return why(self.argo.applications.one(self.name))

    def health(self) -> str:
        """Tell what Argo CD says of the workload."""
        resources = self.argo.applications.one(self.name)["status"].get("resources") or ()
        return next((item.get("health", {}).get("status", "") for item in resources if item["kind"] == self.kind), "")

    def there(self, manifest: dict[str, Any]) -> bool:
        metadata = manifest["metadata"]
        where = manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"]
        return self.argo.cluster.api.get(*where) is not None

    def workload(self) -> dict[str, Any]:
        return next(item for wave in set(WAVES.values()) for item in self.manifests(wave) if item["kind"] == self.kind)

    def leave(self) -> float:
        """Take the release out of Git, the only one with its kind; give the time until its workload is gone."""
        workload = self.workload()
        self.argo.repository.remove(self.release)
        self.argo.repository.commit("a release less")
        self.argo.applications.refresh(self.argo.root)
        seconds = self.argo.wait(f"{self.release} gone", lambda: not self.there(workload))
        self.argo.wait(f"{self.name} gone", lambda: self.name not in self.argo.applications.all())
        return seconds

    def come_back(self) -> None:
        """Put it back into Git while kwok, which plays pods and simulated controllers, stands still.

        Ended and started again it would not play pods before the leases of its nodes have run out.
        """
        control.order(self.argo.cluster.run, "pause kwok")
        self.argo.repository.revert()
        self.argo.applications.refresh(self.argo.root)
        workload = self.workload()
        self.argo.wait(f"{self.kind} {self.release} there", lambda: self.there(workload))

    def go_on(self) -> float:
        """Let kwok go on; give the time until the release is well."""
        control.order(self.argo.cluster.run, "resume kwok")
        well = lambda: self.name not in self.argo.applications.unwell()  # noqa: E731
        return self.argo.wait(f"{self.name} well", well, 120)


@pytest.fixture
def waiting(argo: Synced, kind: str) -> Waiting:
    found = argo.repository.releases_with(kind)
    assert len(found) == 1
    return Waiting(argo, found[0], kind)


@pytest.mark.parametrize("argo", [FULLEST], indirect=True, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_a_health_check_holds_the_next_wave_until_the_model_is_ready(waiting: Waiting, kind: str) -> None:
    """No route leads to a model that still loads, and no budget guards it: their wave waits.

    The release is removed first, with the last object of its kind in the cluster. Seen to fail without the check:
    `test_without_its_health_check_no_wave_waits`.
    """
    environment = waiting.argo.cluster.name
    proof.note(SECTION, environment, f"the last {kind} of the cluster is pruned", seconds=waiting.leave())
    waiting.come_back()
    later = waiting.manifests(LAST)
    assert {"HTTPRoute", "PodDisruptionBudget"} <= {item["kind"] for item in later}
    waits = lambda: "waiting for healthy state of" in waiting.why() and waiting.health() == "Progressing"  # noqa: E731
    waiting.argo.wait(f"{waiting.name} waits", waits)
    time.sleep(HELD_S)
    assert not [item["kind"] for item in later if waiting.there(item)]
    seconds = waiting.go_on()
    assert all(map(waiting.there, later))
    proof.note(SECTION, environment, f"a {kind} that is not ready holds the next wave", seconds=seconds, marks=MARKS)


@pytest.mark.parametrize("argo", [FULLEST], indirect=True, scope="module")
@pytest.mark.parametrize("kind", KINDS)
def test_without_its_health_check_no_wave_waits(waiting: Waiting, kind: str) -> None:
    """The Lua in Argo CD's settings is what holds the wave: without it the kind has no health, and nothing waits."""
    file = next((waiting.argo.repository.environment / "argocd" / "settings").glob("*.yaml"))
    settings = yaml.safe_load(file.read_text())
    del settings["data"][next(key for key in settings["data"] if key.endswith(f"_{kind}"))]
    file.write_text(yaml.safe_dump(settings))
    revision = waiting.argo.repository.commit("nobody knows its health")
    name = f"{waiting.argo.cluster.name}-settings"
    waiting.argo.applications.refresh(name)
    waiting.argo.wait("the check gone", lambda: waiting.argo.applications.at(name, revision))
    waiting.leave()
    try:
        waiting.come_back()
        later = waiting.manifests(LAST)
        waiting.argo.wait("the next wave", lambda: all(map(waiting.there, later)))
    finally:
        waiting.go_on()
