"""A number of replicas that Git owns."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from generator.contract import Object, Plan, Refusal, RoleView
from generator.model.axes import Scaling
from generator.values.base import Values

NAME = Scaling.FIXED
HOLDS_REQUESTS = False
REFUSALS: tuple[Refusal, ...] = ()


class Options(Values, frozen=True, kw_only=True):
    """Nothing follows load."""


class RoleOptions(Values, frozen=True, kw_only=True):
    """Size of one role."""

    replicas: Annotated[int, Meta(ge=1, description="Replicas")] = 1


def replicas(role: RoleView) -> object:
    """The number that stands in Git."""
    return role.scaling.replicas


def objects(plan: Plan) -> list[Object]:
    """Nothing scales."""
    return []
