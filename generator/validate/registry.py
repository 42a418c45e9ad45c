"""Every check, by the name that its problems carry. None prints; `pipeline` runs them in this order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from generator.errors import Problem
from generator.validate.scope import EnvironmentScope, Finding, ReleaseScope

RELEASE_CHECKS: dict[str, Callable[[ReleaseScope], Iterable[Finding]]] = {}
ENVIRONMENT_CHECKS: dict[str, Callable[[EnvironmentScope], Iterable[Problem]]] = {}
