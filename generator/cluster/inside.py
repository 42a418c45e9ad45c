"""Starts, watches and owns every process of a cluster: `python -m generator.cluster.inside SETUP FORWARDS`.

It is the first process of the namespaces, where there are any. Its end is the end of all.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from generator.cluster import components, definitions, derived, forward, network, nodes, objects, setup, state
from generator.cluster.client import Api, Refused
from generator.cluster.components import Component
from generator.cluster.setup import (
    INTERCEPTOR_ADDRESS,
    NODE_ADDRESS,
    PROMETHEUS_ADDRESS,
    SCALER_ADDRESS,
    SERVICES,
    Setup,
)
from generator.sources.environment import Environment
from generator.sources.load import load

Manifest = dict[str, Any]

PODS = "10.0.0.0/16"
_PATIENCE_S = 120
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ESTABLISHED = "Established"


class Failed(Exception):
    """The cluster cannot come up."""


class Supervisor:
    """Owns the processes, and says how far it all has come."""

    def __init__(self, run: Setup) -> None:
        self.run = run
        self.state = state.State()
        self.begin = time.monotonic()
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.components: dict[str, Component] = {}
        self.stopping: set[str] = set()
        self.logs = run.folder / "logs"
        self.logs.mkdir(exist_ok=True)

    def step(self, name: str) -> None:
        """Note that something is done."""
        self.state.steps = [*self.state.steps, (name, round(time.monotonic() - self.begin, 2))]
        state.write(self.run.folder, self.state)

    def start(self, component: Component) -> None:
        """Start a process, which ends when this one does; only ever from the main thread, which lasts."""
        with (self.logs / f"{component.name}.log").open("ab") as log:
            self.started[component.name] = subprocess.Popen(
                component.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.run.folder,
                env={**_environment(), **component.environment},
                preexec_fn=_die_with_parent,
            )
        self.components[component.name] = component
        self.state.processes = {name: process.pid for name, process in self.started.items()}

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait until something holds, unless a process ends before.

        Raises: Failed when it takes too long, or a process has ended.
        """
        limit = time.monotonic() + _PATIENCE_S
        while not condition():
            self.look()
            if time.monotonic() > limit:
                raise Failed(f"not ready after {_PATIENCE_S} s: {what}")
            time.sleep(0.03)
        self.step(what)

    def wait_all(self, components: Iterable[Component]) -> None:
        """Wait until several processes are ready, in any order."""
        left = [component for component in components if component.ready]
        limit = time.monotonic() + _PATIENCE_S
        while left:
            self.look()
            for component in [component for component in left if answers(component.ready)]:
                left.remove(component)
                self.step(component.name)
            if time.monotonic() > limit:
                raise Failed(f"not ready after {_PATIENCE_S} s: {', '.join(c.name for c in left)}")
            time.sleep(0.03)

    def look(self) -> None:
        """Look whether every process still runs.

        Raises: Failed when one has ended that was not asked to.
        """
        for name, process in self.started.items():
            code = process.poll()
            if code is not None and name not in self.stopping:
                tail = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-8:]
                self.stopping.add(name)
                raise Failed(f"{name} ended with {code}\n" + "\n".join(f"    {line}" for line in tail))

    def stop(self, name: str) -> None:
        """End a process, at once."""
        self.stopping.add(name)
        self.started[name].kill()
        self.started[name].wait()

    def restart(self, name: str) -> None:
        """Start a process again."""
        self.start(self.components[name])
        self.stopping.discard(name)

    def pause(self, name: str) -> None:
        """Let a process stand still, with what it holds."""
        self.started[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self.started[name].send_signal(signal.SIGCONT)


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ}


