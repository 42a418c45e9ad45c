"""What a check sees: one release with its objects, or one environment with all its releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

import msgspec

from generator.charts.build import Chart
from generator.errors import Location, Problem, Severity, dotted
from generator.resolve.context import RoleContext
from generator.resolve.release import Resolved
from generator.sources.environment import Environment
from generator.sources.load import Sourced
from generator.template.expand import expand
from generator.validate.pods import Manifest, Path, Pod, pods_of
from generator.validate.programs import Program, program_of

__all__ = ["EnvironmentScope", "Finding", "Manifest", "Path", "Pod", "ReleaseScope"]


class Finding(NamedTuple):
    """What is wrong at one place of one rendered object (or, without a file, of the release's values)."""

    file: str
    path: Path
    message: str
    hint: str
    severity: Severity = Severity.ERROR


class ReleaseScope(msgspec.Struct, frozen=True, dict=True):
    """One release as it was resolved and rendered; `objects` by template file."""

    resolved: Resolved
    chart: Chart
    objects: Mapping[str, Manifest]

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod template of the release."""
        return tuple(pod for file, manifest in self.objects.items() for pod in pods_of(file, manifest))

    @cached_property
    def programs(self) -> tuple[tuple[Pod, Path, Manifest, Program], ...]:
        """Every container with its pod, its place and the program that it runs."""
        return tuple(
            (pod, path, container, program_of(self.resolved, pod, container))
            for pod in self.pods
            for path, container in pod.containers
        )

    @cached_property
    def by_name(self) -> dict[tuple[str, str], str]:
        """The file of each object, by kind and name."""
        return {(m["kind"], m["metadata"]["name"]): file for file, m in self.objects.items()}

    def of_kind(self, kind: str) -> Iterator[tuple[str, Manifest]]:
        """The objects of one kind, with their files."""
        return ((file, manifest) for file, manifest in self.objects.items() if manifest["kind"] == kind)

    def role(self, pod: Pod) -> RoleContext | None:
        """The role that a pod plays; None for the stack's own programs."""
        return next((role for role in self.resolved.context.roles if role.name == pod.component), None)

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
        """Find the line behind a place in an object; without one, the release's file.

        Of several values that make one text, such as an image, the one that the release itself sets is meant.
        """
        home = self.resolved.context.release.document.locate(())
        found = [self.resolved.locate(values) for values in self.values_paths(file, path)]
        places = [place for place in found if place != home]
        return next((place for place in places if place.file == home.file), places[0] if places else home)

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
    # the day on which exceptions are judged; None: none has expired
    today: date | None = None

    @property
    def facts(self) -> Environment:
        """What environment.yaml says."""
        return self.environment.value

    def problem(
        self, path: Path, message: str, hint: str, check: str, *, severity: Severity = Severity.ERROR
    ) -> Problem:
        """Point at a line of environment.yaml."""
        return Problem(self.environment.document.locate(path), dotted(path), message, hint, check, severity)
