"""Brings a cluster up, tells of it, and ends it, from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from generator import tools
from generator.cluster import components, definitions, forward, keys, objects, setup, state
from generator.cluster.client import Api
from generator.cluster.setup import Setup
from generator.errors import Location, Problem, ProblemsFound
from generator.sources.environment import Environment, Keda

Say = Callable[[str], None]

_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_AS_ROOT = ("--user", "--map-root-user")
# what this process brought up and has to collect
_OWNED: dict[Path, subprocess.Popen[bytes]] = {}
# leads from this machine into the namespace
_FORWARDED = ("api", "prometheus", "interceptor")


def up(
    root: Path,
    environment: Environment,
    *,
    parts: tuple[str, ...] | None = None,
    stages: Path | None = None,
    repository: Path | None = None,
    say: Say = print,
) -> Setup:
    """Bring the cluster of an environment up, and wait until it is ready.

    Raises: ProblemsFound when it is up already, a tool is missing, or a process does not start.
    """
    folder = setup.folder_of(root, environment.name)
    owner = state.read_owner(folder)
    if owner and owner.alive():
        raise _problem(environment.name, "its cluster is up already", f"modelyard cluster down {environment.name}")
    _end(folder)
    tools.find("kube-apiserver")
    definitions.load(say)
    prefix = namespace_command()
    sockets = {name: forward.listen(("127.0.0.1", 0)) for name in _FORWARDED} if prefix else {}
    ports = setup.FIXED if prefix else setup.free_ports()
    run = Setup(
        root=str(root),
        environment=environment.name,
        isolated=bool(prefix),
        parts=setup.parts_of(environment) if parts is None else parts,
        ports=ports,
        stages=str(stages) if stages else "",
        repository=str(repository) if repository else "",
        forwards={name: item.getsockname()[1] for name, item in sockets.items()} or dict(ports),
    )
    _start(run, environment, prefix, sockets)
    _follow(run, say)
    return run


def _start(run: Setup, environment: Environment, prefix: tuple[str, ...], sockets: dict[str, socket.socket]) -> None:
    folder = run.folder
    folder.mkdir(parents=True)
    keys.make(run.keys, _names(environment))
    run.kubeconfig.write_text(keys.kubeconfig(run.keys, run.server))
    (folder / "kubeconfig").write_text(keys.kubeconfig(run.keys, f"https://127.0.0.1:{run.forwards['api']}"))
    (folder / "setup.json").write_bytes(msgspec.json.encode(run))
    numbers = {name: item.fileno() for name, item in sockets.items()}
    module = [sys.executable, "-m", "generator.cluster.inside", str(folder / "setup.json"), json.dumps(numbers)]
    with (folder / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [*prefix, *module],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(numbers.values()),
        )
    _OWNED[folder] = process
    state.write_owner(folder, process.pid)
    for item in sockets.values():
        item.close()


def _names(environment: Environment) -> set[str]:
    """List the host names that the servers of a cluster answer to."""
    keda = (environment.keda or Keda()).namespace
    services = {
        "kubernetes.default.svc",
        "keda-operator." + keda + ".svc",
        f"{objects.KEDA_METRICS}.{keda}.svc",
        f"{objects.KEDA_WEBHOOKS}.{keda}.svc",
        f"{objects.LWS_WEBHOOKS}.{objects.LWS_NAMESPACE}.svc",
    }
    outside = {components.git_host(environment), urlsplit(environment.cluster.server).hostname or ""}
    return {"localhost", "kubernetes", *services, *outside} - {""}


def namespace_command() -> tuple[str, ...]:
    """Find the command that gives a process namespaces of its own; empty where none is allowed."""
    if shutil.which(_UNSHARE[0]) is None:
        return ()
    for extra in ((), _AS_ROOT):
        command = (_UNSHARE[0], *extra, *_UNSHARE[1:])
        try:
            # the network is made by address as well as by name: both must be allowed
            done = subprocess.run([*command, "mount", "--bind", "/etc/hosts", "/etc/hosts"], capture_output=True)
        except OSError:
            return ()
        if done.returncode == 0:
            return command
    return ()


def _follow(run: Setup, say: Say) -> None:
    said = 0
    while True:
        owner, found = state.read_owner(run.folder), state.read(run.folder)
        alive = owner is not None and owner.alive()
        if found is not None:
            for name, seconds in found.steps[said:]:
                say(f"cluster {run.environment}: {seconds:5.1f} s  {name}")
            said = len(found.steps)
        if found is not None and found.phase == "ready":
            return
        if not alive:
            raise _failed(run, found)
        time.sleep(0.05)


def _failed(run: Setup, found: state.State | None) -> ProblemsFound:
    log = (run.folder / "supervisor.log").read_text(errors="replace").strip()
    reason = found.failure if found and found.failure else log[-2000:]
    return _problem(run.environment, f"its cluster did not come up: {reason}", f"its logs are in {_logs(run)}")


def _logs(run: Setup) -> str:
    return str((run.folder / "logs").relative_to(run.root))


def _problem(environment: str, message: str, hint: str) -> ProblemsFound:
    place = Location(f"environments/{environment}/environment.yaml")
    return ProblemsFound((Problem(place, "", message, hint, "cluster"),))


def running(root: Path, environment: str) -> Setup:
    """Read the setup of a running cluster.

    Raises: ProblemsFound when it is not running.
    """
    folder = setup.folder_of(root, environment)
    owner = state.read_owner(folder)
    if owner is None or not owner.alive():
        raise _problem(environment, "its cluster is not running", f"modelyard cluster up {environment}")
    return msgspec.json.decode((folder / "setup.json").read_bytes(), type=Setup)


def api(run: Setup) -> Api:
    """Speak to the API server from outside."""
    return Api(f"https://127.0.0.1:{run.forwards['api']}", run.keys)


def order(run: Setup, line: str) -> None:
    """Have a process ended (`stop NAME`), started again (`start`), held where it is (`pause`) or let go on (`resume`).

    Raises: ValueError when there is no such process.
    """
    with socket.socket(socket.AF_UNIX) as channel:
        here = Path.cwd()
        os.chdir(run.folder)
        try:
            channel.connect("control")
        finally:
            os.chdir(here)
        channel.sendall(f"{line}\n".encode())
        answer = channel.makefile().readline().strip()
    if answer != "ok":
        raise ValueError(answer)


def enter(run: Setup, command: list[str]) -> list[str]:
    """Give the command line that runs a command inside the namespaces, as one of their processes."""
    if not run.isolated:
        return command
    owner = state.read_owner(run.folder)
    first = state.children(owner.pid) if owner else []
    if not first:
        raise _problem(run.environment, "its cluster is not running", f"modelyard cluster up {run.environment}")
    as_root = ["--user", "--preserve-credentials"] if os.getuid() else []
    return ["nsenter", "--target", str(first[0]), *as_root, "--net", "--mount", "--pid", *command]


def down(root: Path, environment: str) -> bool:
    """End everything and remove its folder; tell whether there was anything."""
    folder = setup.folder_of(root, environment)
    there = folder.exists()
    _end(folder)
    return there


def _end(folder: Path) -> None:
    owner = state.read_owner(folder)
    if owner is not None and owner.alive():
        # in namespaces of their own the processes end with the first of them, else each with its parent
        everything = state.family(owner.pid)
        os.kill(owner.pid, signal.SIGKILL)
        limit = time.monotonic() + 20
        while any(state.exists(pid) for pid in everything) and time.monotonic() < limit:
            _collect(folder)
            time.sleep(0.02)
    _collect(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _collect(folder: Path) -> None:
    # only where this very process brought it up
    process = _OWNED.get(folder)
    if process is not None and process.poll() is not None:
        del _OWNED[folder]