_LIBC = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def answers(address: str) -> bool:
    """Tell whether an address says that all is well."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 0
    try:
        if parts.scheme == "tcp":
            socket.create_connection((host, port), 1).close()
            return True
        return _get(parts.scheme, host, port, parts.path) == 200
    except (OSError, http.client.HTTPException):
        return False


def _get(scheme: str, host: str, port: int, path: str) -> int:
    connection: http.client.HTTPConnection
    if scheme == "https":
        # whose certificates these are is not the question here
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(host, port, timeout=1, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=1)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def hosts(run: Setup, environment: Environment) -> str:
    """Write the hosts file of the namespace: every name that a rendered manifest can ask for by itself."""
    known: dict[str, set[str]] = {"127.0.0.1": {"localhost", "kubernetes.default.svc"}}
    git = components.git_host(environment)
    if git:
        known["127.0.0.1"].add(git)
    server = urlsplit(environment.cluster.server).hostname
    if server:
        known["127.0.0.1"].add(server)
    if environment.monitoring is not None and setup.PROMETHEUS in run.parts:
        name = urlsplit(environment.monitoring.query_address).hostname or ""
        known[PROMETHEUS_ADDRESS] = {name, f"{name}.cluster.local"}
    for address, (service, _, _) in services(run, environment).items():
        known[address] = {service, f"{service}.svc", f"{service}.svc.cluster.local"}
    return "".join(f"{address} {' '.join(sorted(names))}\n" for address, names in known.items())


def services(run: Setup, environment: Environment) -> dict[str, tuple[str, int, int]]:
    """Give the add-on's Services that others call: by address, the name, its port, and that of the process."""
    keda = environment.keda
    if keda is None or setup.HTTP_ADDON not in run.parts:
        return {}
    scaler, _, port = keda.scaler_address.partition(":")
    interceptor = f"{keda.interceptor}.{keda.namespace}"
    return {
        SCALER_ADDRESS: (scaler, int(port), run.ports["scaler"]),
        INTERCEPTOR_ADDRESS: (interceptor, keda.interceptor_port, run.ports["interceptor"]),
    }


def isolate(run: Setup, environment: Environment) -> None:
    """Make the network and the names of the namespace."""
    network.start_loopback()
    network.add_address(NODE_ADDRESS)
    network.make_local(SERVICES)
    network.make_local(PODS)
    file = run.folder / "hosts"
    file.write_text(hosts(run, environment))
    network.use_hosts(file)
    for address, (_, port, process) in services(run, environment).items():
        forward.serve(forward.listen((address, port)), forward.to(("127.0.0.1", process)))


def bring_up(supervisor: Supervisor, environment: Environment, accelerators: Any) -> None:
    """Start everything in its order.

    Raises: Failed when a process ends or does not become ready.
    """
    run = supervisor.run
    found = definitions.load(lambda _: None)
    components.write_files(run, environment)
    early = [*components.foundation(run), *components.early(run), *_git(run)]
    for component in early:
        supervisor.start(component)
    api = Api(run.server, run.keys)
    supervisor.wait("kube-apiserver", api.ready)
    controllers = list(components.controllers(run))
    for component in controllers:
        supervisor.start(component)
    _define(supervisor, api, found, environment)
    _create_nodes(supervisor, api, environment, accelerators)
    refused = api.apply_all(nodes.storage_classes(environment))
    refused += api.apply_all(objects.base(environment, run, found.webhooks))
    secret = objects.cluster_secret(environment, run) if setup.ARGOCD in run.parts else None
    refused += api.apply_all([secret] if secret else [])
    if refused:
        raise Failed(f"{refused[0][0]['kind']}/{refused[0][0]['metadata']['name']}: {refused[0][1]}")
    supervisor.step("objects of the controllers")
    own = _own_stages(run, api)
    components.write_stages(run, environment, [*found.stages, *own])
    # kwok ends when it finds a kind undescribed, too
    supervisor.wait("kinds described", lambda: all(api.describes(stage["spec"]["resourceRef"]) for stage in own))
    late = [components.player(run), *components.late(run, environment)]
    for component in late:
        supervisor.start(component)
    supervisor.wait_all([*early, *controllers, *late])
    if setup.KEDA in run.parts:
        supervisor.wait("external metrics", lambda: _available(api))
    supervisor.wait("nodes", lambda: _all_ready(api))
    supervisor.wait("service accounts", lambda: api.get("v1", "ServiceAccount", "default", "default") is not None)


def _git(run: Setup) -> list[Component]:
    if not run.repository or not run.isolated:
        return []
    module = [sys.executable, "-m", "generator.cluster.gitserver"]
    port = run.ports["git"]
    return [Component("git", [*module, run.repository, str(run.keys), str(port)], f"tcp://127.0.0.1:{port}")]


