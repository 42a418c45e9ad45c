"""What a running cluster says of itself, in a file that outlives a crash."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

FILE = "state.json"


class Owner(msgspec.Struct, frozen=True):
    """The process whose end ends everything, told from a later one with the same number by its start."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return started(self.pid) == self.started


class State(msgspec.Struct, kw_only=True):
    """How far a cluster has come."""

    phase: str = "starting"
    """`starting`, `ready` or `failed`."""
    failure: str = ""
    steps: list[tuple[str, float]] = []
    """What was done, and the seconds from the start until then."""
    processes: dict[str, int] = {}
    """Process ids as the supervisor sees them: inside its own process namespace where it has one."""


def started(pid: int) -> int:
    """Read when a process started, in ticks since the machine did; 0 when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    # a zombie has ended already
    return 0 if fields[0] == "Z" else int(fields[19])


def write(folder: Path, state: State) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    partial = folder / f".{FILE}.partial"
    partial.write_bytes(msgspec.json.encode(state))
    partial.replace(folder / FILE)


def read(folder: Path) -> State | None:
    """Read the state, if there is any."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=State)
    except (OSError, msgspec.MsgspecError):
        return None


def write_owner(folder: Path, pid: int) -> Owner:
    """Note which process owns everything."""
    owner = Owner(pid, started(pid))
    (folder / "owner.json").write_bytes(msgspec.json.encode(owner))
    return owner


def read_owner(folder: Path) -> Owner | None:
    """Read which process owns everything."""
    try:
        return msgspec.json.decode((folder / "owner.json").read_bytes(), type=Owner)
    except (OSError, msgspec.MsgspecError):
        return None


def children(pid: int) -> list[int]:
    """List the children of a process."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += [int(word) for word in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def family(pid: int) -> list[int]:
    """List a process and all that come from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def exists(pid: int) -> bool:
    """Tell whether a process is there and not just waiting to be reaped."""
    return pid != os.getpid() and started(pid) != 0
