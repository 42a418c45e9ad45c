"""The node agent, where kwok would only pretend: pods that are real processes.

`python -m generator.cluster.agent SETUP`. Each such pod has a network of its own with the pod's address. Its process
gets the arguments and the environment of its container; its real readiness path decides whether it is ready; on
deletion come the hook, SIGTERM, and the grace.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from generator import tools
from generator.cluster.client import Api, Manifest, Refused
from generator.cluster.exporter import Exporter
from generator.cluster.follow import DELETED, follow
from generator.cluster.services import Services
from generator.cluster.setup import Setup
from generator.cluster.wires import PodNetwork

ANNOTATION = "modelyard.dev/process"
SIMULATOR = "simulator"
# A kubelet would look every `periodSeconds`; who measures a start wants to know when it was over.
_UNREADY_POLL_S, _READY_POLL_S = 0.1, 1.0
_STRATEGIC = "application/strategic-merge-patch+json"


def command_of(pod: Manifest, folder: Path) -> list[str]:
    """Give the command of a pod's process: a program of ours, with the container's own arguments."""
    container = pod["spec"]["containers"][0]
    program = pod["metadata"]["annotations"][ANNOTATION]
    if program == SIMULATOR:
        return [str(tools.find("llm-d-inference-sim")), *container.get("args", ())]
    metadata = pod["metadata"]
    control = folder / "engines" / f"{metadata['labels'].get('app.kubernetes.io/instance', '-')}.json"
    module = [sys.executable, "-m", "generator.cluster.engine"]
    return [*module, program, str(control), metadata["name"], *container.get("args", ())]


def environment_of(pod: Manifest) -> dict[str, str]:
    """Give the environment of the container, as far as it says itself what it is."""
    found = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    for variable in pod["spec"]["containers"][0].get("env", ()):
        field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        elif field:
            part, _, name = field.partition(".")
            found[variable["name"]] = str(pod[part].get(name, ""))
    return found


def probe_of(pod: Manifest) -> tuple[int, str]:
    """Give port and path of the readiness probe."""
    container = pod["spec"]["containers"][0]
    asked = container["readinessProbe"]["httpGet"]
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports", ())}
    return ports.get(asked["port"], asked["port"]), asked.get("path", "/")


def wait_before_stop(pod: Manifest) -> int:
    """Give the seconds that the container's hook waits before it is told to stop."""
    hook = pod["spec"]["containers"][0].get("lifecycle", {}).get("preStop", {})
    return int(hook.get("sleep", {}).get("seconds", 0))


class Pod:
    """One pod and its process, from the address to the end of its grace."""

    def __init__(self, api: Api, folder: Path, pod: Manifest) -> None:
        self.api = api
        self.folder = folder
        self.pod = pod
        self.ended = threading.Event()
        self.gone = False
        threading.Thread(target=self._live, daemon=True).start()

    def end(self, pod: Manifest, *, gone: bool = False) -> None:
        """Let the pod end; when it is gone already, at once."""
        self.pod = {**self.pod, "metadata": pod["metadata"]}
        self.gone = self.gone or gone
        self.ended.set()

    def _live(self) -> None:
        metadata = self.pod["metadata"]
        network = PodNetwork(f"p{metadata['uid'][:8]}", self.pod["status"]["podIP"])
        log = self.folder / "logs" / f"pod-{metadata['name']}.log"
        try:
            while not self.ended.is_set():
                process = network.start(command_of(self.pod, self.folder), environment_of(self.pod), log)
                self._watch(process)
                if self.ended.is_set():
                    self._stop(process)
                # a process that ended by itself is started again
                self.ended.wait(1)
        finally:
            # whoever talks to it has to hear that it ended, before the wires are gone
            time.sleep(0.2)
            network.end()
        remove(self.api, self.pod)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        address, (port, path) = self.pod["status"]["podIP"], probe_of(self.pod)
        ready = False
        while process.poll() is None and not self.ended.is_set():
            found = answers(address, port, path)
            if found is not ready:
                ready = found
                self._say(ready=ready)
            self.ended.wait(_READY_POLL_S if ready else _UNREADY_POLL_S)
        if ready:
            self._say(ready=False)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        grace = 0 if self.gone else int(self.pod["metadata"].get("deletionGracePeriodSeconds", 30))
        limit = time.monotonic() + grace
        time.sleep(min(wait_before_stop(self.pod), grace))
        process.terminate()
        try:
            process.wait(max(limit - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _say(self, *, ready: bool) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        value = "True" if ready else "False"
        states = [{**state, "ready": ready, "started": ready} for state in self.pod["status"]["containerStatuses"]]
        conditions = [
            {"type": kind, "status": value, "lastTransitionTime": now} for kind in ("Ready", "ContainersReady")
        ]
        change = {"status": {"conditions": conditions, "containerStatuses": states}}
        # a pod that is gone needs no status
        with contextlib.suppress(Refused):
            self.api.request("PATCH", f"{self.api.path_of(self.pod)}/status", change, content_type=_STRATEGIC)


def answers(address: str, port: int, path: str) -> bool:
    """Tell whether a pod calls itself ready."""
    connection = http.client.HTTPConnection(address, port, timeout=1)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def remove(api: Api, pod: Manifest) -> None:
    """Take a pod away whose process has ended, as a kubelet does."""
    options = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    with contextlib.suppress(Refused):
        api.request("DELETE", api.path_of(pod), options)


class Agent:
    """Keeps the processes in step with the pods."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self.pods: dict[str, Pod] = {}

    def changed(self, event: str, item: dict[str, Any]) -> None:
        """Start or end the process of a pod."""
        pod = {"apiVersion": "v1", "kind": "Pod", **item}
        metadata, status = pod["metadata"], pod["status"]
        if ANNOTATION not in metadata.get("annotations", {}):
            return
        known = self.pods.get(metadata["uid"])
        if event == DELETED:
            self.pods.pop(metadata["uid"], None)
            if known:
                known.end(pod, gone=True)
        elif metadata.get("deletionTimestamp"):
            if known:
                known.end(pod)
            elif pod["spec"].get("nodeName"):
                remove(self.api, pod)
        elif not known and status.get("phase") == "Running" and status.get("podIP"):
            self.pods[metadata["uid"]] = Pod(self.api, self.folder, pod)


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    run = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Setup)
    (run.folder / "engines").mkdir(exist_ok=True)
    api = Api(run.server, run.keys)
    api.discover()
    Services(run.folder / "hosts").follow(api)
    exporter = Exporter(run.folder / "targets", ANNOTATION)
    exporter.follow(api)
    exporter.serve(run.ports["state-exporter"])
    agent = Agent(api, run.folder)
    follow(api, "v1", "Pod", agent.changed)
    # the exporter answers once everything is followed: that is how the agent says that it is ready
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
