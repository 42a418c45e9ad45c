"""A git repository for Argo CD to read, and what Argo CD says of its Applications."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from generator.cluster.client import Api, Manifest

_VERSION = "argoproj.io/v1alpha1"
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
        """Name the folder of a release."""
        return self.environment / "rendered" / release

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
        return {name: word for name, item in self.all().items() if (word := state(item)) != "Synced Healthy"}

    def at(self, name: str, revision: str) -> bool:
        """Tell whether one is at a revision, in sync and well."""
        item = self.one(name)
        synced = item.get("status", {}).get("sync", {}).get("revision") == revision
        return synced and state(item) == "Synced Healthy"


def state(application: Manifest) -> str:
    """Say in two words how an Application is."""
    status = application.get("status") or {}
    return f"{status.get('sync', {}).get('status', '-')} {status.get('health', {}).get('status', '-')}"


def why(application: Manifest) -> str:
    """Say what an Application complains about."""
    status = application.get("status") or {}
    conditions = [condition.get("message", "") for condition in status.get("conditions") or ()]
    return " ".join([*conditions, (status.get("operationState") or {}).get("message", "")])
