"""Releases of every recipe that scales, side by side on one cluster; what drives them, what was seen of them."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import yaml

from generator import recipes, tools
from generator.charts.build import minimal
from generator.cluster import control, marks, setup
from generator.cluster.client import Api, Manifest
from generator.cluster.engine import NAMES, TOKEN_S
from generator.cluster.follow import follow
from generator.cluster.setup import Setup
from generator.cluster.traffic import Answer, chat_many
from generator.commands.cluster import environment_of
from generator.model.axes import Recipe, Scaling, Topology
from generator.scaling import zero
from generator.values.tree import merge

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "truth"
# what one replica is meant to have, and how many there can be
TARGET, MOST = 4, 3
# the times as they are shipped, and as the tests have them by day
SHIPPED = {name: value for name, value in msgspec.to_builtins(zero.Options()).items() if name != "heldRequests"}
DIVIDED = {"pollingSeconds": 2, "cooldownSeconds": 8, "stabilizationSeconds": 6, "scaleInPeriodSeconds": 3}
NIGHTLY = bool(os.environ.get("MODELYARD_NIGHTLY"))
PACE = SHIPPED if NIGHTLY else DIVIDED
STARTUP_S, SCHEDULE_S = 30, 20
# what the interceptor's route says of readiness
HELD_S = STARTUP_S + SCHEDULE_S

Tree = dict[str, Any]


class Scaled(msgspec.Struct, frozen=True):
    """One autoscaled Deployment: the name of its release, of itself, and whether it can be at zero."""

    release: str
    name: str
    component: str
    zero: bool
    simulated: bool
    served: bool
    """Whether the release's Service leads to its pods."""


def scaling_recipes() -> list[Recipe]:
    """List every recipe with a chart that follows load."""
    return [recipe for recipe in recipes.charts() if recipe.scaling is not Scaling.FIXED]


def values(recipe: Recipe, name: str, pace: Tree) -> Tree:
    """Give the values of a release: those that an installation by hand needs, small sizes, and the pace."""
    known = yaml.safe_load((ROOT / "charts" / recipe.chart / "values.yaml").read_text())
    size = {"resources": {"cpu": "500m", "memory": "512Mi"}, "sharedMemory": "64Mi"}
    bounds = {"scaling": {"maxReplicas": MOST, "targetRequests": TARGET}}
    roles = {role: merge(size, bounds) for role in recipes.TOPOLOGIES[recipe.topology].ROLES if _scales(known, role)}
    over: Tree = {
        "name": name,
        "namespace": NAMESPACE,
        # the simulator's own is too short for a stream of minutes
        "model": {"servedName": name, "contextTokens": 16384},
        "roles": roles,
        "monitoring": {"enabled": True},
        "timing": {"startupSeconds": STARTUP_S, "scheduleSeconds": SCHEDULE_S, "drainSeconds": 60, "preStopSeconds": 1},
        "scaling": {key: value for key, value in pace.items() if key in known["scaling"]},
    }
    if recipe.scaling is Scaling.ZERO:
        over["scaling"]["heldRequests"] = TARGET
    if recipe.engine.value == "simulator":
        over["engine"] = {"interTokenLatencyMs": int(TOKEN_S * 1000)}
    return merge(minimal(recipe), over)


def _scales(known: Tree, role: str) -> bool:
    return "scaling" in known["roles"].get(role, {})


