"""Argo CD truth: the real application controller and repo server sync the environment from a real repository.

One cluster for all of it, with KEDA beside it: the tests stand in the order in which they build on each other, and
each leaves the environment whole.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.pipeline import Options
from generator.pipeline import run as build
from tests.cluster import proof
from tests.cluster.conftest import ROOT
from tests.cluster.gitops import Repository, Synced, synced, why

SECTION = "Argo CD syncs the environment"
NAME = "dev"
MARKS = (proof.SIMULATED,)


def longer(text: str) -> str:
    """Change a Deployment in a way that starts new pods and nothing else."""
    return text.replace("terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: 1", 1)


@pytest.fixture(scope="module")
def argo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    with synced(ROOT, NAME, tmp_path_factory.mktemp("git")) as found:
        yield found


@pytest.fixture(scope="module")
def namespace(argo: Synced) -> str:
    return min(argo.cluster.environment.namespaces)


def test_one_manifest_brings_everything_up(argo: Synced) -> None:
    """`modelyard bootstrap` is applied, and Argo CD does the rest: every Application Synced and Healthy.

    Seen to fail while Prometheus had no series: KEDA called the triggers broken, and Argo CD the release Degraded.
    """
    wanted, seconds = argo.bootstrap()
    proof.note(SECTION, NAME, f"root to all: {wanted} Applications Synced and Healthy", seconds=seconds, marks=MARKS)


def test_a_second_look_finds_nothing_to_do(argo: Synced) -> None:
    """Everything is compared again, with the objects as controllers have left them: nothing is OutOfSync.

    Seen to fail while the name of KEDA's external scaler led nowhere: twelve Applications went from Healthy to Degraded
    after the first look.
    """
    names = argo.look_again()
    assert argo.applications.unwell() == {}
    proof.note(SECTION, NAME, f"second look at {len(names)} Applications: nothing OutOfSync", marks=MARKS)


def test_a_commit_is_found_without_being_told(argo: Synced) -> None:
    """Argo CD polls: every 15 s here, every 120 s by its own default.

    Seen to fail with a commit that was not pushed.
    """
    release = argo.repository.releases_with("Deployment")[0]
    argo.repository.edit(release, "Deployment", longer)
    revision = argo.repository.commit("a longer grace period")
    name = argo.application(release)
    seconds = argo.wait(f"{name} at {revision[:8]}", lambda: argo.applications.at(name, revision))
    proof.note(SECTION, NAME, "a commit reaches its Application, by polling every 15 s", seconds=seconds)
    argo.reaches([release], argo.repository.revert())


@pytest.mark.parametrize("count", [1, 50])
def test_a_commit_reaches_the_cluster_and_a_revert_takes_it_back(argo: Synced, count: int) -> None:
    """From the commit to Synced and Healthy, its rollouts included; roll back is `git revert`.

    Seen to fail with a commit that was not pushed.
    """
    releases = argo.repository.releases_with("Deployment")[:count]
    assert len(releases) == count
    for release in releases:
        argo.repository.edit(release, "Deployment", longer)
    what = f"{count} Application{'' if count == 1 else 's'}"
    seconds = argo.reaches(releases, argo.repository.commit("a longer grace period"), 180)
    proof.note(SECTION, NAME, f"a commit to {what} Synced and Healthy", seconds=seconds)
    seconds = argo.reaches(releases, argo.repository.revert(), 180)
    proof.note(SECTION, NAME, f"its revert to {what} Synced and Healthy", seconds=seconds)


def test_an_edit_by_hand_is_undone(argo: Synced, namespace: str) -> None:
    """What Git says comes back.

    Seen to fail with `selfHeal: false`: the Application stays OutOfSync.
    """
    release = argo.repository.releases_with("Deployment")[0]
    live = argo.cluster.get("apps/v1", "Deployment", namespace, release)
    spec = {"template": {"spec": {"terminationGracePeriodSeconds": 9999}}}
    argo.cluster.api.merge(live, {"spec": spec})

    def undone() -> bool:
        now = argo.cluster.get("apps/v1", "Deployment", namespace, release)
        return bool(now["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] != 9999)

    seconds = argo.wait("the edit undone", undone)
    proof.note(SECTION, NAME, "an edit by hand is undone", seconds=seconds)


def test_the_replicas_of_an_autoscaler_are_left_alone(argo: Synced, namespace: str) -> None:
    """An autoscaler's change survives a look and a sync with another change.

    Seen to fail without the ignore rule: `test_without_its_rule_an_autoscaler_would_lose`.
    """
    release = argo.repository.releases_with("ScaledObject", without="InterceptorRoute")[0]
    name = argo.application(release)

    def replicas() -> int:
        return int(argo.cluster.get("apps/v1", "Deployment", namespace, release)["spec"]["replicas"])

    argo.cluster.run.series.write_text(argo.cluster.rendered.busy(release, 1000))
    argo.wait("the autoscaler's change", lambda: replicas() > 1)
    wanted = replicas()
    argo.repository.edit(release, "Deployment", longer)
    revision = argo.repository.commit("a change beside")
    argo.applications.refresh(name)
    argo.wait(f"{name} at {revision[:8]}", lambda: argo.applications.at(name, revision))
    assert replicas() >= wanted
    argo.cluster.run.series.write_text(argo.cluster.rendered.idle())
    argo.repository.revert()
    proof.note(SECTION, NAME, f"an autoscaler's {wanted} replicas survive a sync with another change")


def test_a_bad_object_stops_its_own_application_alone(argo: Synced) -> None:
    """A field that no Deployment has: its Application says so, every other one stays well; a revert mends it.

    Seen to fail with a field that Deployments have: nobody complains.
    """
    release = argo.repository.releases_with("Deployment")[0]
    name = argo.application(release)
    argo.repository.edit(
        release, "Deployment", lambda text: text.replace("\nspec:\n", "\nspec:\n  replicaCount: 2\n", 1)
    )
    argo.repository.commit("a field that does not exist")
    try:
        argo.applications.refresh(name)
        argo.wait(f"{name} complains", lambda: "replicaCount" in why(argo.applications.one(name)), 120)
        argo.wait("every other one well", lambda: set(argo.applications.unwell()) <= {name, argo.root}, 120)
    finally:
        revision = argo.repository.revert()
    # Argo CD looks again when it next tries: after 10, 20, 40 s
    seconds = argo.wait(f"{name} well again", lambda: argo.applications.at(name, revision), 180)
    proof.note(SECTION, NAME, "a bad object stops its Application alone; well after the revert", seconds=seconds)


def test_an_empty_render_is_refused(argo: Synced, namespace: str) -> None:
    """A folder without objects would delete a model that runs: `allowEmpty: false` keeps it.

    Seen to fail with `allowEmpty: true`: nothing is refused.
    """
    release = argo.repository.releases_with("Deployment")[0]
    name = argo.application(release)
    for file in argo.repository.rendered(release).iterdir():
        file.unlink()
    (argo.repository.rendered(release) / "README").write_text("nothing is rendered\n")
    argo.repository.commit("nothing left")
    argo.applications.refresh(name)
    try:
        argo.wait(f"{name} refuses", lambda: "wipe out" in why(argo.applications.one(name)).lower(), 120)
        argo.cluster.get("apps/v1", "Deployment", namespace, release)
    finally:
        revision = argo.repository.revert()
    argo.applications.refresh(name)
    argo.wait(f"{name} well again", lambda: argo.applications.at(name, revision), 120)
    proof.note(SECTION, NAME, "an empty render is refused, the model stays")


def test_a_deleted_release_is_pruned(argo: Synced, namespace: str) -> None:
    """The release's folder and its Application leave Git; its objects leave the cluster, and nothing else does.

    Seen to fail without the finalizer of the Application: it goes, and its Deployment stays.
    """
    release = argo.repository.releases_with("Deployment")[0]
    name = argo.application(release)
    before = set(argo.applications.all())
    argo.repository.remove(release)
    argo.repository.commit("a release less")
    argo.applications.refresh(argo.root)
    api = argo.cluster.api
    gone = lambda: api.get("apps/v1", "Deployment", namespace, release) is None  # noqa: E731
    seconds = argo.wait(f"{release} gone", gone)
    argo.wait(f"{name} gone", lambda: name not in argo.applications.all())
    assert before - set(argo.applications.all()) == {name}
    argo.repository.revert()
    argo.applications.refresh(argo.root)
    argo.wait(f"{name} back", lambda: name in argo.applications.all() and not argo.applications.unwell(), 120)
    proof.note(SECTION, NAME, "a deleted release is pruned, and comes back with a revert", seconds=seconds)


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "InterceptorRoute"])
def test_the_last_object_of_a_kind_is_pruned(argo: Synced, namespace: str, kind: str) -> None:
    """A release renders nothing of a kind any more: what it had of it goes, and the rest stays.

    Seen to fail with `prune: false`: the object stays, and the Application OutOfSync.
    """
    release = argo.repository.releases_with(kind)[0]
    file = next(argo.repository.rendered(release).glob(f"{kind.lower()}-*.yaml"))
    manifest = yaml.safe_load(file.read_text())
    assert len(list(file.parent.glob(f"{kind.lower()}-*.yaml"))) == 1
    where = manifest["apiVersion"], kind, namespace, manifest["metadata"]["name"]
    uid = argo.cluster.get(*where)["metadata"]["uid"]
    file.unlink()
    argo.repository.commit(f"no {kind}")
    argo.applications.refresh(argo.application(release))
    seconds = argo.wait(f"{file.stem} gone", lambda: argo.cluster.api.get(*where) is None)
    argo.cluster.get("apps/v1", "Deployment", namespace, release)
    argo.reaches([release], argo.repository.revert())
    assert argo.cluster.get(*where)["metadata"]["uid"] != uid
    proof.note(SECTION, NAME, f"the last {kind} of a release is pruned, the rest stays", seconds=seconds)


def test_without_its_rule_an_autoscaler_would_lose(argo: Synced, namespace: str) -> None:
    """The rule is what keeps the replicas: with a number in Git and no rule, Argo CD sets them back at once."""
    release = argo.repository.releases_with("ScaledObject", without="InterceptorRoute")[0]
    file = argo.repository.environment / "argocd" / f"application-{release}.yaml"
    application = yaml.safe_load(file.read_text())
    del application["spec"]["ignoreDifferences"]
    application["spec"]["syncPolicy"]["syncOptions"].remove("RespectIgnoreDifferences=true")
    file.write_text(yaml.safe_dump(application))
    argo.repository.edit(release, "Deployment", lambda text: text.replace("\nspec:\n", "\nspec:\n  replicas: 1\n", 1))
    revision = argo.repository.commit("nobody leaves the replicas alone")
    name = argo.application(release)
    try:
        argo.applications.refresh(argo.root, name)
        argo.wait("the rule gone", lambda: "ignoreDifferences" not in argo.applications.one(name)["spec"])
        argo.wait("the number taken up", lambda: argo.applications.at(name, revision), 120)
        live = argo.cluster.get("apps/v1", "Deployment", namespace, release)
        argo.cluster.api.merge(live, {"spec": {"replicas": 2}}, part="scale")
        back = lambda: argo.cluster.get("apps/v1", "Deployment", namespace, release)["spec"]["replicas"] == 1  # noqa: E731
        argo.wait("the replicas set back", back)
    finally:
        argo.repository.revert()
        argo.applications.refresh(argo.root, name)
        argo.wait("the rule back", lambda: "ignoreDifferences" in argo.applications.one(name)["spec"], 120)


def test_an_autoscaler_takes_over_without_a_dip(argo: Synced, namespace: str, repository: Callable[..., Path]) -> None:
    """fixed -> queue at 5 replicas, under the load of 5: from the commit on there are never fewer than 5.

    Seen to fail, with 1, while such a release lay in one folder before and after: its Application followed the folder
    before the root had given it the rule. And with the folder, but without `RespectIgnoreDifferences=true`.
    """
    release = argo.repository.releases_with("ScaledObject", without="InterceptorRoute")[0]
    name = argo.application(release)
    place = repository("takeover", **{NAME: (release,)})

    def replicas() -> int:
        return int(argo.cluster.get("apps/v1", "Deployment", namespace, release)["spec"]["replicas"])

    use(place, argo.repository, release, {"scaling": "fixed", "replicas": 5})
    revision = argo.repository.commit("five, fixed")
    argo.applications.refresh(argo.root, name)
    argo.wait("five", lambda: argo.applications.at(name, revision) and replicas() == 5, 120)
    trigger = use(place, argo.repository, release, {"scaling": "queue", "maxReplicas": 6})
    # with a change beside it, or nothing would be applied to the Deployment
    argo.repository.edit(release, "Deployment", longer)
    argo.cluster.run.series.write_text(argo.cluster.rendered.busy(release, 5 * int(trigger["metadata"]["threshold"])))
    revision = argo.repository.commit("an autoscaler takes over")
    argo.applications.refresh(argo.root, name)
    begin = time.monotonic()
    seen: set[int] = set()
    while time.monotonic() - begin < 120:
        seen.add(replicas())
        scaler = argo.cluster.api.get("autoscaling/v2", "HorizontalPodAutoscaler", namespace, f"keda-hpa-{release}")
        if argo.applications.at(name, revision) and (scaler or {}).get("status", {}).get("desiredReplicas") == 5:
            break
        time.sleep(0.05)
    seconds = time.monotonic() - begin
    assert min(seen) >= 5, f"replicas seen: {sorted(seen)}"
    proof.note(SECTION, NAME, "fixed -> queue at 5 replicas: never fewer than 5", seconds=seconds)


def use(place: Path, repository: Repository, release: str, wanted: dict[str, object]) -> dict[str, Any]:
    """Build a release with another scaling into the repository; give its first trigger."""
    file = place / "environments" / NAME / "releases" / f"{release}.yaml"
    document = yaml.safe_load(file.read_text())
    document["scaling"] = wanted["scaling"]
    sizes = {key: value for key, value in wanted.items() if key != "scaling"}
    document["values"] = {"roles": {"server": {"scaling": sizes}}}
    file.write_text(yaml.safe_dump(document))
    outcome = build(Options(root=place), lambda _: None)
    assert not outcome.failed, [problem.text() for problem in outcome.problems]
    shutil.rmtree(repository.whole(release))
    found: dict[str, Any] = {}
    for path, text in outcome.tree.items():
        home = f"environments/{NAME}"
        if path.startswith(f"{home}/rendered/{release}/") or path == f"{home}/argocd/application-{release}.yaml":
            (repository.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (repository.tree / path).write_text(text)
            found = yaml.safe_load(text) if "/scaledobject-" in path else found
    return found["spec"]["triggers"][0] if found else {}
