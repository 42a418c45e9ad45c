"""The first token without a GPU: a request to a release at zero, held until its pod is there, and back to zero."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml

from generator import argocd
from generator.cluster import control, marks, setup
from generator.cluster.client import Api, Manifest
from generator.cluster.follow import DELETED, follow
from generator.cluster.setup import Setup
from generator.cluster.traffic import Answer, chat
from generator.errors import Location, Problem, ProblemsFound
from generator.objects.labels import INSTANCE
from generator.sources.environment import Environment

Say = Callable[[str], None]

# what takes ten minutes on a cluster takes ten seconds here
DIVISOR = 60
_DIVIDED = ("cooldownPeriod", "initialCooldownPeriod")
TOKENS = 40
_APPLICATION = ("argoproj.io/v1alpha1", "Application")
_SYNC_S, _IDLE_S = 200.0, 90.0
_AS = ("-c", "user.name=modelyard", "-c", "user.email=modelyard@example.com")


class Release(msgspec.Struct, frozen=True):
    """What is asked for, read from the rendered objects."""

    name: str
    namespace: str
    host: str
    model: str
    cooldown_s: int


class Moment(msgspec.Struct, frozen=True):
    """Something that happened, in seconds since the request."""

    seconds: float
    what: str


class Told(msgspec.Struct, frozen=True):
    """All that was seen of one request."""

    answer: Answer
    moments: list[Moment]


def sleeping(root: Path, environment: str) -> list[str]:
    """List the releases of an environment that go to zero and are woken by a request."""
    home = root / "environments" / environment / "rendered"
    files = home.glob("*/**/interceptorroute-*.yaml")
    return sorted(file.relative_to(home).parts[0] for file in files)


def release_of(root: Path, environment: str, name: str) -> Release:
    """Read what has to be known to ask for a release.

    Raises: ProblemsFound when it does not go to zero.
    """
    folder = root / "environments" / environment / "rendered" / name
    if name not in sleeping(root, environment):
        hint = f"choose one of {', '.join(sleeping(root, environment))}"
        place = Location(f"environments/{environment}/releases/{name}.yaml")
        raise ProblemsFound((Problem(place, "scaling", f"{name} does not go to zero", hint, "demo"),))
    route, deployment, scaled = (_read(folder, kind) for kind in ("interceptorroute", "deployment", "scaledobject"))
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return Release(
        name=name,
        namespace=route["metadata"]["namespace"],
        host=route["spec"]["rules"][0]["hosts"][0],
        model=arguments[arguments.index("--served-model-name") + 1],
        cooldown_s=scaled["spec"]["cooldownPeriod"],
    )


def _read(folder: Path, kind: str) -> Manifest:
    found: Manifest = yaml.safe_load(next(folder.rglob(f"{kind}-*.yaml")).read_text(encoding="utf-8"))
    return found


def repository(folder: Path, root: Path, environment: str) -> Path:
    """Make a git repository of what is committed for an environment, and divide its times in a commit of their own."""
    bare, tree = folder / "repository.git", folder / "tree"
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    _git(folder, "clone", "--quiet", str(bare), str(tree))
    own = tree / "environments" / environment
    for part in ("rendered", "argocd"):
        shutil.copytree(root / "environments" / environment / part, own / part)
    _commit(tree, "As it is committed")
    for file in own.glob("rendered/*/**/scaledobject-*.yaml"):
        file.write_text(divided(file.read_text(encoding="utf-8")), encoding="utf-8")
    _commit(tree, f"Divide times by {DIVISOR}")
    _git(tree, "push", "--quiet", "origin", "HEAD:main")
    return bare


def divided(text: str) -> str:
    """Divide the times after which an autoscaler goes to zero."""
    return re.sub(
        rf"^(  (?:{'|'.join(_DIVIDED)}): )(\d+)$",
        lambda found: f"{found[1]}{max(int(found[2]) // DIVISOR, 1)}",
        text,
        flags=re.MULTILINE,
    )


def _commit(tree: Path, message: str) -> None:
    _git(tree, "add", "--all")
    _git(tree, *_AS, "commit", "--quiet", "--allow-empty", "--message", message)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)


def play(root: Path, environment: Environment, release: Release, stages: Path, *, say: Say, hear: Say) -> Told:
    """Bring everything up, ask, look until the release is at zero again, and take everything down.

    Raises: ProblemsFound when the cluster does not come up; TimeoutError when something does not happen.
    """
    parts = (*setup.parts_of(environment), setup.AGENT)
    with tempfile.TemporaryDirectory() as folder:
        synced = repository(Path(folder), root, environment.name)
        begin = time.monotonic()
        run = control.up(root, environment, parts=parts, stages=stages, repository=synced, say=lambda _: None)
        try:
            say(f"control plane, {', '.join(parts)}: ready in {time.monotonic() - begin:.1f} s")
            with control.api(run) as api:
                return _asked(root, run, api, environment, release, say, hear)
        finally:
            begin = time.monotonic()
            control.down(root, environment.name)
            say(f"everything taken down in {time.monotonic() - begin:.1f} s")


def _asked(root: Path, run: Setup, api: Api, environment: Environment, release: Release, say: Say, hear: Say) -> Told:
    if not run.isolated:
        raise _no_namespaces(environment.name)
    real = sleeping(root, environment.name)
    marks.mark(api, marks.SIMULATORS, real)
    begin = time.monotonic()
    for manifest in argocd.bootstrap(environment):
        api.apply(manifest)
    count = _synced(api, environment)
    say(f"Argo CD: {count} Applications Synced and Healthy in {time.monotonic() - begin:.1f} s")
    _until(lambda: _pods(api, release) == 0, _IDLE_S, f"{release.name} is at zero")
    say(f"{release.name}: no pod, as nobody asks; {len(real)} such releases, whose pods are real simulators")
    watcher = Watcher(api, release)
    _until(watcher.asleep, _IDLE_S, f"{release.name} is seen at zero")
    say(f"POST /v1/chat/completions to the interceptor, Host: {release.host}")
    watcher.begin = time.monotonic()
    answer = chat(("127.0.0.1", run.forwards["interceptor"]), release.host, release.model, TOKENS, hear)
    hear("\n")
    watcher.note(answer.first_s, "first byte")
    watcher.note(answer.last_s, f"last byte: status {answer.status}, {answer.tokens} tokens")
    _until(watcher.asleep, _IDLE_S, f"{release.name} is at zero again")
    return Told(answer, sorted(watcher.moments, key=lambda moment: moment.seconds))


def _no_namespaces(environment: str) -> ProblemsFound:
    place = Location(f"environments/{environment}/environment.yaml")
    message = "the demo needs network, mount and process namespaces, which this machine does not allow"
    return ProblemsFound((Problem(place, "", message, "run it where unshare(1) is allowed", "demo"),))


def _synced(api: Api, environment: Environment) -> int:
    """Wait until every Application is in sync and well, those that Applications make included."""
    wanted = f"{environment.name}-root"
    found: list[Manifest] = []

    def well() -> bool:
        nonlocal found
        found = api.list(*_APPLICATION, environment.argocd_namespace)
        root = next((item for item in found if item["metadata"]["name"] == wanted), None)
        return root is not None and all(_state(item) == ("Synced", "Healthy") for item in found)

    _until(well, _SYNC_S, "every Application is Synced and Healthy", every_s=0.5)
    return len(found)


def _state(application: Manifest) -> tuple[str, str]:
    status = application.get("status") or {}
    return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")


def _pods(api: Api, release: Release) -> int:
    return len(api.list("v1", "Pod", release.namespace, selector=f"{INSTANCE}={release.name}"))


def _until(condition: Callable[[], bool], seconds: float, what: str, *, every_s: float = 0.1) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"not after {seconds:.0f} s: {what}")
        time.sleep(every_s)


class Watcher:
    """Notes what becomes of a release, by the API server's own word."""

    def __init__(self, api: Api, release: Release) -> None:
        self.begin = 0.0
        self.moments = [Moment(0.0, "request sent")]
        self._release = release
        self._replicas: int | None = None
        self._pods: set[str] = set()
        self._said: set[tuple[str, str]] = set()
        follow(api, "apps/v1", "Deployment", self._deployment, namespace=release.namespace)
        follow(api, "v1", "Pod", self._pod, namespace=release.namespace)

    def note(self, seconds: float, what: str) -> None:
        """Note a moment."""
        self.moments.append(Moment(seconds, what))

    def asleep(self) -> bool:
        """Tell whether nothing is wanted and nothing runs."""
        return self._replicas == 0 and not self._pods

    def _now(self, what: str) -> None:
        if self.begin:
            self.note(time.monotonic() - self.begin, what)

    def _deployment(self, event: str, item: Manifest) -> None:
        replicas = item["spec"].get("replicas")
        if item["metadata"]["name"] == self._release.name and replicas != self._replicas:
            self._replicas = replicas
            self._now(f"KEDA wants {replicas} replica{'' if replicas == 1 else 's'}")

    def _pod(self, event: str, item: Manifest) -> None:
        metadata = item["metadata"]
        if metadata.get("labels", {}).get(INSTANCE) != self._release.name:
            return
        name = metadata["name"]
        if event == DELETED:
            self._pods.discard(name)
            self._now("pod gone")
            return
        self._pods.add(name)
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions") or ())
        address = item["status"].get("podIP", "")
        for holds, what in (
            ("nodeName" in item["spec"], f"pod on node {item['spec'].get('nodeName')}"),
            (bool(address), f"pod has address {address}, simulator starts"),
            (ready, "pod ready"),
            ("deletionTimestamp" in metadata, "pod told to end"),
        ):
            if holds and (name, what) not in self._said:
                self._said.add((name, what))
                self._now(what)