def render(recipe: Recipe, given: Tree, folder: Path) -> list[Manifest]:
    """Install the committed chart as a person would, but only print what would be installed."""
    file = folder / f"{given['name']}.yaml"
    file.write_text(yaml.safe_dump(given))
    command = [str(tools.find("helm")), "template", given["name"], str(ROOT / "charts" / recipe.chart)]
    options = ["--namespace", NAMESPACE, "--values", str(file), "--kube-version", "1.37.0"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def scaled_in(recipe: Recipe, name: str, manifests: Iterable[Manifest]) -> list[Scaled]:
    """List what scales in a release."""
    manifests = list(manifests)
    service = next(m for m in manifests if m["kind"] == "Service" and m["metadata"]["name"] == name)
    behind = service["spec"]["selector"].get("app.kubernetes.io/component")
    found = []
    for item in manifests:
        if item["kind"] == "ScaledObject":
            component = item["metadata"]["labels"]["app.kubernetes.io/component"]
            target = item["spec"]["scaleTargetRef"]["name"]
            zero = recipe.scaling is Scaling.ZERO
            simulated = recipe.engine.value == "simulator"
            found.append(Scaled(name, target, component, zero, simulated, component == behind))
    return found


class Seen(msgspec.Struct, frozen=True):
    """A state of a Deployment, and when it began."""

    at: float
    wanted: int
    ready: int


class History:
    """What the API server said of every Deployment, from the beginning."""

    def __init__(self, api: Api) -> None:
        self._seen: dict[str, list[Seen]] = {}
        self._lock = threading.Lock()
        follow(api, "apps/v1", "Deployment", self._note, namespace=NAMESPACE)

    def _note(self, event: str, item: Manifest) -> None:
        status = item.get("status", {})
        seen = Seen(time.monotonic(), item["spec"].get("replicas", 0), status.get("readyReplicas", 0))
        with self._lock:
            kept = self._seen.setdefault(item["metadata"]["name"], [])
            if not kept or (kept[-1].wanted, kept[-1].ready) != (seen.wanted, seen.ready):
                kept.append(seen)

    def of(self, name: str, *, since: float = 0.0) -> list[Seen]:
        """Give the states of one since some time, the one that it was in then included."""
        with self._lock:
            kept = list(self._seen.get(name, ()))
        before = [seen for seen in kept if seen.at <= since]
        return [*before[-1:], *[seen for seen in kept if seen.at > since]]

    def now(self, name: str) -> Seen:
        """Give the present state of one."""
        kept = self.of(name)
        return kept[-1] if kept else Seen(0.0, -1, -1)

    def first(self, name: str, since: float, condition: Callable[[Seen], bool]) -> float | None:
        """Tell when something first held after a time, in seconds since then."""
        found = (max(seen.at - since, 0.0) for seen in self.of(name, since=since) if condition(seen))
        return next(found, None)


class Stage:
    """The cluster with all releases on it."""

    def __init__(self, folder: Path) -> None:
        self.root = prepare(folder / "root")
        self.folder = folder
        environment = environment_of(self.root, "dev")
        parts = (setup.KEDA, setup.HTTP_ADDON, setup.PROMETHEUS, setup.AGENT)
        self.run: Setup = control.up(self.root, environment, parts=parts, say=lambda _: None)
        self.api = control.api(self.run)
        self.scaled: list[Scaled] = []
        marks.mark(self.api, marks.ENGINES)
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.history = History(self.api)

    def install(
        self,
        recipe: Recipe,
        name: str,
        pace: Tree,
        *,
        over: Tree | None = None,
        change: Callable[[Manifest], None] | None = None,
        asleep: bool = False,
    ) -> None:
        """Install a release of a recipe; `over` are further values, `change` breaks its objects, to see a test fail.

        One that is asleep begins at zero, where it would else go after its first cooldown.
        """
        manifests = render(recipe, merge(values(recipe, name, pace), over or {}), self.folder)
        manifests.sort(key=lambda manifest: manifest["kind"] == "ScaledObject")
        for manifest in manifests:
            if change:
                change(manifest)
            if asleep and manifest["kind"] == "Deployment":
                manifest["spec"]["replicas"] = 0
            self.api.apply(manifest)
        self.scaled += scaled_in(recipe, name, manifests)

    def close(self) -> None:
        """Take everything down."""
        self.api.close()
        control.down(self.root, "dev")

    def ask(self, scaled: Scaled, tokens: list[int]) -> Traffic:
        """Send requests to it, all at once: through the interceptor what can be at zero."""
        return Traffic(self, scaled, tokens)

    def wait(self, what: str, condition: Callable[[], bool], seconds: float, *, pause_s: float = 0.05) -> float:
        """Wait until something holds; give the seconds that it took."""
        begin = time.monotonic()
        while not condition():
            assert time.monotonic() - begin < seconds, f"not after {seconds:.0f} s: {what}; {self.said()}"
            time.sleep(pause_s)
        return time.monotonic() - begin

    def said(self) -> str:
        """Write what KEDA says of every release, for whoever asks why a test failed."""
        found = []
        for item in self.api.list("keda.sh/v1alpha1", "ScaledObject", NAMESPACE):
            status = item.get("status") or {}
            active = next((c["status"] for c in status.get("conditions") or () if c["type"] == "Active"), "-")
            now = self.history.now(item["spec"]["scaleTargetRef"]["name"])
            since = status.get("lastActiveTime", "never")
            found.append(
                f"{item['metadata']['name']}: active {active}, last {since}, {now.ready} of {now.wanted} ready"
            )
        return "\n".join(found)

    def engines(self, release: str, mode: str = "", pods: Mapping[str, str] | None = None) -> None:
        """Tell the stand-ins of a release, or single pods of it, what is to go wrong."""
        partial = self.run.folder / "engines" / f"{release}.partial"
        partial.write_text(json.dumps({"mode": mode, "pods": pods or {}}))
        # whole at once: they read it at any time
        partial.replace(partial.with_suffix(".json"))

    def pods(self, scaled: Scaled) -> list[Manifest]:
        """List its pods that have an address and are not about to go."""
        found = self._pods(scaled)
        return [pod for pod in found if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]]

    def alone(self, scaled: Scaled) -> bool:
        """Tell whether it has a single pod, and none that is about to go."""
        return len(self._pods(scaled)) == 1

    def _pods(self, scaled: Scaled) -> list[Manifest]:
        labels = {"app.kubernetes.io/instance": scaled.release, "app.kubernetes.io/component": scaled.component}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return self.api.list("v1", "Pod", NAMESPACE, selector=selector)

    def addresses(self, scaled: Scaled) -> list[tuple[str, int]]:
        """List where its pods answer."""
        if scaled.served:
            return [(f"{scaled.release}.{NAMESPACE}", 80)]
        return [(pod["status"]["podIP"], _port(pod)) for pod in self.pods(scaled)]

    def shares(self, scaled: Scaled) -> list[int]:
        """Tell how many requests each of its pods has, the most first, as Prometheus last saw them."""
        names = NAMES["vllm"]
        series = f'{{__name__=~"{names.running}|{names.waiting}",job="{NAMESPACE}/{scaled.name}"}}'
        return sorted((int(value) for value in self.query(f"sum by (pod) ({series})")), reverse=True)

    def query(self, query: str) -> list[float]:
        """Ask Prometheus; give the values of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.run.forwards["prometheus"], timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/v1/query?{urlencode({'query': query})}")
            answer = json.loads(connection.getresponse().read())
        return [float(item["value"][1]) for item in answer["data"]["result"]]


def _port(pod: Manifest) -> int:
    return int(pod["spec"]["containers"][0]["ports"][0]["containerPort"])


def prepare(root: Path) -> Path:
    """Copy `dev`, and give it nodes with GPUs, so that every recipe finds a place."""
    (root / "environments" / "dev").mkdir(parents=True)
    shutil.copytree(ROOT / "catalog", root / "catalog")
    (root / "schemas").symlink_to(ROOT / "schemas")
    text = (ROOT / "environments" / "dev" / "environment.yaml").read_text()
    pool = (
        "  gpu: {accelerator: h100-80gb-sxm, nodes: 4, gpusPerNode: 8, cpusPerNode: 96, memoryPerNode: 1Ti}\n\nstorage:"
    )
    (root / "environments" / "dev" / "environment.yaml").write_text(text.replace("\nstorage:", pool, 1))
    return root


class Traffic:
    """Requests on their way, and their answers once they are over."""

    def __init__(self, stage: Stage, scaled: Scaled, tokens: list[int]) -> None:
        self.begin = time.monotonic()
        self.tokens = tokens
        self.answers: list[Answer] = []
        self._stage, self._scaled = stage, scaled
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        stage, scaled = self._stage, self._scaled
        if scaled.zero:
            host = f"{scaled.release}.{NAMESPACE}"
            address = ("127.0.0.1", stage.run.forwards["interceptor"])
            self.answers = chat_many(address, host, scaled.release, self.tokens)
            return
        address = stage.addresses(scaled)[-1]
        module = [sys.executable, "-m", "generator.cluster.traffic"]
        asked = [address[0], str(address[1]), address[0], scaled.release, *map(str, self.tokens)]
        done = subprocess.run(
            control.enter(stage.run, [*module, *asked]), capture_output=True, text=True, check=True, cwd=ROOT
        )
        self.answers = [msgspec.json.decode(line, type=Answer) for line in done.stdout.splitlines()]

    def wait(self) -> list[Answer]:
        """Wait for the last answer."""
        self._thread.join(max(self.tokens) * TOKEN_S + 240)
        return self.answers

    def in_flight(self, at: float) -> int:
        """Count the requests that were in flight at a time, once all are over."""
        return sum(self.begin <= at < self.begin + answer.last_s for answer in self.answers)

    def end(self) -> float:
        """Tell when the last answer was over."""
        return self.begin + max(answer.last_s for answer in self.answers)

    def whole(self) -> list[str]:
        """Name every answer that is not what was asked for."""
        return [str(answer) for answer in self.answers if answer.status != 200 or not answer.complete or answer.problem]


class Load:
    """As many requests in flight as asked for, two less while some follow others, until it is told to end."""

    TOGETHER, TURN_S = 2, 32

    def __init__(self, stage: Stage, scaled: Scaled, requests: int) -> None:
        self.sent: list[Traffic] = []
        self._stage, self._scaled = stage, scaled
        self._over = threading.Event()
        lines = requests // self.TOGETHER
        # the first turns differ, so that not all lines change at the same time
        first = [self.TURN_S * (line + 1) / lines for line in range(lines)]
        self._lines = [threading.Thread(target=self._follow, args=(seconds,), daemon=True) for seconds in first]
        for line in self._lines:
            line.start()

    def _follow(self, seconds: float) -> None:
        while not self._over.is_set():
            traffic = self._stage.ask(self._scaled, [int(seconds / TOKEN_S)] * self.TOGETHER)
            self.sent.append(traffic)
            traffic.wait()
            seconds = self.TURN_S

    def end(self) -> None:
        """Ask no more; the streams that are there come to their ends."""
        self._over.set()

    def wait(self) -> list[Traffic]:
        """Wait for the last answer."""
        for line in self._lines:
            line.join()
        return self.sent


def enough(load: int) -> int:
    """Replicas that a load asks for; the autoscaler tolerates a tenth more."""
    return min(math.ceil(load / (TARGET * 1.1)), MOST)


def too_few(history: list[Seen], sent: Sequence[Traffic]) -> list[str]:
    """Name every step down to fewer replicas than the requests in flight asked for."""
    found = []
    for before, after in itertools.pairwise(history):
        load = sum(traffic.in_flight(after.at) for traffic in sent)
        if after.wanted < before.wanted and after.wanted < enough(load):
            found.append(f"{after.at - sent[0].begin:.1f} s: {after.wanted} replicas for {load} requests in flight")
    return found


def name_of(recipe: Recipe) -> str:
    """Name a release after its recipe."""
    short = "pd" if recipe.topology is Topology.DISAGGREGATED else "one"
    return f"{recipe.engine.value}-{short}-{recipe.scaling.value}"
