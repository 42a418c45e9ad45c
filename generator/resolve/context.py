"""One release with everything that its values may depend on: its model, variant, environment and file."""

from __future__ import annotations

import msgspec

from generator.model import memory
from generator.model.axes import Recipe
from generator.sources.catalog import (
    Accelerator,
    Accelerators,
    EngineFile,
    Image,
    Model,
    StackFile,
    Variant,
    VariantRole,
)
from generator.sources.document import Document
from generator.sources.environment import Environment, Pool, Release
from generator.sources.load import Sourced

NO_ACCELERATOR = "none"


class RoleContext(msgspec.Struct, frozen=True):
    """One role: what it needs, and the pool that gives it."""

    name: str
    needs: VariantRole
    accelerator: Accelerator | None
    pool_name: str
    pool: Pool | None


class Context(msgspec.Struct, frozen=True):
    """The inputs of one release."""

    environment_name: str
    name: str
    recipe: Recipe
    model: Sourced[Model]
    variant: Variant
    environment: Sourced[Environment]
    release: Sourced[Release]
    accelerators: Sourced[Accelerators]
    engine: Sourced[EngineFile]
    stack: Sourced[StackFile]
    engine_version: str
    image: Image
    image_origin: tuple[Document, tuple[str | int, ...]]
    needs_weights: bool
    holds_requests: bool
    longest_drain_seconds: int
    roles: tuple[RoleContext, ...]

    @property
    def variant_path(self) -> tuple[str | int, ...]:
        """The variant's place in the model's file."""
        return ("variants", self.release.value.variant)

    @property
    def served_name(self) -> str:
        """The name that clients use."""
        return self.release.value.served_name or self.model.value.served_name

    @property
    def weights_gib(self) -> float | None:
        """Size of the weights that are loaded, or None where nobody states enough."""
        if not self.needs_weights:
            return None
        facts = self.model.value.architecture
        checkpoint = self.variant.checkpoint
        precision = checkpoint.precision if checkpoint else facts.precision
        published = checkpoint.weights_gib if checkpoint else facts.weights_gib
        try:
            return memory.weights_gib(parameters_b=facts.parameters_b, precision=precision, published_gib=published)
        except ValueError:
            return None
