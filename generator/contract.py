"""What an axis must bring: four protocols, and the words they exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from generator.model import axes
from generator.values.common import Common, Role

Data = dict[str, Any]


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """One Kubernetes object of a chart, with references inside."""

    api: str
    kind: str
    name: str
    body: Data = {}
    labels: Data = {}
    annotations: Data = {}
    condition: object = None
    # None: the release's namespace; an object of the cluster has an empty one
    namespace: object = None
    # file of the template where two objects of a kind need telling apart
    title: str = ""


class Flag(msgspec.Struct, frozen=True):
    """One flag of an engine; no value: a switch. The stack decides how it is spelled."""

    name: str
    value: object = None
    condition: object = None
    # of the engine's own HTTP server: a stack with a server of its own lacks it, or spells it otherwise
    server: bool = False


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine exports that scaling reads, each a gauge over one pod."""

    running: str
    waiting: str
    model_label: str = "model_name"
    path: str = "/metrics"


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Which of an engine's options decide how much of a GPU it may use, by their names in the values."""

    # of a role: the share of the GPU that the engine takes; 0 or no such option: its own choice
    share: str
    # the share is for weights and cache alone: activations and graphs have the rest
    without_activations: bool = False
    # of a role: tokens computed at once; 0 or empty: its own choice
    batched_tokens: str
    # of the release: type of an element of the cache
    cache_type: str


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """Where a runtime answers for its state."""

    alive: str
    ready: str
    alive_timeout_seconds: int = 10
    # what answers as well; any other path is 404
    others: tuple[str, ...] = ()


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """An engine as a stack runs it."""

    engine: axes.Engine
    program: str
    command: tuple[str, ...] = ()
    # the model comes first and without a flag
    positional_model: bool = False
    model_flag: str = "--model"
    port: int
    port_name: str = "http"
    # name of the engine's container
    container: str = "engine"
    # the pod brings its own /dev/shm; no: the stack's controller does
    shared_memory: bool = True
    # through which the server learns the key that clients must send; empty: it cannot ask for one
    api_key_variable: str = ""
    probes: Probes
    metrics: Metrics
    user: int = 0
    group: int = 0
    fs_group: int = 0
    # the longest drain that makes sense here: a program that always waits all of it must not wait long; 0: no limit
    longest_drain_seconds: int = 0
    # from the last answer to the end of the process
    exit_seconds: int = 10


class Position(msgspec.Struct, frozen=True):
    """A place inside a replica of several pods."""

    name: str
    leads: bool


ALONE = Position("alone", True)
LEADER = Position("leader", True)
WORKER = Position("worker", False)


class RoleView(msgspec.Struct, frozen=True):
    """One role as its authors see it: references to its values and to its slots."""

    name: str
    values: Role
    engine: Any
    scaling: Any


class Target(msgspec.Struct, frozen=True):
    """What an autoscaler changes."""

    api: str
    kind: str
    name: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Points of the axes that cannot be, and why. An axis that is not named: all of it."""

    reason: str
    source: str
    engine: axes.Engine | None = None
    stack: axes.Stack | None = None
    topology: axes.Topology | None = None
    scaling: axes.Scaling | None = None

    def covers(self, recipe: axes.Recipe) -> bool:
        """Tell whether the recipe is one of these points."""
        own = (self.engine, self.stack, self.topology, self.scaling)
        theirs = (recipe.engine, recipe.stack, recipe.topology, recipe.scaling)
        return all(mine is None or mine is value for mine, value in zip(own, theirs, strict=True))


class Engine(Protocol):
    """The program that serves a model: its dialect, its own runtime, its metrics."""

    @property
    def NAME(self) -> axes.Engine: ...
    @property
    def REFUSALS(self) -> Sequence[Refusal]: ...
    @property
    def NEEDS_GPU(self) -> bool: ...
    @property
    def MEMORY(self) -> Memory | None:
        """None: it holds no weights."""

    @property
    def TASKS(self) -> frozenset[axes.Task]: ...
    @property
    def Options(self) -> type[msgspec.Struct]: ...
    @property
    def RoleOptions(self) -> type[msgspec.Struct]: ...
    @property
    def RUNTIME(self) -> Runtime: ...

    def task_options(self, task: axes.Task) -> Data:
        """The engine options that a task needs."""
        ...

    def flags(self, common: Common, options: Any, role: RoleView) -> tuple[Flag, ...]:
        """The flags of one pod that is a whole replica."""
        ...

    def group_flags(self, role: RoleView, position: Position, size: object) -> tuple[Flag, ...]:
        """The flags that make one replica of several pods."""
        ...

    def transfer_flags(self, role: str) -> tuple[Flag, ...]:
        """The flags that hand the cache from prefill to decode."""
        ...

    def environment(self, common: Common, options: Any) -> list[Any]:
        """The environment of the engine."""
        ...

    def transfer_environment(self) -> list[Any]:
        """The environment that the hand-over needs."""
        ...


class Topology(Protocol):
    """How one replica is laid over pods and GPUs."""

    @property
    def NAME(self) -> axes.Topology: ...
    @property
    def ROLES(self) -> tuple[str, ...]: ...
    @property
    def Options(self) -> type[msgspec.Struct]: ...
    @property
    def SEVERAL_PODS(self) -> bool: ...


class Scaling(Protocol):
    """How replicas follow load."""

    @property
    def NAME(self) -> axes.Scaling: ...
    @property
    def Options(self) -> type[msgspec.Struct]: ...
    @property
    def RoleOptions(self) -> type[msgspec.Struct]: ...
    @property
    def REFUSALS(self) -> Sequence[Refusal]: ...
    @property
    def HOLDS_REQUESTS(self) -> bool:
        """Requests go through the interceptor, which holds them while a model wakes."""
        ...

    def replicas(self, role: RoleView) -> object:
        """The number of replicas that Git owns, or None where an autoscaler does."""
        ...

    def objects(self, plan: Plan) -> list[Object]:
        """The objects that scale every role."""
        ...


class Stack(Protocol):
    """What runs the engine: objects, workload kinds, routers and frontends."""

    @property
    def NAME(self) -> axes.Stack: ...
    @property
    def REFUSALS(self) -> Sequence[Refusal]: ...
    @property
    def COMMON(self) -> type[Common]:
        """The common values, without those that would have no effect here."""
        ...

    def options(self, engine: axes.Engine, topology: axes.Topology) -> type[msgspec.Struct]:
        """The stack's slot of the values."""
        ...

    def runtime(self, engine: Engine) -> Runtime:
        """The engine as this stack runs it."""
        ...

    def scale_target(self, plan: Plan, role: str) -> Target:
        """What an autoscaler of the role changes."""
        ...

    def objects(self, plan: Plan) -> list[Object]:
        """Everything but the scaling's own objects."""
        ...


class Plan(msgspec.Struct, frozen=True):
    """A recipe with its four parts and references to its values: what objects are made from."""

    recipe: axes.Recipe
    engine: Engine
    stack: Stack
    topology: Topology
    scaling: Scaling
    common: Common
    engine_options: Any
    stack_options: Any
    topology_options: Any
    scaling_options: Any
    roles: Sequence[RoleView]

    @property
    def runtime(self) -> Runtime:
        """The engine as the stack runs it."""
        return self.stack.runtime(self.engine)

    def role(self, name: str) -> RoleView:
        """Find a role by name."""
        return next(role for role in self.roles if role.name == name)
