"""The four axes and the recipe, one point of them."""

from __future__ import annotations

import enum

import msgspec


class Engine(enum.Enum):
    """The program that serves a model."""

    VLLM = "vllm"
    SGLANG = "sglang"
    SIMULATOR = "simulator"


class Stack(enum.Enum):
    """What runs the engine and stands around it."""

    KUBERNETES = "kubernetes"
    DYNAMO = "dynamo"


class Topology(enum.Enum):
    """How one replica is laid over pods, nodes and GPUs."""

    AGGREGATED = "aggregated"
    MULTINODE = "multinode"
    DISAGGREGATED = "disaggregated"


class Scaling(enum.Enum):
    """How replicas follow load."""

    FIXED = "fixed"
    QUEUE = "queue"
    ZERO = "zero"


class Task(enum.Enum):
    """The API that a model answers."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    TRANSCRIPTION = "transcription"


class Basis(enum.Enum):
    """What a variant's size rests on."""

    CONFIGURATION = "configuration"
    KAITO = "kaito"
    RECIPE_MINIMUM = "recipe-minimum"
    UNKNOWN = "unknown"


class Recipe(msgspec.Struct, frozen=True, order=False):
    """One point of engine x stack x topology x scaling."""

    engine: Engine
    stack: Stack
    topology: Topology
    scaling: Scaling

    @property
    def chart(self) -> str:
        """Name of the chart: `<engine>-<topology>-<scaling>`, the stack in front unless it is kubernetes."""
        words = [self.engine.value, self.topology.value, self.scaling.value]
        if self.stack is not Stack.KUBERNETES:
            words.insert(0, self.stack.value)
        return "-".join(words)
