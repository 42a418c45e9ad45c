"""A checkpoint's own configuration, read for what the memory arithmetic and the catalog need.

Pure: it is given the parsed files. What a file does not say is None with a reason; what was concluded rather
than read is listed as a guess. Formulas: gpus.md section 12; configuration keys as in Hugging Face
transformers 4.5x configuration classes and the 41 files of ai-dynamo/aiconfigurator v0.11.0 model_configs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from generator.model.axes import Task
from generator.sources.catalog import Attention, Precision

Config: TypeAlias = Mapping[str, Any]

GIB = 2**30
CACHE_BYTES = 2  # a 16-bit cache
BYTES_OF_DTYPE = {"bfloat16": 2, "float16": 2, "float32": 4, "float8_e4m3fn": 1}
PRECISION_OF_DTYPE: dict[str, Precision] = {"bfloat16": "bf16", "float16": "fp16", "float8_e4m3fn": "fp8"}

# parts of a configuration that hold the language model of one with eyes or ears
NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
# class names whose attention the formulas below describe
KNOWN = re.compile(
    r"(Llama|Mistral|Mixtral|Ministral|Pixtral|Qwen|Gemma|Phi|Deepseek|Kimi|Glm|ChatGLM|Gpt|GPT|MiniMax|Nemotron"
    r"|Granite|Olmo|Seed|Lfm|Step|OPT|Falcon|StableLm|InternLM|InternVL|Starcoder|Cohere|Ernie|Exaone|SmolLM"
    r"|Hunyuan|HunYuan|Solar|Baichuan|Yi|Bailing|Apertus|Jamba|Idefics|Llava)"
)
# class names whose parameters `geometry` counts right: one kind of layer, gated feed-forward
REGULAR = re.compile(
    r"(Llama(?!4)|Mistral|Mixtral|Ministral|Qwen[23](Moe)?For|Deepseek(V2|V3|V32)For|Kimi|Phi3|GptOss|Glm4Moe)"
)
ENCODERS = re.compile(r"(Bert|Roberta|MPNet|XLM|Deberta|NewModel|NomicBert)")


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed files of one checkpoint; an empty mapping stands for a file that is not there."""

    config: dict[str, Any]
    generation: dict[str, Any] = {}
    tokenizer: dict[str, Any] = {}
    index: dict[str, Any] = {}
    weights_bytes: int | None = None
    embeds: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint says of itself; `reasons` by dotted key, as a model file's `source.unknown`."""

    kind: str
    name: str | None
    parameters_b: float | None
    active_parameters_b: float | None
    context_tokens: int | None
    precision: Precision
    weights_gib: float | None
    attention: Attention | None
    task: Task
    inputs: list[str]
    remote_code: bool
    reasons: dict[str, str]
    guesses: dict[str, str]


def read(files: Files, identifier: str) -> Facts:
    """Read the facts of one checkpoint; `identifier` is its name on the hub, for what only a name tells."""
    config = files.config
    text = _language_part(config)
    reasons: dict[str, str] = {}
    guesses: dict[str, str] = {}
    name = _class_name(config)
    attention = _attention(config, text, name, reasons)
    precision = _precision(config, text, guesses)
    weights = _weights_gib(files, reasons)
    parameters = _parameters(files, text, precision, identifier, guesses)
    return Facts(
        kind=_kind(config, text, attention),
        name=name,
        parameters_b=parameters,
        active_parameters_b=_active(files, text, parameters, identifier, guesses),
        context_tokens=_context(text, files.tokenizer, guesses),
        precision=precision,
        weights_gib=weights,
        attention=attention,
        task=_task(files, name, identifier, guesses),
        inputs=_inputs(config, name),
        remote_code="auto_map" in config,
        reasons=reasons,
        guesses=guesses,
    )


# ---- reading keys ----------------------------------------------------------------------------------------


