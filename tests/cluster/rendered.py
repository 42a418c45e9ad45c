"""What is committed for an environment, as Argo CD would read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Manifest = dict[str, Any]
# a selector with plain labels, of an engine
_SERIES = re.compile(r"[a-z]+:[a-z_]+\{[^}~!]*\}")


class File(NamedTuple):
    """One object, with the very text that the API server shall read."""

    name: str
    text: str
    manifest: Manifest

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])


def golden(root: Path) -> dict[str, list[File]]:
    """Read what every chart makes of the fewest values, by recipe; namespaces first, as for an environment."""
    found: dict[str, list[File]] = {}
    for path in sorted((root / "tests" / "golden").glob("*/*.yaml")):
        name = path.parent.name if path.stem == "objects" else path.stem
        texts = path.read_text().split("---\n")
        files = [File(f"{name} {number}", text, yaml.safe_load(text)) for number, text in enumerate(texts, 1)]
        found[name] = sorted(files, key=_needed_by_others)
    return found


def _needed_by_others(file: File) -> bool:
    return file.kind not in ("Namespace", "PriorityClass")


class Rendered:
    """The manifests of one environment."""

    def __init__(self, root: Path, environment: str) -> None:
        self.root = root
        self.folder = root / "environments" / environment

    def base(self) -> list[File]:
        """What the environment itself needs; what others need stands first."""
        return sorted(self._files("rendered/_base"), key=_needed_by_others)

    def releases(self) -> list[File]:
        """Every object of every release."""
        folders = sorted(path.name for path in (self.folder / "rendered").iterdir() if path.name != "_base")
        return [file for name in folders for file in self._files(f"rendered/{name}", "**/*.yaml")]

    def argocd(self) -> list[File]:
        """Projects, Applications and settings."""
        return [*self._files("argocd"), *self._files("argocd/settings")]

    def idle(self) -> str:
        """Write the series that engines without a request export: every one that a trigger asks for, at 0."""
        queries = [
            trigger["metadata"].get("query", "")
            for file in self.releases()
            if file.kind == "ScaledObject"
            for trigger in file.manifest["spec"]["triggers"]
        ]
        found = {series for query in queries for series in _SERIES.findall(query)}
        return "".join(f"{series} 0\n" for series in sorted(found))

    def busy(self, release: str, requests: int) -> str:
        """The same, with requests running in one release."""
        mark = f'/{release}",'
        lines = self.idle().splitlines()
        busy = (line[:-1] + str(requests) if mark in line and "_running{" in line else line for line in lines)
        return "".join(f"{line}\n" for line in busy)

    def _files(self, part: str, names: str = "*.yaml") -> list[File]:
        found = []
        for path in sorted((self.folder / part).glob(names)):
            text = path.read_text()
            found.append(File(str(path.relative_to(self.root)), text, yaml.safe_load(text)))
        return found
