"""Fetches a released package through its registry's own client, unpacks it, and runs a probe on it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from generator.errors import Location, Problem, ProblemsFound
from generator.facts.model import Source

PROBES = Path(__file__).parent / "probes"

_HOME = "/home/nobody-at-all"  # what an engine puts below its home is written with `~`
# Facts are read from the build for one platform, the same on every machine.
_PYTHON = "3.11"
_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in (17, 28, 31, 34, 35, 39)),
    "manylinux1_x86_64",
    "manylinux2014_x86_64",
)
# Small packages that the engines' parsers need for real; pinned, so that two runs read the same.
_SUPPORT = (
    "annotated-doc==0.0.7",
    "annotated-types==0.8.0",
    "anyio==4.16.0",
    "cachetools==8.0.2",
    "certifi==2026.10.19.post1",
    "charset-normalizer==3.5.3",
    "cloudpickle==3.1.3",
    "fastapi==0.165.0",
    "h11==0.16.0",
    "idna==3.20",
    "msgspec==0.22.0",
    "numpy==2.4.6",
    "opentelemetry-api==1.45.2",
    "orjson==3.13.0",
    "packaging==26.4",
    "prometheus_client==0.26.0",
    "psutil==7.2.2",
    "pydantic==2.14.4",
    "pydantic_core==2.50.5",
    "PyYAML==6.0.4",
    "regex==2026.11.19",
    "requests==2.34.2",
    "starlette==1.10.0",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
)


class Package(msgspec.Struct, frozen=True):
    """An unpacked package: where it lies and where it came from."""

    folder: Path
    source: Source


def wheel(name: str, version: str, work: Path, *, binaries: bool = False) -> Package:
    """Download a wheel, unpack its Python files (with `binaries` all files), delete the wheel."""
    store = work / f"{name}-wheel"
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    build = ("--no-deps", "--only-binary", ":all:", "--python-version", _PYTHON, *platforms)
    _pip(["download", *build, "--dest", str(store), f"{name}=={version}"])
    (file,) = store.glob("*.whl")
    folder = work / name
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if binaries or not _is_binary(n)])
    source = Source(package=f"PyPI {name}", version=version, file=file.name, sha256=_sha256(file))
    shutil.rmtree(store)
    return Package(folder, source)


def go_module(path: str, version: str, work: Path) -> Package:
    """Download a Go module's source; its checksum is that of the zip the module proxy serves."""
    go = shutil.which("go") or "go"
    answer = json.loads(_run([go, "mod", "download", "-json", f"{path}@v{version}"], cwd=work))
    file = Path(answer["Zip"])
    source = Source(package=f"Go module {path}", version=version, file=f"v{version}.zip", sha256=_sha256(file))
    return Package(Path(answer["Dir"]), source)


def support(work: Path) -> Path:
    """Install the small packages that engines' parsers need, apart from this program's own."""
    folder = work / "support"
    _pip(["install", "--no-deps", "--target", str(folder), *_SUPPORT])
    return folder


def probe(engine: str, package: Package, work: Path) -> dict[str, Any]:
    """Run an engine's probe in a process of its own, which sees the package, these small packages and nothing else."""
    output = work / "probe.json"
    shutil.copytree(PROBES, work / "program" / PROBES.name)  # beside nothing else of this program
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": _HOME,  # no settings or caches of the person who runs this
        "PYTHONPATH": os.pathsep.join((str(work / "program"), str(support(work)))),
        "PYTHONHASHSEED": "0",
    }
    module = f"{PROBES.name}.{engine.replace('-', '_')}"
    _run(
        [sys.executable, "-S", "-P", "-m", module, str(package.folder), str(output)],
        cwd=work,
        env=environment,
    )
    data: dict[str, Any] = json.loads(output.read_text().replace(_HOME, "~"))
    return data


def _is_binary(name: str) -> bool:
    return not name.endswith((".py", "METADATA", "entry_points.txt"))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pip(arguments: Sequence[str]) -> None:
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            *arguments[:1],
            "--quiet",
            "--disable-pip-version-check",
            *arguments[1:],
        ]
    )


def _run(command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ProblemsFound((_failed(command, "not found", ""),)) from error
    if done.returncode:
        raise ProblemsFound((_failed(command, f"exit code {done.returncode}", done.stderr),))
    return done.stdout


def _failed(command: Sequence[str], how: str, stderr: str) -> Problem:
    """Say which tool failed, with the exact command and the last lines it wrote."""
    last = "\n  ".join(stderr.strip().splitlines()[-6:])
    return Problem(
        location=Location("generator/facts/extract"),
        path="",
        message=f"{Path(command[0]).name}: {how}" + (f"\n  {last}" if last else ""),
        hint="the command was: " + " ".join(command),
        check="facts",
    )
