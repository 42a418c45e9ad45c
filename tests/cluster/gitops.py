"""A git repository for Argo CD to read, what Argo CD says of its Applications, and a cluster with both."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generator import argocd
from generator.cluster import control
from generator.cluster.client import Api, Manifest
from generator.cluster.follow import DELETED, follow
from generator.commands.cluster import environment_of
from tests.cluster import proof
from tests.cluster.conftest import STAGES, Cluster
from tests.cluster.rendered import Rendered

_VERSION = "argoproj.io/v1alpha1"
# how an Application is that has nothing to do
WELL = "Synced Healthy"
_EXTERNAL = ("external-secrets.io/v1", "ExternalSecret")
_AS = ["-c", "user.name=modelyard", "-c", "user.email=modelyard@example.com"]


class Repository:
    """A bare repository and a work tree of it."""

    def __init__(self, folder: Path, root: Path, environment: str) -> None:
        self.bare = folder / "repository.git"
        self.tree = folder / "tree"
        self.environment = self.tree / "environments" / environment
        self._git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(folder, "clone", "--quiet", str(self.bare), str(self.tree))
        for part in ("rendered", "argocd"):
            shutil.copytree(root / "environments" / environment / part, self.environment / part)
        self.commit("first")

    def commit(self, message: str) -> str:
        """Commit whatever is in the work tree; give its id."""
        self._git(self.tree, "add", "--all")
        self._git(self.tree, *_AS, "commit", "--quiet", "--message", message)
        self._git(self.tree, "push", "--quiet", "origin", "HEAD:main")
        return self._git(self.tree, "rev-parse", "HEAD")

    def revert(self) -> str:
        """Take the newest commit back, as a commit of its own."""
        self._git(self.tree, *_AS, "revert", "--no-edit", "HEAD")
        self._git(self.tree, "push", "--quiet", "origin", "HEAD:main")
        return self._git(self.tree, "rev-parse", "HEAD")

    def rendered(self, release: str) -> Path:
        """Name the folder with the objects of a release."""
        whole = self.whole(release)
        return next((folder for folder in whole.glob("*") if folder.is_dir()), whole)

    def whole(self, release: str) -> Path:
        """Name the folder of a release, whoever owns its replicas."""
        return self.environment / "rendered" / release

    def remove(self, release: str) -> None:
        """Take a release out of the work tree, as a build does once its file is gone."""
        shutil.rmtree(self.whole(release))
        (self.environment / "argocd" / f"application-{release}.yaml").unlink()

    def releases_with(self, kind: str, *, without: str = "-") -> list[str]:
        """List the releases that have an object of a kind, and none of another.

        Raises: AssertionError when there is none.
        """
        found = []
        for folder in sorted((self.environment / "rendered").iterdir()):
            kinds = {file.name.partition("-")[0] for file in folder.rglob("*.yaml")}
            if folder.name != "_base" and kind.lower() in kinds and without.lower() not in kinds:
                found.append(folder.name)
        assert found, f"no release of {self.environment.name} has a {kind}"
        return found

    def edit(self, release: str, kind: str, change: Callable[[str], str]) -> None:
        """Change the text of the first object of a kind; a change that changes nothing is a mistake of the test."""
        file = next(iter(sorted(self.rendered(release).glob(f"{kind.lower()}-*.yaml"))))
        before = file.read_text()
        after = change(before)
        assert after != before, f"{file.name} is as it was"
        file.write_text(after)

    def _git(self, folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()


class Applications:
    """The Applications of a cluster."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def all(self) -> dict[str, Manifest]:
        """Read them all, by name."""
        return {item["metadata"]["name"]: item for item in self.api.list(_VERSION, "Application", self.namespace)}

    def one(self, name: str) -> Manifest:
        """Read one that must be there."""
        found = self.api.get(_VERSION, "Application", self.namespace, name)
        assert found is not None, f"no Application {name}"
        return found

    def refresh(self, *names: str) -> None:
        """Have them looked at now, as a webhook of the git server would."""
        change = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
        for name in names or tuple(self.all()):
            self.api.merge(self.one(name), change)

    def looked_at(self, name: str) -> bool:
        """Tell whether the last wish to look has been fulfilled."""
        return "argocd.argoproj.io/refresh" not in (self.one(name)["metadata"].get("annotations") or {})

    def unwell(self) -> dict[str, str]:
        """Name every one that is not Synced and Healthy, and say why."""
        return {name: word for name, item in self.all().items() if (word := state(item)) != WELL}

    def at(self, name: str, revision: str) -> bool:
        """Tell whether one is at a revision, in sync and well."""
        item = self.one(name)
        synced = item.get("status", {}).get("sync", {}).get("revision") == revision
        return synced and state(item) == WELL