def whole(config: Config, *keys: str) -> int | None:
    """Give the first of some keys that holds a positive whole number."""
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _words(config: Config, key: str) -> list[str]:
    value = config.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _part(config: Config, key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _language_part(config: Config) -> dict[str, Any]:
    """Merge the nested part that describes the language model over the whole."""
    merged = dict(config)
    for key in NESTED:
        inner = _part(config, key)
        if inner:
            merged |= _language_part(inner)
    return merged


def _class_name(config: Config) -> str | None:
    names = _words(config, "architectures")
    return names[0] if names else None


def _layers(text: Config) -> int | None:
    return whole(text, "num_hidden_layers", "n_layer", "num_layers", "n_layers")


def _heads(text: Config) -> int | None:
    return whole(text, "num_attention_heads", "n_head", "n_heads")


def _hidden(text: Config) -> int | None:
    return whole(text, "hidden_size", "n_embd", "d_model")


def _kv_heads(text: Config) -> int | None:
    named = whole(text, "num_key_value_heads", "multi_query_group_num", "num_kv_heads", "n_head_kv")
    if named is not None:
        return named
    return 1 if text.get("multi_query") is True else _heads(text)


def _head_dim(text: Config) -> int | None:
    named = whole(text, "head_dim", "attention_head_dim", "kv_channels")
    hidden, heads = _hidden(text), _heads(text)
    return named or (hidden // heads if hidden and heads else None)


def _experts(text: Config) -> int | None:
    return whole(text, "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")


def _experts_per_token(text: Config) -> int | None:
    return whole(text, "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts")


# ---- attention -------------------------------------------------------------------------------------------


def _attention(config: Config, text: Config, name: str | None, reasons: dict[str, str]) -> Attention | None:
    reason = _unknown_attention(config, text, name)
    layers, heads, kv_heads = _layers(text), _heads(text), _kv_heads(text)
    if reason is None and (layers is None or heads is None or kv_heads is None):
        reason = "config.json names no number of layers and heads."
    if reason is not None or layers is None or heads is None or kv_heads is None:
        reasons["architecture.attention"] = reason or ""
        return None
    lora, rope = whole(text, "kv_lora_rank"), whole(text, "qk_rope_head_dim")
    full = full_attention_layers(text, layers)
    window = sliding_window(text) if full < layers else None
    if lora is not None and rope is not None:
        return Attention(
            layers=layers,
            full_attention_layers=full,
            heads=heads,
            kv_heads=heads,
            kv_lora_rank=lora,
            qk_rope_head_dim=rope,
            sliding_window=window,
            experts=_experts(text),
            kv_bytes_per_token=full * (lora + rope) * CACHE_BYTES,
        )
    head_dim = _head_dim(text)
    if head_dim is None:
        reasons["architecture.attention"] = "config.json names no head size."
        return None
    # Gemma 4: the layers that see everything have heads of their own
    global_heads = whole(text, "num_global_key_value_heads") or kv_heads
    global_dim = whole(text, "global_head_dim") or head_dim
    return Attention(
        layers=layers,
        full_attention_layers=full,
        heads=heads,
        kv_heads=global_heads,
        head_dim=global_dim,
        sliding_window=window,
        experts=_experts(text),
        kv_bytes_per_token=2 * full * global_heads * global_dim * CACHE_BYTES,
    )


def _unknown_attention(config: Config, text: Config, name: str | None) -> str | None:
    """Say why the formulas do not describe this attention, or None."""
    if config.get("is_encoder_decoder") is True:
        return "An encoder with a decoder: the formulas for decoders do not describe its cache."
    if name is None:
        return "config.json names no class, so its attention is not known."
    if ENCODERS.match(name):
        return "An encoder keeps no cache."
    if "compress_ratios" in text:
        return "Compressed attention: the plain formula for the cache does not apply."
    if not KNOWN.match(name):
        return f"The class {name} is not one whose attention is known here."
    layers = _layers(text)
    if layers is not None and full_attention_layers(text, layers) == 0:
        return "No layer keeps a cache that grows with the context, as far as config.json says."
    return None


def full_attention_layers(text: Config, layers: int) -> int:
    """Count the layers whose cache grows with the context."""
    kinds = _words(text, "layer_types") or _words(text, "layers_block_type")
    if kinds:
        # a chunked layer forgets after its chunk; engines still reserve room for all of it
        return sum(kind in ("full_attention", "attention", "chunked_attention", "global") for kind in kinds)
    pattern = text.get("hybrid_override_pattern")
    if isinstance(pattern, str) and pattern:
        return pattern.count("*")
    listed = text.get("attn_type_list")
    if isinstance(listed, list) and listed:
        return sum(item == 1 for item in listed)
    chosen = text.get("full_attn_idxs") or text.get("attn_layer_indices")
    if isinstance(chosen, list) and chosen:
        return len(chosen)
    every = whole(text, "full_attention_interval", "attn_layer_period")
    if every is None and sliding_window(text) is not None:
        every = whole(text, "sliding_window_pattern")
    return layers // every if every else layers


def sliding_window(text: Config) -> int | None:
    """Give the window of the layers that forget; a window as long as the context is none."""
    window = whole(text, "sliding_window")
    context = whole(text, "max_position_embeddings")
    if window is None or text.get("use_sliding_window") is False or (context and window >= context):
        return None
    return window


def _kind(config: Config, text: Config, attention: Attention | None) -> str:
    """Describe the architecture in the words of the catalog."""
    if config.get("is_encoder_decoder") is True:
        return "encoder-decoder"
    if ENCODERS.match(_class_name(config) or ""):
        return "encoder"
    kind = "moe" if _experts(text) else "dense"
    if whole(text, "kv_lora_rank"):
        kind += "-mla"
    if whole(text, "index_topk"):
        kind += "-dsa"
    if attention is None or attention.full_attention_layers == attention.layers:
        return kind
    if attention.sliding_window is not None:
        return f"{kind}-swa"
    return f"{kind}-mamba" if "hybrid_override_pattern" in text or "mamba_d_state" in text else f"{kind}-hybrid"


# ---- numbers and sizes -----------------------------------------------------------------------------------


def _context(text: Config, tokenizer: Config, guesses: dict[str, str]) -> int | None:
    stated = whole(text, "max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
    stated = stated or whole(text, "max_target_positions", "max_seq_len")
    if stated is not None:
        return stated
    length = whole(tokenizer, "model_max_length")
    if length is not None and length < 10**8:
        guesses["contextTokens"] = "the tokenizer's model_max_length, since config.json names none"
        return length
    return None


def _precision(config: Config, text: Config, guesses: dict[str, str]) -> Precision:
    quantised = _part(config, "quantization_config") or _part(text, "quantization_config")
    found = _quantised(quantised) if quantised else None
    if found == "fp8" and text.get("expert_dtype") == "fp4":
        return "fp8+fp4-experts"
    if found is not None:
        return found
    if quantised:
        method = quantised.get("quant_method")
        guesses["precision"] = f"the quantisation {str(method)[:40]!r} is not known here; bf16 is a stand-in"
        return "bf16"
    dtype = str(text.get("dtype") or text.get("torch_dtype") or config.get("torch_dtype") or "")
    if dtype in PRECISION_OF_DTYPE:
        return PRECISION_OF_DTYPE[dtype]
    said = f"config.json says {dtype[:20]!r}" if dtype else "config.json names no type"
    guesses["precision"] = f"{said}; engines load 16 bits"
    return "bf16"


def _quantised(config: Config) -> Precision | None:
    method = str(config.get("quant_method", "")).lower()
    algorithm = str(config.get("quant_algo", "")).lower() + str(config.get("format", "")).lower()
    for word in ("nvfp4", "mxfp4"):
        if word in method or word in algorithm:
            return "nvfp4" if word == "nvfp4" else "mxfp4"
    if "fp8" in method or "fp8" in algorithm:
        return "fp8"
    bits = whole(config, "bits", "w_bit")
    kind = "int"
    if method == "compressed-tensors":
        groups = [group for group in _part(config, "config_groups").values() if isinstance(group, dict)]
        weights = _part(groups[0], "weights") if groups else {}
        bits, kind = whole(weights, "num_bits"), str(weights.get("type", "int"))
    if bits == 8:
        return "fp8" if kind == "float" else "int8"
    if bits == 4:
        return "nvfp4" if kind == "float" else "int4"
    return None


def _weights_gib(files: Files, reasons: dict[str, str]) -> float | None:
    stated = whole(_part(files.index, "metadata"), "total_size") or files.weights_bytes
    if stated is None:
        reasons["architecture.weightsGib"] = "No weight files and no index of them were read."
        return None
    return round(stated / GIB, 2) or 0.01


def _parameters(
    files: Files, text: Config, precision: Precision, identifier: str, guesses: dict[str, str]
) -> float | None:
    """Count the parameters in billions: stated, else from the files, the geometry, or the name."""
    stated = whole(_part(files.index, "metadata"), "total_parameters")
    if stated is not None:
        return _billions(stated)
    size = whole(_part(files.index, "metadata"), "total_size") or files.weights_bytes
    dtype = str(text.get("dtype") or text.get("torch_dtype") or "")
    if size is not None and precision in ("bf16", "fp16"):
        return _billions(size // BYTES_OF_DTYPE.get(dtype, 2))
    counted = geometry(text, active=False) if _regular(files.config) else None
    if counted is not None:
        guesses["parametersB"] = "counted from the layers and widths of config.json"
        return _billions(counted)
    named = re.search(r"(?<![A-Za-z0-9.])([0-9]+(?:\.[0-9]+)?)[bB](?![A-Za-z0-9])", identifier)
    if named is not None and float(named[1]) > 0:
        guesses["parametersB"] = "taken from the model's name"
        return float(named[1])
    return None


def _active(
    files: Files, text: Config, parameters: float | None, identifier: str, guesses: dict[str, str]
) -> float | None:
    if not _experts(text) or parameters is None:
        return None
    counted = geometry(text, active=True) if _regular(files.config) else None
    if counted is not None and _billions(counted) < parameters:
        guesses["activeParametersB"] = "counted from the layers and widths of config.json"
        return _billions(counted)
    named = re.search(r"-A([0-9]+(?:\.[0-9]+)?)B(?![A-Za-z0-9])", identifier)
    if named is not None and 0 < float(named[1]) < parameters:
        guesses["activeParametersB"] = "taken from the model's name"
        return float(named[1])
    return None


def _regular(config: Config) -> bool:
    return REGULAR.match(_class_name(config) or "") is not None


def _billions(count: int) -> float:
    return round(count / 1e9, 2) or round(count / 1e9, 4) or 0.0001


def geometry(text: Config, *, active: bool) -> int | None:
    """Count the parameters of a decoder from its widths; `active`: those that one token passes through."""
    layers, hidden, heads = _layers(text), _hidden(text), _heads(text)
    vocabulary, inner = whole(text, "vocab_size"), whole(text, "intermediate_size", "ffn_dim", "n_inner")
    kv_heads, head_dim = _kv_heads(text), _head_dim(text)
    known = (layers, hidden, heads, vocabulary, kv_heads, head_dim)
    if None in known or layers is None or hidden is None or heads is None or vocabulary is None:
        return None
    attention = _attention_parameters(text, hidden, heads, kv_heads or heads, head_dim or 1)
    experts = _experts(text)
    dense_layers = min(_first_dense(text), layers) if experts else layers
    if inner is None and dense_layers:
        return None
    total = vocabulary * hidden * (1 if text.get("tie_word_embeddings") is True else 2)
    total += layers * attention + dense_layers * 3 * hidden * (inner or 0)
    if experts:
        width = whole(text, "moe_intermediate_size", "intermediate_size") or 0
        used = _experts_per_token(text) if active else experts
        if used is None or not width:
            return None
        shared = (whole(text, "n_shared_experts") or 0) * width
        shared += whole(text, "shared_expert_intermediate_size") or 0
        total += (layers - dense_layers) * (3 * hidden * (used * width + shared) + hidden * experts)
    return total


def _attention_parameters(text: Config, hidden: int, heads: int, kv_heads: int, head_dim: int) -> int:
    lora, rope = whole(text, "kv_lora_rank"), whole(text, "qk_rope_head_dim")
    if lora is None or rope is None:
        return 2 * hidden * head_dim * (heads + kv_heads)
    nope, value = whole(text, "qk_nope_head_dim") or 0, whole(text, "v_head_dim") or 0
    query = whole(text, "q_lora_rank")
    queries = query * (hidden + heads * (nope + rope)) if query else hidden * heads * (nope + rope)
    return queries + hidden * (lora + rope) + lora * heads * (nope + value) + heads * value * hidden


def _first_dense(text: Config) -> int:
    return whole(text, "first_k_dense_replace", "num_dense_layers") or 0


# ---- what it is for --------------------------------------------------------------------------------------


def _task(files: Files, name: str | None, identifier: str, guesses: dict[str, str]) -> Task:
    task = _task_of(files, name or "", identifier.lower())
    if task is not Task.CHAT or not _has_template(files):
        guesses["task"] = "by the class, the files and the name"
    return task


def _task_of(files: Files, name: str, identifier: str) -> Task:
    if "Whisper" in name or ("SpeechSeq2Seq" in name):
        return Task.TRANSCRIPTION
    if "SequenceClassification" in name or "rerank" in identifier:
        return Task.RERANK
    if files.embeds or "embed" in identifier or ENCODERS.match(name):
        return Task.EMBEDDING
    return Task.CHAT


def _has_template(files: Files) -> bool:
    return bool(files.tokenizer.get("chat_template"))


def _inputs(config: Config, name: str | None) -> list[str]:
    if name is not None and "Whisper" in name:
        return ["audio"]
    inputs = ["text"]
    parts: Sequence[Config] = (config, *(_part(config, key) for key in NESTED))
    if any(_part(part, key) for part in parts for key in ("vision_config", "vision_tower_config")):
        inputs.append("image")
    if any(_part(part, key) for part in parts for key in ("audio_config", "sound_config")):
        inputs.append("audio")
    return inputs
