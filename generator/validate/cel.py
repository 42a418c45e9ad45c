"""Objects by the API server's own code: CEL rules of CRDs, entries that a keyed list holds twice, and a second opinion.

A rule such as "the minimum is at most the maximum" stands in no JSON Schema, and a server-side apply refuses two ports
or volumes with the same key, which nothing else here says. One process judges all objects; what it cannot judge is a
problem, never a pass. Rules about a change (`oldSelf`) are asked when an object is updated, not here, and of Dynamo's
and Grove's kinds some rules are known in words only: `crdcheck -rules` lists both. Variables that are set twice are
left to the check of flags, which knows them better.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from generator import schemas
from generator.errors import Location, Problem, ProblemsFound
from generator.sources.secrets import MASK, TOKEN
from generator.validate.kubeconform import Found, Steps
from generator.validate.scope import Manifest

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[]+)")
_TAIL = 5
_HINTS = {
    "rule": "change the values that the rule speaks of: the API server refuses the object as it is",
    "duplicate": "keep one of them: a server-side apply refuses both",
    "structure": "the API server refuses it, although the JSON Schema here does not: please report this",
    "unknown": "the API server drops it or refuses it, although the JSON Schema here does not: please report this",
    "unevaluated": "raise the versions in tools/crdcheck/go.mod to those of the clusters that know the rule",
    "unread": "add the kind with `modelyard schemas fetch`",
}
# what kubeconform says too, where it says anything of an object
_SAID = frozenset(("structure", "unknown", "unread"))


class Verdict(msgspec.Struct, frozen=True):
    """One thing that the API server would refuse: what sort of thing, in which object, where, and why."""

    kind: str
    key: str
    path: Steps
    message: str

    @property
    def found(self) -> Found:
        """Give it as other checks do."""
        return self.key, self.path, self.message, _HINTS[self.kind]


class _Finding(msgspec.Struct, frozen=True):
    key: str
    kind: str
    path: str
    message: str


class _Report(msgspec.Struct, frozen=True):
    read: int
    findings: list[_Finding]


class _Line(msgspec.Struct, frozen=True):
    key: str
    minor: str
    object: Manifest


def check(crdcheck: Path, root: Path, objects: Mapping[str, tuple[str, Manifest]]) -> list[Verdict]:
    """Find what the API server would refuse, sorted; `objects` have the minor of their cluster beside them.

    Raises: ProblemsFound when crdcheck crashes, or did not read every object.
    """
    # of an unknown minor the check of what the cluster has says so, once
    lines = [_Line(key, minor, item) for key, (minor, item) in objects.items() if minor in schemas.versions()]
    if not lines:
        return []
    report = _run(crdcheck, root, lines)
    verdicts = [_verdict(found, objects[found.key][1]) for found in report.findings]
    ours = [verdict for verdict in verdicts if not (verdict.kind == "duplicate" and verdict.path[-2:-1] == ("env",))]
    return sorted(ours, key=lambda verdict: (verdict.key, [str(step) for step in verdict.path], verdict.message))


def beside(kubeconform: Iterable[Found], verdicts: Iterable[Verdict]) -> Iterator[Found]:
    """Leave out what kubeconform says already: it reads the same schemas, and set lists have no repeats there."""
    said = {(key, path) for key, path, _, _ in kubeconform}
    keys = {key for key, _ in said}
    for verdict in verdicts:
        again = verdict.key in keys if verdict.kind in _SAID else (verdict.key, verdict.path[:-1]) in said
        if not (again and verdict.kind in (*_SAID, "duplicate")):
            yield verdict.found


def _run(crdcheck: Path, root: Path, lines: list[_Line]) -> _Report:
    home = root if (root / "schemas" / "crds").is_dir() else schemas.ROOT
    command = [str(crdcheck), "-schemas", "schemas"]
    text = msgspec.json.Encoder().encode_lines(lines)
    done = subprocess.run(command, cwd=home, input=text, capture_output=True, check=False)
    try:
        report = msgspec.json.decode(done.stdout, type=_Report)
    except msgspec.MsgspecError:
        raise _crash(done.returncode, done.stderr.decode(errors="replace")) from None
    if report.read != len(lines):
        raise _crash(done.returncode, f"it read {report.read} of {len(lines)} objects")
    return report


def _crash(code: int, text: str) -> ProblemsFound:
    tail = "\n  ".join(text.strip().splitlines()[-_TAIL:])
    message = f"`crdcheck -schemas schemas` ended with {code}:\n  {tail}"
    hint = "run `modelyard doctor`; if the tool is the pinned one, please report this"
    return ProblemsFound((Problem(Location("schemas"), "", message, hint, "cel"),))


def _verdict(found: _Finding, manifest: Manifest) -> Verdict:
    message = TOKEN.sub(MASK, found.message)
    if found.kind in ("rule", "unevaluated"):
        message = f"{message} (a rule of {manifest.get('kind')} of {manifest.get('apiVersion')})"
    return Verdict(found.kind, found.key, tuple(_steps(manifest, found.path)), message)


def _steps(place: Any, path: str) -> Iterator[str | int]:
    """Turn `spec.rules[0].labels[a.b/c]` into steps; in brackets stands an index where the object has a list."""
    for match in _STEP.finditer(path):
        word = match[1] if match[2] is None else match[2]
        if isinstance(place, list) and word.isdigit():
            yield int(word)
            place = place[int(word)] if int(word) < len(place) else None
        else:
            yield word
            place = place.get(word) if isinstance(place, dict) else None
