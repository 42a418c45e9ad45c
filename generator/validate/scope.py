"""What a check sees: one release with its objects, or one environment with all its releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from generator.charts.build import Chart
from generator.errors import Location, Problem, Severity, dotted
from generator.resolve.release import Resolved
from generator.sources.environment import Environment
from generator.sources.load import Sourced
from generator.template.expand import expand

Path = tuple[str | int, ...]
Manifest = dict[str, Any]


class Finding(NamedTuple):
    """What is wrong at one place of one rendered object (or, without a file, of the release's values)."""

    file: str
    path: Path
    message: str
    hint: str
    severity: Severity = Severity.ERROR


class ReleaseScope(msgspec.Struct, frozen=True):
    """One release as it was resolved and rendered; `objects` by template file."""

    resolved: Resolved
    chart: Chart
    objects: Mapping[str, Manifest]

    @property
    def name(self) -> str:
        """Name of the release."""
        return self.resolved.name

    def problem(self, finding: Finding, check: str) -> Problem:
        """Follow a finding through the object and the values back to the line that a person wrote."""
        if not finding.file:
            location = self.resolved.locate(finding.path)
            return Problem(location, dotted(finding.path), finding.message, finding.hint, check, finding.severity)
        manifest = self.objects[finding.file]
        place = f"{manifest['kind']}/{manifest['metadata']['name']}: {dotted(finding.path)}".rstrip(": ")
        location = self.locate(finding.file, finding.path)
        return Problem(location, place, finding.message, finding.hint, check, finding.severity)

    def locate(self, file: str, path: Path) -> Location:
        """Find the line behind a place in an object; without one, the release's file."""
        paths = self.values_paths(file, path)
        candidates = [self.resolved.locate(found) for found in paths]
        home = self.resolved.context.release.document.locate(())
        return next((place for place in candidates if place != home), home)

    def values_paths(self, file: str, path: Path) -> tuple[Path, ...]:
        """The values behind a place in an object."""
        template = next((t for t in self.chart.skeleton if t.file == file), None)
        if template is None:
            return ()
        return expand(template.manifest, self.resolved.values, self.resolved.namespace).origin(path)


class EnvironmentScope(msgspec.Struct, frozen=True):
    """One environment with everything that runs in it."""

    environment: Sourced[Environment]
    releases: tuple[ReleaseScope, ...]

    def problem(self, path: Path, message: str, hint: str, check: str) -> Problem:
        """Point at a line of environment.yaml."""
        return Problem(self.environment.document.locate(path), dotted(path), message, hint, check)


def pod_templates(manifest: Manifest) -> Iterator[tuple[Path, Manifest]]:
    """Find every pod template of an object, whatever its kind, with its place."""
    yield from _pods(manifest.get("spec"), ("spec",))


def _pods(node: Any, path: Path) -> Iterator[tuple[Path, Manifest]]:
    if isinstance(node, dict):
        if isinstance(node.get("spec"), dict) and isinstance(node["spec"].get("containers"), list):
            yield path, node
            return
        for key, value in node.items():
            yield from _pods(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _pods(value, (*path, index))


def containers(manifest: Manifest) -> Iterator[tuple[Path, Manifest]]:
    """Find every container of an object, init containers included, with its place."""
    for path, pod in pod_templates(manifest):
        for kind in ("initContainers", "containers"):
            for index, container in enumerate(pod["spec"].get(kind) or []):
                yield (*path, "spec", kind, index), container
