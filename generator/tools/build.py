"""Builds the tools that are not there yet, with the machine's Go or one from a locked Python package."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import Location, Problem, ProblemsFound
from generator.tools.installed import ROOT, go_version, link_flags, on_path, recorded, remember, valkey_folder
from generator.tools.table import Need, Tool, needed_for

Say = Callable[[str], None]


def build(need: Need, *, root: Path = ROOT, say: Say = print) -> None:
    """Have every needed tool at its pinned version: already built, found on PATH, or built now.

    Raises: ProblemsFound when Go cannot be installed or a build fails.
    """
    tools = needed_for(need)
    if need is Need.CLUSTER:
        _have_valkey(root, say)
    if all(recorded(tool, root) for tool in tools):
        return
    with _alone(root):
        missing = [tool for tool in tools if not recorded(tool, root) and not _adopt(tool, root, say)]
        if not missing:
            return
        go = go_command(root, say)
        for number, tool in enumerate(missing, start=1):
            say(f"tools {number}/{len(missing)}: building {tool.name} {tool.version}")
            seconds = _compile(tool, go, root)
            say(f"tools {number}/{len(missing)}: built {tool.name} in {seconds:.1f} s")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    # Two makes at once would compile the same things twice, on the same cores.
    folder = root / ".tools"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _adopt(tool: Tool, root: Path, say: Say) -> bool:
    path = on_path(tool, root)
    if path is None:
        return False
    link = _place(tool, root)
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    remember(tool, path, root)
    say(f"tools: {tool.name} {tool.version} is {path}")
    return True


def go_command(root: Path = ROOT, say: Say = print) -> Path:
    """Find a Go that is new enough, installing the pinned one where the machine has none.

    Raises: ProblemsFound when it cannot be installed.
    """
    pinned = go_version(root)
    machine = shutil.which("go")
    if machine and is_new_enough(_run([machine, "version"], root).stdout, pinned):
        return Path(machine)
    folder = root / ".tools" / f"go-{pinned}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        reason = f"{machine} is older" if machine else "none is on PATH"
        say(f"tools: installing Go {pinned}, because {reason}")
        _install("tools/go.lock", folder, root)
    return go


def _install(lock: str, folder: Path, root: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    done = _run([*pip, "--target", str(partial), "--requirement", lock], root)
    if done.returncode != 0:
        raise ProblemsFound((_failure(done, lock, folder.name.partition("-")[0]),))
    partial.rename(folder)


def is_new_enough(answer: str, pinned: str) -> bool:
    """Tell whether the answer of `go version` names the pinned Go or a newer release."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?(?=\s|$)", answer)
    if found is None:
        return False
    return [int(part) for part in found.groups("0")] >= [int(part) for part in pinned.split(".")]


def _compile(tool: Tool, go: Path, root: Path) -> float:
    start = time.monotonic()
    target = _place(tool, root)
    partial = target.with_name(f".{tool.name}.partial")
    tags = ["-tags", tool.tags] if tool.tags else []
    flags = ["-trimpath", *tags, "-ldflags", link_flags(tool), "-o", str(partial)]
    done = _run([str(go), "build", *flags, tool.import_path], root / "tools" / tool.group)
    if done.returncode != 0:
        raise ProblemsFound((_failure(done, f"tools/{tool.group}/go.mod", tool.name),))
    partial.replace(target)
    remember(tool, target, root)
    return time.monotonic() - start


def _place(tool: Tool, root: Path) -> Path:
    folder = root / ".tools" / "bin"
    folder.mkdir(exist_ok=True)
    return folder / tool.name


def _have_valkey(root: Path, say: Say) -> None:
    folder = valkey_folder(root)
    if not folder.exists():
        with _alone(root):
            if not folder.exists():
                say(f"tools: installing {folder.name}")
                _install("tools/valkey.lock", folder, root)


def go_environment(outside: dict[str, str]) -> dict[str, str]:
    """Take the caller's environment, without what would make the same pins build something else."""
    kept = {name: value for name, value in outside.items() if name not in ("GOROOT", "GOOS", "GOARCH")}
    fixed = {
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "CGO_ENABLED": "0",
    }
    return kept | fixed


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = go_environment(dict(os.environ))
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _failure(done: subprocess.CompletedProcess[str], file: str, name: str) -> Problem:
    # Downloads are announced on stderr too, and would push the reason out of sight.
    lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading ")]
    tail = "".join(f"\n    {line}" for line in lines[-12:])
    return Problem(
        location=Location(file),
        path=name,
        message=f"exit code {done.returncode} of `{shlex.join(done.args)}`{tail}",
        hint="building needs the Go module proxy, about 3 GB of memory and 10 GB of disk",
        check="tools",
    )
