"""Exceptions from an environment's policies: who may break one, and until when."""

from __future__ import annotations

from datetime import date

from generator.sources.environment import PolicyException
from generator.validate.scope import EnvironmentScope


def day(text: str) -> date | None:
    """Read a day; None where the calendar has none of that name."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def expired(exception: PolicyException, today: date | None) -> bool:
    """Tell whether an exception no longer holds; its last day is still a day of grace."""
    last = day(exception.expires)
    return last is None or (today is not None and last < today)


def excused(scope: EnvironmentScope, policy: str, release: str) -> bool:
    """Tell whether a release may break a policy today."""
    return any(
        exception.policy == policy and exception.release == release and not expired(exception, scope.today)
        for exception in scope.facts.policies.exceptions
    )
