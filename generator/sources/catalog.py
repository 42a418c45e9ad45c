"""The catalog: models, engines, stacks and accelerators as people write them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from generator.model.axes import Basis, Engine, Scaling, Stack, Task, Topology
from generator.sources.base import Closed, Count, Digest, Gib, Label, Number, Positive, Revision, Text

Tree = dict[str, Any]

Precision = Literal["bf16", "fp16", "fp8", "fp8+fp4-experts", "mxfp4", "nvfp4", "int4", "int8"]


class ModelSource(Closed, frozen=True, kw_only=True):
    """Where the weights come from. A `null` here needs its reason under `unknown`."""

    id: Annotated[Text, Meta(description="Hugging Face repository, owner/name")]
    revision: Annotated[Revision | None, Meta(description="Commit of the repository")]
    license: Annotated[Text | None, Meta(description="SPDX id or the vendor's own name of the licence")]
    gated: Annotated[bool | None, Meta(description="Does the hub ask for an accepted licence and a token")]
    unknown: Annotated[dict[str, Text], Meta(description="Reason for every null above")] = {}


class Attention(Closed, frozen=True, kw_only=True):
    """What the memory arithmetic needs of the architecture."""

    layers: Positive
    full_attention_layers: Annotated[Count, Meta(description="Layers whose cache grows with the context")]
    heads: Positive
    kv_heads: Annotated[Positive, Meta(description="For MLA the query heads, never a cache factor")]
    head_dim: Annotated[Positive | None, Meta(description="null for MLA")] = None
    kv_lora_rank: Annotated[Positive | None, Meta(description="MLA only")] = None
    qk_rope_head_dim: Annotated[Positive | None, Meta(description="MLA only")] = None
    sliding_window: Positive | None = None
    experts: Positive | None = None
    kv_bytes_per_token: Annotated[Positive, Meta(description="16-bit cache, all unbounded layers, before TP")]


class Architecture(Closed, frozen=True, kw_only=True):
    """Facts of the checkpoint."""

    kind: Annotated[Text, Meta(description="dense, moe, moe-mla, dense-hybrid ...")]
    name: Annotated[Text | None, Meta(description="Class in config.json's architectures")] = None
    parameters_b: Annotated[float, Meta(gt=0, description="Billions of parameters")]
    active_parameters_b: Number | None = None
    context_tokens: Annotated[Positive, Meta(description="Longest context the model is meant for")]
    precision: Annotated[Precision, Meta(description="Of the published weights")]
    weights_gib: Annotated[Gib | None, Meta(description="Size of the weight files")] = None
    attention: Annotated[Attention | None, Meta(description="null where no configuration was read")] = None


class Parsers(Closed, frozen=True, kw_only=True):
    """Names of one engine's parsers."""

    tool: Text | None = None
    reasoning: Text | None = None


class Capabilities(Closed, frozen=True, kw_only=True):
    """What clients may ask for."""

    task: Task
    inputs: list[Literal["text", "image", "audio"]] = msgspec.field(default_factory=lambda: ["text"])
    tools: bool = False
    reasoning: bool = False


class Checkpoint(Closed, frozen=True, kw_only=True):
    """Other weights of the same model: quantised, or converted."""

    id: Text
    revision: Revision | None
    precision: Precision
    weights_gib: Gib | None = None
    unknown: dict[str, Text] = {}


class Parallelism(Closed, frozen=True, kw_only=True):
    """How one replica's weights are split, in GPUs."""

    tensor: Positive = 1
    pipeline: Positive = 1
    data: Positive = 1
    expert: bool = False


class VariantRole(Closed, frozen=True, kw_only=True):
    """What one role of the topology runs on."""

    accelerator: Annotated[Text, Meta(description="An id of catalog/accelerators.yaml, or `none`")]
    gpus_per_pod: Count = 1
    pods_per_replica: Positive = 1
    parallelism: Parallelism = Parallelism()


class Sizing(Closed, frozen=True, kw_only=True):
    """What the size of the variant rests on."""

    basis: Basis
    minimum_gib: Annotated[Gib | None, Meta(description="Published GPU memory, all GPUs together")] = None
    source: Text | None = None


