"""The throw-away cluster of an environment: up, down, status, kubeconfig."""

from __future__ import annotations

import time
from pathlib import Path

from generator.cluster import control, setup, state
from generator.errors import Exit, Location, Problem, ProblemsFound
from generator.sources.environment import Environment
from generator.sources.load import load

STAGES = "tests/cluster/stages"


def environment_of(root: Path, name: str) -> Environment:
    """Read one environment.

    Raises: ProblemsFound when there is none of that name, or it cannot be read.
    """
    sources, problems = load(root)
    if name in sources.environments:
        return sources.environments[name].environment.value
    found = [problem for problem in problems if problem.location.file.startswith(f"environments/{name}/")]
    known = ", ".join(sources.environments)
    missing = Problem(Location("environments"), "", f"there is no environment {name!r}", f"choose one of {known}")
    raise ProblemsFound(tuple(found) or (missing,))


def up(root: Path, name: str) -> int:
    """Bring the cluster up, with the nodes that environment.yaml describes."""
    environment = environment_of(root, name)
    begin = time.monotonic()
    stages = root / STAGES
    run = control.up(root, environment, stages=stages if stages.is_dir() else None)
    count = sum(pool.nodes for pool in environment.pools.values())
    where = "in namespaces of its own" if run.isolated else "on this machine's own loopback"
    print(
        f"{name}: {count} simulated nodes, {', '.join(run.parts)}; ready in {time.monotonic() - begin:.1f} s, {where}"
    )
    print(f"export KUBECONFIG={run.folder.relative_to(root)}/kubeconfig")
    return Exit.CLEAN


def down(root: Path, name: str) -> int:
    """End the cluster; nothing of it is left."""
    begin = time.monotonic()
    there = control.down(root, name)
    print(f"{name}: {f'gone in {time.monotonic() - begin:.1f} s' if there else 'nothing to end'}")
    return Exit.CLEAN


def status(root: Path, name: str) -> int:
    """Say what runs."""
    run = control.running(root, name)
    found = state.read(run.folder) or state.State()
    print(f"{name}: {found.phase}{f': {found.failure}' if found.failure else ''}")
    print(f"processes: {', '.join(sorted(found.processes))}")
    for port in sorted(run.forwards) if run.isolated else ("api",):
        print(f"{port}: 127.0.0.1:{run.forwards[port]}")
    return Exit.PROBLEMS if found.failure else Exit.CLEAN


def kubeconfig(root: Path, name: str) -> int:
    """Print the kubeconfig of the running cluster."""
    print((setup.folder_of(root, control.running(root, name).environment) / "kubeconfig").read_text(), end="")
    return Exit.CLEAN


ACTIONS = {"up": up, "down": down, "status": status, "kubeconfig": kubeconfig}


def run(root: Path, action: str, name: str) -> int:
    """Do one of the actions."""
    return ACTIONS[action](root, name)