def state(application: Manifest) -> str:
    """Say in two words how an Application is."""
    status = application.get("status") or {}
    return f"{status.get('sync', {}).get('status', '-')} {status.get('health', {}).get('status', '-')}"


def why(application: Manifest) -> str:
    """Say what an Application complains about."""
    status = application.get("status") or {}
    conditions = [condition.get("message", "") for condition in status.get("conditions") or ()]
    return " ".join([*conditions, (status.get("operationState") or {}).get("message", "")])


class Synced:
    """A cluster that Argo CD holds in step with a repository."""

    def __init__(self, cluster: Cluster, repository: Repository) -> None:
        self.cluster = cluster
        self.repository = repository
        self.applications = Applications(cluster.api, cluster.environment.argocd_namespace)
        self.root = f"{cluster.name}-root"

    def application(self, release: str) -> str:
        """Name the Application of a release."""
        return f"{self.cluster.name}-{release}"

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = 60, *, pause_s: float = 0.05) -> float:
        """Wait until something holds; when it takes too long, say what Argo CD complains about."""
        try:
            return self.cluster.wait(what, condition, seconds, pause_s=pause_s)
        except pytest.fail.Exception as failure:
            found = {
                name: (word, why(self.applications.one(name))) for name, word in self.applications.unwell().items()
            }
            raise AssertionError(f"{failure}; not well: {found}") from None

    def bootstrap(self, seconds: float = 300) -> tuple[int, float]:
        """Apply what a person applies once; give the Applications that came of it, and how long it took."""
        for manifest in argocd.bootstrap(self.cluster.environment):
            self.cluster.api.apply(manifest)
        wanted = len(list((self.repository.environment / "argocd").glob("application-*.yaml"))) + 1

        def whole() -> bool:
            states = [state(item) for item in self.applications.all().values()]
            return len(states) == wanted and set(states) == {WELL}

        # each look reads them all
        return wanted, self.wait(f"{wanted} Applications well", whole, seconds, pause_s=wanted / 500)

    def look_again(self) -> tuple[str, ...]:
        """Have every Application compared once more; give their names."""
        names = tuple(self.applications.all())
        self.applications.refresh(*names)
        self.wait("every Application looked at", lambda: all(map(self.applications.looked_at, names)), 120)
        return names

    def reaches(self, releases: list[str], revision: str, seconds: float = 60) -> float:
        """Have a commit looked at, as a webhook of the git server would; give the time until all are in step."""
        names = [self.application(release) for release in releases]
        begin = time.monotonic()
        self.applications.refresh(*names)
        for name in names:
            self.wait(f"{name} at {revision[:8]}", lambda name=name: self.applications.at(name, revision), seconds)
        return time.monotonic() - begin


def write_secrets(api: Api) -> None:
    """Stand in for the External Secrets Operator, whose status is simulated: a Secret with no real value for each.

    KEDA resolves what the containers of its target name before it makes an autoscaler.
    """

    def written(event: str, item: Manifest) -> None:
        if event == DELETED:
            return
        spec, metadata = item["spec"], item["metadata"]
        owner = {key: metadata[key] for key in ("name", "uid")}
        place = {"name": spec["target"]["name"], "namespace": metadata["namespace"]}
        owners = [{"apiVersion": _EXTERNAL[0], "kind": _EXTERNAL[1], **owner}]
        api.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {**place, "ownerReferences": owners},
                "type": spec["target"].get("template", {}).get("type", "Opaque"),
                # what a login to registries must look like, and any other value can
                "stringData": {entry["secretKey"]: '{"auths": {}}' for entry in spec["data"]},
            }
        )

    if api.knows({"apiGroup": _EXTERNAL[0], "kind": _EXTERNAL[1]}):
        follow(api, *_EXTERNAL, written)


@contextlib.contextmanager
def synced(root: Path, name: str, folder: Path) -> Iterator[Synced]:
    """Bring up the cluster of an environment with every controller that can run here, and a repository for it."""
    environment = environment_of(root, name)
    repository = Repository(folder, root, name)
    begin = time.monotonic()
    run = control.up(root, environment, stages=STAGES, repository=repository.bare, say=lambda _: None)
    cluster = Cluster(run, environment, time.monotonic() - begin, Rendered(root, name))
    run.series.write_text(cluster.rendered.idle())
    cluster.api.discover()
    write_secrets(cluster.api)
    proof.note("Control plane", name, f"with {', '.join(run.parts)}, ready", seconds=cluster.seconds)
    try:
        yield Synced(cluster, repository)
    finally:
        cluster.api.close()
        control.down(root, name)