class Variant(Closed, frozen=True, kw_only=True):
    """One way to serve the model: a recipe, its GPUs, and what the size rests on."""

    engine: Engine
    stack: Stack = Stack.KUBERNETES
    topology: Topology = Topology.AGGREGATED
    scaling: Scaling = Scaling.FIXED
    engine_version: Annotated[Text | None, Meta(description="Else the stack's, else the engine's default")] = None
    checkpoint: Annotated[Checkpoint | None, Meta(description="Else the model's own weights")] = None
    context_tokens: Annotated[Positive | None, Meta(description="Else the model's")] = None
    roles: dict[Label, VariantRole]
    sizing: Sizing
    values: Annotated[Tree, Meta(description="Chart values, checked against the recipe's overlay schema")] = {}


class Model(Closed, frozen=True, kw_only=True):
    """One model of the catalog."""

    name: Annotated[Label, Meta(description="Also the file's name")]
    served_name: Annotated[Text, Meta(description="The name that clients use")]
    source: ModelSource
    architecture: Architecture
    capabilities: Capabilities
    minimum_engine: Annotated[dict[str, Text], Meta(description="Lowest engine version that serves it")] = {}
    parsers: Annotated[dict[str, Parsers], Meta(description="By engine, or by a stack that parses itself")] = {}
    trust_remote_code: bool = False
    requires: Annotated[list[Text], Meta(description="Optional parts of the engine that it needs, such as audio")] = []
    values: Annotated[Tree, Meta(description="Chart values for every variant")] = {}
    variants: Annotated[dict[Label, Variant], Meta(min_length=1)]
    sources: Annotated[list[Text], Meta(min_length=1, description="Where the facts were read")]
    disagreements: Annotated[list[Text], Meta(description="Where the sources differ, and what was taken")] = []


class Image(Closed, frozen=True, kw_only=True):
    """One build of an engine or a stack's program."""

    repository: Text
    tag: Text
    digest: Digest | None
    architectures: Annotated[list[Literal["amd64", "arm64"]], Meta(min_length=1)]
    cuda: Annotated[Text | None, Meta(description="CUDA of the build; null: needs no GPU")] = None
    extras: Annotated[
        list[Text] | None, Meta(description="Optional parts of the engine known to be inside; null: not read")
    ] = None
    compute_capabilities: Annotated[list[int], Meta(description="sm versions; empty: not read")] = []
    source: Text
    unknown: dict[str, Text] = {}


class EngineRelease(Closed, frozen=True, kw_only=True):
    """One version of an engine: its image per platform and the facts that its flags are checked with."""

    version: Text
    facts: Annotated[Text, Meta(description="A file of generator/facts/<engine>/")]
    images: Annotated[dict[Label, Image], Meta(min_length=1, description="By platform, such as cuda13")]


class EngineFile(Closed, frozen=True, kw_only=True):
    """catalog/engines/<engine>.yaml."""

    name: Engine
    default: Annotated[Text, Meta(description="Version for variants that name none")]
    releases: Annotated[list[EngineRelease], Meta(min_length=1)]
    values: Tree = {}


class StackRelease(Closed, frozen=True, kw_only=True):
    """One version of a stack: the engine versions it carries and its images."""

    version: Text
    engines: Annotated[dict[str, Text], Meta(description="Engine version that its runtime carries")] = {}
    facts: Annotated[dict[str, Text], Meta(description="Facts by program of the stack")] = {}
    images: dict[Label, Image] = {}


class StackFile(Closed, frozen=True, kw_only=True):
    """catalog/stacks/<stack>.yaml."""

    name: Stack
    default: Text
    releases: Annotated[list[StackRelease], Meta(min_length=1)]
    values: Tree = {}


class MigProfile(Closed, frozen=True, kw_only=True):
    """One slice size of a GPU."""

    resource: Text
    per_gpu: Positive


class Accelerator(Closed, frozen=True, kw_only=True):
    """One GPU type."""

    name: Text
    architecture: Text
    compute_capability: Annotated[Positive, Meta(description="sm, such as 90")]
    memory_mib: Annotated[Positive, Meta(description="As the driver reports it, not as marketed")]
    host_architecture: Literal["amd64", "arm64"]
    gpus_per_node: Positive
    gpus_per_rack: Positive | None = None
    link_gb_per_s: Annotated[Number | None, Meta(description="One way, GPU to GPU in a node")] = None
    native_fp8: bool
    native_fp4: bool
    resource: Text = "nvidia.com/gpu"
    products: Annotated[list[Text], Meta(min_length=1, description="Values of the label nvidia.com/gpu.product")]
    mig: dict[str, MigProfile] = {}
    sources: Annotated[list[Text], Meta(min_length=1)]
    unverified: list[Text] = []


class Accelerators(Closed, frozen=True, kw_only=True):
    """catalog/accelerators.yaml."""

    accelerators: dict[Label, Accelerator]