def _own_stages(run: Setup, api: Api) -> list[Manifest]:
    if not run.stages:
        return []
    files = sorted(Path(run.stages).glob("*.yaml"))
    stages = [stage for file in files for stage in yaml.safe_load_all(file.read_text()) if stage]
    # kwok ends when it does not know a kind
    return [stage for stage in stages if api.knows(stage["spec"]["resourceRef"])]


def _define(supervisor: Supervisor, api: Api, found: definitions.Definitions, environment: Environment) -> None:
    wanted = definitions.groups(environment.versions)
    crds = [crd for group in wanted for crd in found.crds[group]]
    if environment.versions.dynamo:
        crds += derived.definitions(Path(supervisor.run.root))
    refused = api.apply_all(crds)
    if refused:
        raise Failed(f"{refused[0][0]['metadata']['name']}: {refused[0][1]}")
    names = {crd["metadata"]["name"] for crd in crds}
    supervisor.wait(f"{len(names)} definitions", lambda: names <= _established(api))
    api.discover()


def _established(api: Api) -> set[str]:
    found = api.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    return {crd["metadata"]["name"] for crd in found if _condition(crd, _ESTABLISHED)}


def _condition(manifest: Manifest, name: str) -> bool:
    conditions = (manifest.get("status") or {}).get("conditions") or []
    return any(c["type"] == name and c["status"] == "True" for c in conditions)


def _create_nodes(supervisor: Supervisor, api: Api, environment: Environment, accelerators: Any) -> None:
    wanted = list(nodes.nodes(environment, accelerators))
    api.at_once(api.create, wanted)
    supervisor.step(f"{len(wanted)} nodes created")


def _all_ready(api: Api) -> bool:
    return all(_condition(node, "Ready") for node in api.list("v1", "Node"))


def _available(api: Api) -> bool:
    service = api.get("apiregistration.k8s.io/v1", "APIService", "", "v1beta1.external.metrics.k8s.io")
    return service is not None and _condition(service, "Available")


def listen_to(supervisor: Supervisor) -> socket.socket:
    """Open the socket over which the processes can be ended and started again, and held."""
    path = supervisor.run.folder / "control"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    # the name of a socket is short; the folder need not be
    here = Path.cwd()
    os.chdir(path.parent)
    listener.bind(path.name)
    os.chdir(here)
    listener.listen()
    listener.settimeout(0.5)
    return listener


def obey(supervisor: Supervisor, listener: socket.socket) -> None:
    """Take one order: a line such as `stop NAME`; the answer is `ok` or what is wrong."""
    orders = {
        "stop": supervisor.stop,
        "start": supervisor.restart,
        "pause": supervisor.pause,
        "resume": supervisor.resume,
    }
    try:
        client, _ = listener.accept()
    except TimeoutError:
        return
    with client, client.makefile("rw") as channel:
        verb, _, name = channel.readline().strip().partition(" ")
        if name not in supervisor.components or verb not in orders:
            answer = f"no such order: {verb} {name}"
        else:
            orders[verb](name)
            answer = "ok"
        channel.write(answer + "\n")


def main(arguments: list[str]) -> None:
    """Bring the cluster up, then watch it until the end."""
    run = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Setup)
    listeners = {name: socket.socket(fileno=number) for name, number in json.loads(arguments[1]).items()}
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = Supervisor(run)
    sources, _ = load(Path(run.root))
    environment = sources.environments[run.environment].environment.value
    try:
        if run.isolated:
            isolate(run, environment)
        for name, listener in listeners.items():
            host = PROMETHEUS_ADDRESS if name == "prometheus" else "127.0.0.1"
            forward.serve(listener, forward.to((host, run.ports[name])))
        bring_up(supervisor, environment, sources.accelerators.value.accelerators)
        supervisor.state.phase = "ready"
        supervisor.step("all")
    except (Failed, Refused, OSError) as error:
        supervisor.state.phase, supervisor.state.failure = "failed", str(error)
        state.write(run.folder, supervisor.state)
        return
    control = listen_to(supervisor)
    while True:
        obey(supervisor, control)
        try:
            supervisor.look()
        except Failed as error:
            supervisor.state.failure = str(error)
            state.write(run.folder, supervisor.state)


if __name__ == "__main__":
    main(sys.argv[1:])
