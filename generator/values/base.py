"""What the structs of values are made of."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from generator.model import units


class Values(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A closed map of values; every field but the required ones has a safe default."""


def derived(description: str, **bounds: Any) -> Meta:
    """Mark a field that `resolve` computes when no layer sets it; its default is a safe constant."""
    return Meta(description=description, extra={"derived": True}, **bounds)


# parts of a pod that are passed through, closed by the vendored Kubernetes schema
Toleration = Annotated[dict[str, Any], Meta(extra_json_schema={"x-fragment": "Toleration"})]
EnvVar = Annotated[dict[str, Any], Meta(extra_json_schema={"x-fragment": "EnvVar"})]
NodeAffinity = Annotated[dict[str, Any], Meta(extra_json_schema={"x-fragment": "NodeAffinity"})]
PodAffinity = Annotated[dict[str, Any], Meta(extra_json_schema={"x-fragment": "PodAffinity"})]
PodAntiAffinity = Annotated[dict[str, Any], Meta(extra_json_schema={"x-fragment": "PodAntiAffinity"})]

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=30)]
OptionalName = Annotated[str, Meta(pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", max_length=63)]
Quantity = Annotated[str, Meta(pattern=units.QUANTITY_PATTERN)]
OPTIONAL_QUANTITY_PATTERN = rf"^({units.QUANTITY_PATTERN[1:-1]})?$"
OptionalQuantity = Annotated[str, Meta(pattern=OPTIONAL_QUANTITY_PATTERN)]
Share = Annotated[float, Meta(gt=0, le=1)]
