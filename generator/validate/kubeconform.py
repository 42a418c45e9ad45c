"""Objects against the schemas of Kubernetes and of every CRD, as the environment's own version would read them.

A misspelt field is dropped by one API server and refused by another, a number where text belongs stops a whole
sync. One process reads all objects of one Kubernetes minor, with the schemas in this repository and no network; a
kind without a schema is a problem, never a pass.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from generator import schemas
from generator.errors import Location, Problem, ProblemsFound
from generator.sources.secrets import MASK, TOKEN
from generator.validate.scope import Manifest

Steps = tuple[str | int, ...]
Found = tuple[str, Steps, str, str]

# one level of its message: at '/spec/replicas': got string, want integer
_LEVEL = re.compile(r"at '((?:[^'\\]|\\.)*)': (.*?)(?=\s+- at '|\s*$)", re.DOTALL)
# the outer levels say only that something below is wrong
_OUTER = re.compile(r"(?:validation|'?\w+'?) failed(?:, .*)?", re.DOTALL)
_WORKERS = 2 * (os.cpu_count() or 1)
_TAIL = 5


class _Result(msgspec.Struct, frozen=True):
    filename: str = ""
    kind: str = ""
    name: str = ""
    version: str = ""
    status: str = ""
    msg: str = ""


class _Summary(msgspec.Struct, frozen=True):
    valid: int = 0
    invalid: int = 0
    errors: int = 0
    skipped: int = 0


class _Report(msgspec.Struct, frozen=True):
    resources: list[_Result] = []
    summary: _Summary = _Summary()


def check(kubeconform: Path, root: Path, minor: str, objects: Mapping[str, Manifest]) -> list[Found]:
    """Find what a cluster of this minor would refuse: key, place in the object, message and hint, sorted.

    Raises: ProblemsFound when kubeconform crashes, or did not read every object.
    """
    if not objects:
        return []
    if minor not in schemas.versions():
        # the check of what the cluster has says so, once
        return []
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        files = _write(Path(folder), objects)
        report = _run(kubeconform, root, minor, Path(folder), len(objects))
    found: list[Found] = []
    for result in report.resources:
        key = files[Path(result.filename).name, result.kind, result.name]
        found += [(key, path, message, hint) for path, message, hint in _leaves(result, objects[key], minor)]
    return sorted(dict.fromkeys(found), key=lambda item: (item[0], [str(step) for step in item[1]], item[2]))


def _write(folder: Path, objects: Mapping[str, Manifest]) -> dict[tuple[str, str, str], str]:
    """Write the objects into few files, each kind and name once a file: that is all its answer tells of an object."""
    parts: list[list[bytes]] = [[] for _ in range(_WORKERS)]
    owners: dict[tuple[str, str, str], str] = {}
    for index, (key, manifest) in enumerate(objects.items()):
        kind, name = str(manifest.get("kind", "")), str((manifest.get("metadata") or {}).get("name", ""))
        number = index % _WORKERS
        while (f"{number}.yaml", kind, name) in owners:
            number += _WORKERS
        while number >= len(parts):
            parts.append([])
        owners[f"{number}.yaml", kind, name] = key
        # JSON is YAML, and Python writes it faster
        parts[number].append(msgspec.json.encode(manifest))
    for number, documents in enumerate(parts):
        if documents:
            (folder / f"{number}.yaml").write_bytes(b"\n---\n".join(documents))
    return owners


def _run(kubeconform: Path, root: Path, minor: str, folder: Path, count: int) -> _Report:
    home = root if (root / "schemas" / "kubernetes").is_dir() else schemas.ROOT
    places = [part for place in schemas.locations(minor) for part in ("-schema-location", place)]
    options = ["-strict", "-summary", "-output", "json", "-n", str(_WORKERS), *places]
    command = [str(kubeconform), *options, str(folder)]
    # most of its time is reading YAML: a larger heap saves a quarter of it
    environment = {**os.environ, "GOGC": "400"}
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    shown = " ".join([kubeconform.name, *options, "FOLDER"])
    try:
        report = msgspec.json.decode(done.stdout, type=_Report)
    except msgspec.MsgspecError:
        raise _crash(shown, done.returncode, done.stderr or done.stdout) from None
    summary = report.summary
    read = summary.valid + summary.invalid + summary.errors
    if read != count or summary.skipped:
        raise _crash(shown, done.returncode, f"it read {read} of {count} objects and skipped {summary.skipped}")
    return report


def _crash(command: str, code: int, text: str) -> ProblemsFound:
    tail = "\n  ".join(text.strip().splitlines()[-_TAIL:])
    message = f"`{command}` ended with {code}:\n  {tail}"
    hint = "run `modelyard doctor`; if the tool is the pinned one, please report this"
    return ProblemsFound((Problem(Location("schemas"), "", message, hint, "schema"),))


def _leaves(result: _Result, manifest: Manifest, minor: str) -> Iterator[tuple[Steps, str, str]]:
    if result.status == "statusError":
        yield _unread(result, manifest, minor)
        return
    levels = [(match[1], match[2].strip()) for match in _LEVEL.finditer(result.msg)]
    inner = [(place, text) for place, text in levels if not _OUTER.fullmatch(text)]
    for place, text in inner or levels or [("", result.msg)]:
        path = tuple(_steps(manifest, place))
        yield path, TOKEN.sub(MASK, text), f"write it as the schema of {result.kind} {result.version} says"


def _unread(result: _Result, manifest: Manifest, minor: str) -> tuple[Steps, str, str]:
    if "could not find schema" in result.msg:
        kind = f"{manifest.get('kind')} of {manifest.get('apiVersion')}"
        message = f"there is no schema of {kind} for Kubernetes {minor}, so it cannot be checked"
        return ("kind",), message, "check spelling and version, or add the kind with `modelyard schemas fetch`"
    return (), TOKEN.sub(MASK, result.msg), "write an object with apiVersion, kind and metadata.name"


def _steps(manifest: Any, pointer: str) -> Iterable[str | int]:
    """Turn a JSON pointer into a path: an index where the object has a list."""
    for part in pointer.split("/")[1:]:
        word = part.replace("~1", "/").replace("~0", "~").replace("\\'", "'")
        if isinstance(manifest, list) and word.isdigit():
            yield int(word)
            manifest = manifest[int(word)] if int(word) < len(manifest) else None
        else:
            yield word
            manifest = manifest.get(word) if isinstance(manifest, dict) else None
