"""Files of Go modules at exact versions, through the go command; the only code here that uses the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from generator.errors import Location, Problem, ProblemsFound
from generator.schemas.sources import CONTROLLER_GEN, Module

_TABLE = "generator/schemas/sources.py"
# Source: scripts/generate-bundle of prometheus-operator v0.93.0
_CRD_OPTIONS = "crd:crdVersions=v1,ignoreUnexportedFields=true,generateEmbeddedObjectMeta=true"


def _failed(module: Module, message: str, hint: str) -> ProblemsFound:
    return ProblemsFound((Problem(Location(_TABLE), str(module), message, hint),))


def find_go() -> str:
    """Find the go command."""
    go = shutil.which("go")
    if go is None:
        problem = Problem(Location(_TABLE), "", "no go command on PATH", "install Go 1.26 or newer")
        raise ProblemsFound((problem,))
    return go


def download(go: str, module: Module) -> Path:
    """Download a module and return its zip file, after comparing its checksum with the table's."""
    with tempfile.TemporaryDirectory() as outside_any_module:
        done = _run([go, "mod", "download", "-json", str(module)], Path(outside_any_module))
    answer = json.loads(done.stdout) if done.stdout.startswith("{") else {}
    # A module that wants a newer Go is reported as an error, but its zip is there and that is all we read.
    if "Zip" not in answer:
        text = answer.get("Error") or done.stderr.strip() or "no answer"
        raise _failed(module, f"`go mod download -json {module}` failed: {text}", "is the module proxy reachable?")
    if answer["Sum"] != module.sum:
        raise _failed(
            module,
            f"checksum is {answer['Sum']}, the table has {module.sum}",
            "find out why before you change the table",
        )
    return Path(answer["Zip"])


def read(archive: Path, module: Module, path: str) -> str:
    """Read one file of a module."""
    with zipfile.ZipFile(archive) as files:
        try:
            return files.read(f"{module}/{path}").decode()
        except KeyError:
            raise _failed(module, f"has no file {path}", "correct the path in the table") from None


def generate_crds(go: str, archive: Path, module: Module, folder: str) -> dict[str, str]:
    """Make the CRDs of a module that publishes Go types only; return them by file name."""
    download(go, CONTROLLER_GEN)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        with zipfile.ZipFile(archive) as files:
            files.extractall(work)
        command = f"{CONTROLLER_GEN.path}/cmd/controller-gen@{CONTROLLER_GEN.version}"
        _must([go, "install", command], work, module, GOBIN=str(work / "bin"))
        made = work / "made"
        generator = str(work / "bin" / "controller-gen")
        arguments = [_CRD_OPTIONS, f"paths=./{folder}/...", f"output:crd:dir={made}"]
        _must([generator, *arguments], work / str(module), module, GOFLAGS="-mod=mod")
        return {file.name: file.read_text() for file in sorted(made.iterdir())}


def _must(command: list[str], folder: Path, module: Module, **environment: str) -> None:
    done = _run(command, folder, **environment)
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise _failed(module, f"`{' '.join(command)}` ended with {done.returncode}: {last}", "see the message")


def _run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # GOTOOLCHAIN=local: never fetch another Go behind the reader's back.
    variables = {**os.environ, "GOTOOLCHAIN": "local", **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
