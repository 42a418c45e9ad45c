"""The base of every hand-written document's model."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from generator.model import units


class Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A closed mapping: an unknown key is a problem."""


Text = Annotated[str, Meta(min_length=1)]
Label = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Quantity = Annotated[str, Meta(pattern=units.QUANTITY_PATTERN)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=0)]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Revision = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]
Gib = Annotated[float, Meta(gt=0)]
Number = Annotated[float, Meta(gt=0)]
Url = Annotated[str, Meta(pattern=r"^https?://")]
ShortLabel = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=12)]
