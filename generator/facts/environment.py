"""Environment variables against the facts: a name that the engine does not read has no effect."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from generator.errors import Severity
from generator.facts.model import Facts


class EnvironmentFinding(msgspec.Struct, frozen=True):
    """A variable that the engine does not know."""

    name: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR


def check_environment(facts: Facts, names: Iterable[str]) -> list[EnvironmentFinding]:
    """Find variables that carry the engine's prefix but that this version does not read."""
    prefixes = (*facts.environment_prefixes, *facts.open_prefixes)
    return [_unknown(facts, name) for name in names if name.startswith(prefixes) and not facts.variable(name)]


def _unknown(facts: Facts, name: str) -> EnvironmentFinding:
    near = facts.nearest_variable(name)
    if name.startswith(facts.open_prefixes):
        known = f"`{name}` is not known to be read by {facts.engine} {facts.version}"
        return EnvironmentFinding(name, known, _hint(near, "check its spelling"), Severity.WARNING)
    message = f"`{name}` is not read by {facts.engine} {facts.version}: it has no effect"
    return EnvironmentFinding(name, message, _hint(near, "remove it"))


def _hint(near: str | None, otherwise: str) -> str:
    return f"did you mean `{near}`?" if near else otherwise
