"""`modelyard add`: enter a model by what its checkpoint says of itself, and mark what it does not say."""

from __future__ import annotations

import io
import json
import os
import pathlib
import re
import sys
import tempfile
import urllib.error
import urllib.request
from typing import Any

import msgspec
from ruamel.yaml import YAML

from generator.errors import Exit, Location, Problem, ProblemsFound
from generator.model import memory
from generator.model.axes import Task
from generator.sources import check, checkpoint, document
from generator.sources.catalog import Accelerators, Attention, Model
from generator.sources.checkpoint import Facts, Files
from generator.sources.load import ACCELERATORS, MODELS

CHECK = "add"
HUB = "https://huggingface.co"
TIMEOUT_SECONDS = 10
LIMIT_BYTES = 64 * 1024 * 1024
ACCELERATOR = "h100-80gb-sxm"
SIZES = (1, 2, 4, 8)  # GPUs of one H100 node that a single pod may take
SHORTEST_CONTEXT = 8192
# Source: vllm-project/recipes 8959cf6, its rule of thumb for models without a published minimum
MINIMUM_FACTOR = 1.2
SIMULATED = (Task.CHAT, Task.EMBEDDING)
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
SNAPSHOT = re.compile(r"models--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{40})")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint's files, and what is known of the repository that they come from."""

    files: Files
    identifier: str
    where: str
    guessed_identifier: bool = False
    revision: str | None = None
    license: str | None = None
    gated: bool | None = None


def run(root: pathlib.Path, source: str, name: str | None) -> int:
    """Write or update `catalog/models/<name>.yaml` from a folder with config.json, or from the hub."""
    try:
        print("\n".join(_add(root, source, name)))
    except ProblemsFound as stop:
        print("\n".join(problem.text() for problem in stop.problems), file=sys.stderr)
        return Exit.PROBLEMS
    return Exit.CLEAN


def _add(root: pathlib.Path, source: str, name: str | None) -> list[str]:
    found = from_folder(pathlib.Path(source)) if _is_path(source) else from_hub(source)
    facts = checkpoint.read(found.files, found.identifier)
    _require(facts, source)
    explicit = name is not None
    name = name or check.as_label(found.identifier.rpartition("/")[2])
    if not name:
        raise _stop(source, "no name can be made of it", "give one with --name")
    file = f"{MODELS}/{name}.yaml"
    if (root / file).exists():
        return _update(root, file, found, facts, certain=explicit or not found.guessed_identifier)
    text = new_file(name, found, facts, _gpus(root, facts))
    _write(root, file, text)
    return [f"wrote {file}", *_remarks(found, facts, text), *_next_steps(file)]


# ---- reading a folder ------------------------------------------------------------------------------------


def from_folder(folder: pathlib.Path) -> Found:
    """Read a checkpoint's small files from a folder; nothing is downloaded."""
    folder = folder.parent if folder.name == "config.json" and folder.is_file() else folder
    if not folder.is_dir():
        raise _stop(str(folder), "there is no such folder", "pass a folder with config.json, or owner/name")
    config = _json(folder / "config.json")
    if config is None:
        raise _stop(str(folder), "the folder has no config.json", "pass the folder of a downloaded checkpoint")
    weights = [file.stat().st_size for file in folder.glob("*.safetensors")]
    files = Files(
        config=config,
        generation=_json(folder / "generation_config.json") or {},
        tokenizer=_json(folder / "tokenizer_config.json") or {},
        index=_json(folder / "model.safetensors.index.json") or {},
        weights_bytes=sum(weights) or None,
        embeds=(folder / "modules.json").exists(),
    )
    identifier, guessed, revision = _identity(folder, config)
    return Found(
        files=files,
        identifier=identifier,
        where="a folder",
        guessed_identifier=guessed,
        revision=revision,
        license=_license(folder / "README.md"),
    )


def _identity(folder: pathlib.Path, config: dict[str, Any]) -> tuple[str, bool, str | None]:
    """Name the repository: by the hub's cache layout, the configuration, or the folder's path."""
    path = folder.absolute()
    if snapshot := SNAPSHOT.search(path.as_posix()):
        return f"{snapshot[1]}/{snapshot[2]}", False, snapshot[3]
    stated = config.get("_name_or_path")
    if isinstance(stated, str) and IDENTIFIER.fullmatch(stated):
        return stated, True, None
    parts = [re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-._") for part in path.parts[-2:]]
    return "/".join(part or "unknown" for part in parts), True, None


def _license(readme: pathlib.Path) -> str | None:
    """Read the licence from the model card's front matter."""
    try:
        text = readme.read_text(encoding="utf-8", errors="replace")[:20000]
    except OSError:
        return None
    front = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    said = re.findall(r"^(license|license_name): *([A-Za-z0-9.+-]+) *$", front[1] if front else "", re.MULTILINE)
    licences = dict(said)
    licence = licences.get("license_name") if licences.get("license") == "other" else licences.get("license")
    return licence or None


def _json(file: pathlib.Path) -> dict[str, Any] | None:
    try:
        with file.open("rb") as stream:
            return _decoded(stream.read(LIMIT_BYTES), str(file))
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise _stop(str(file), f"the file cannot be read: {reason}", "check its permissions") from error


def _decoded(raw: bytes, file: str) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except json.JSONDecodeError as error:
        location = Location(file, error.lineno, error.colno)
        problem = Problem(location, "", f"this is not JSON: {error.msg.lower()}", "download the file again", CHECK)
        raise ProblemsFound((problem,)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _stop(file, "this is not JSON", "download the file again") from error
    if not isinstance(data, dict):
        raise _stop(file, "the file holds no JSON object", "download the file again")
    return data


# ---- reading the hub -------------------------------------------------------------------------------------


def from_hub(identifier: str) -> Found:
    """Ask the hub for a checkpoint's small files at its newest commit."""
    if not IDENTIFIER.fullmatch(identifier):
        raise _stop(identifier, "this is neither a folder nor owner/name", "pass a folder with config.json")
    base = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    about = _fetch(f"{base}/api/models/{identifier}", identifier)
    revision = about.get("sha")
    revision = revision if isinstance(revision, str) and re.fullmatch("[0-9a-f]{40}", revision) else None
    listed = {item.get("rfilename") for item in about.get("siblings", ()) if isinstance(item, dict)}
    at = f"{base}/{identifier}/resolve/{revision or 'main'}"

    def optional(file: str) -> dict[str, Any]:
        return _fetch(f"{at}/{file}", identifier) if file in listed else {}

    files = Files(
        config=_fetch(f"{at}/config.json", identifier),
        generation=optional("generation_config.json"),
        tokenizer=optional("tokenizer_config.json"),
        index=optional("model.safetensors.index.json"),
        embeds="modules.json" in listed,
    )
    card = about.get("cardData")
    licence = card.get("license") if isinstance(card, dict) else None
    gated = about.get("gated")
    return Found(
        files=files,
        identifier=identifier,
        where="the hub",
        revision=revision,
        license=licence if isinstance(licence, str) and licence != "other" else None,
        gated=bool(gated) if gated is not None else None,
    )


def _fetch(url: str, identifier: str) -> dict[str, Any]:
    folder = "download it elsewhere and pass a folder with config.json"
    if not url.startswith(("https://", "http://")):
        raise _stop(identifier, "HF_ENDPOINT is not a URL", "begin it with https://")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            raw: bytes = answer.read(LIMIT_BYTES)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise _stop(identifier, "the hub asks for a token, or knows no such model", folder) from error
        if error.code == 404:
            raise _stop(identifier, "the hub has no such model or file", f"check the name; or {folder}") from error
        raise _stop(identifier, f"the hub answered {error.code}", folder) from error
    except (OSError, ValueError) as error:
        raise _stop(identifier, "the hub cannot be reached from here", "pass a folder with config.json") from error
    return _decoded(raw, identifier)


# ---- sizing ----------------------------------------------------------------------------------------------


class Size(msgspec.Struct, frozen=True):
    """GPUs of one pod, and the context that fits; None: the whole one."""

    gpus: int
    context_tokens: int | None = None


def _gpus(root: pathlib.Path, facts: Facts) -> Size | None:
    """Find the smallest number of H100 GPUs on which the model fits, with a shorter context if it must be."""
    if facts.attention is None or facts.parameters_b is None or facts.context_tokens is None:
        return None
    memory_mib = _memory_mib(root)
    if memory_mib is None:
        return None
    context: int = facts.context_tokens
    while True:
        for gpus in SIZES:
            if _fits(facts, facts.attention, gpus, context, memory_mib):
                return Size(gpus, None if context == facts.context_tokens else context)
        context //= 2
        if context < SHORTEST_CONTEXT:
            return None


def _fits(facts: Facts, attention: Attention, gpus: int, context: int, memory_mib: int) -> bool:
    latent = attention.kv_lora_rank is not None
    if not memory.tensor_divides(heads=attention.heads, kv_heads=attention.kv_heads, tensor=gpus, latent=latent):
        return False
    try:
        weights = memory.weights_gib(
            parameters_b=facts.parameters_b or 0, precision=facts.precision, published_gib=facts.weights_gib
        )
    except ValueError:
        return False
    sliding = attention.layers - attention.full_attention_layers if attention.sliding_window else 0
    cache = memory.Cache(
        full_attention_layers=attention.full_attention_layers,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        kv_lora_rank=attention.kv_lora_rank,
        qk_rope_head_dim=attention.qk_rope_head_dim,
        sliding_layers=sliding,
        sliding_window=attention.sliding_window or 0,
    )
    overhead = memory.overhead_gib(max_batched_tokens=8192, gpus=gpus)
    return memory.fit(
        cache,
        total_weights_gib=weights,
        gpu_memory_mib=memory_mib,
        context_tokens=context,
        overhead_gib_per_gpu=overhead,
        tensor=gpus,
    ).fits


def _memory_mib(root: pathlib.Path) -> int | None:
    found, problems = document.read(root, ACCELERATORS)
    if found is None or problems or check.check(found, Accelerators):
        return None
    accelerator = check.convert(found, Accelerators).accelerators.get(ACCELERATOR)
    return accelerator.memory_mib if accelerator is not None else None


# ---- a new file ------------------------------------------------------------------------------------------


def new_file(name: str, found: Found, facts: Facts, size: Size | None) -> str:
    """Write the whole text of a new model file."""
    lines = [
        f"# {found.identifier}, added from its configuration. Check what is marked `guess`, then delete the mark.",
        f"name: {name}",
        f"servedName: {name}",
        "",
        *_source_lines(found, facts),
        "",
        *_architecture_lines(facts),
        "",
        *_capability_lines(found, facts),
        "",
        "variants:",
        *_variant_lines(facts, size),
        "sources:",
        f"  - {_quoted(f'config.json of {found.identifier}, read from {found.where}')}",
    ]
    return "\n".join(lines) + "\n"


def _source_lines(found: Found, facts: Facts) -> list[str]:
    asked = "only a folder was read" if found.where == "a folder" else "the hub did not say"
    reasons = {
        key: f"Nobody looked: {asked}." for key in ("revision", "license", "gated") if getattr(found, key) is None
    }
    reasons |= {key: reason for key, reason in facts.reasons.items() if _is_null(facts, key)}
    guess = "  # guess: from the folder's path or config.json" if found.guessed_identifier else ""
    lines = [
        "source:",
        f"  id: {_quoted(found.identifier)}{guess}",
        f"  revision: {_value(found.revision)}",
        f"  license: {_value(found.license)}",
        f"  gated: {_value(found.gated)}",
    ]
    if reasons:
        lines += ["  unknown:", *(f"    {key}: {_quoted(reason)}" for key, reason in reasons.items())]
    return lines


def _is_null(facts: Facts, key: str) -> bool:
    return {"architecture.attention": facts.attention, "architecture.weightsGib": facts.weights_gib}[key] is None


def _architecture_lines(facts: Facts) -> list[str]:
    lines = ["architecture:", f"  kind: {facts.kind}"]
    if facts.name is not None:
        lines.append(f"  name: {_quoted(facts.name)}")
    for key, value in architecture_values(facts).items():
        if key not in ("kind", "name", "attention"):
            lines.append(f"  {key}: {_value(value)}{_guess(facts, key)}")
    if facts.attention is None:
        return [*lines, "  attention: null"]
    return [
        *lines,
        "  attention:",
        *(f"    {key}: {value}" for key, value in _attention_values(facts.attention).items()),
    ]


def _capability_lines(found: Found, facts: Facts) -> list[str]:
    template = str(found.files.tokenizer.get("chat_template") or "")
    seen = "  # guess: by the parts of config.json" if len(facts.inputs) > 1 else ""
    lines = [
        "capabilities:",
        f"  task: {facts.task.value}{_guess(facts, 'task')}",
        f"  inputs: [{', '.join(facts.inputs)}]{seen}",
    ]
    if "tools" in template:
        lines.append("  # the chat template speaks of tools: name a parser for each engine, then set tools: true")
    lines.append("  tools: false")
    if re.search(r"<think>|reasoning_content|enable_thinking", template):
        lines.append(
            "  # the chat template speaks of thinking: name a parser for each engine, then set reasoning: true"
        )
    lines.append("  reasoning: false")
    if facts.remote_code:
        note = "# config.json names code of its own (auto_map). Where an engine has no class for it: read that code,"
        lines += ["", note, "# then set trustRemoteCode: true."]
    return lines


def _variant_lines(facts: Facts, size: Size | None) -> list[str]:
    lines: list[str] = []
    simulated = facts.task in SIMULATED
    if size is not None:
        lines += _gpu_variant(size.gpus, size.context_tokens, ["basis: configuration"])
    elif facts.attention is not None:
        lines.append("  # none on H100: no split over up to 8 GPUs fits; write one for larger GPUs or several nodes")
    if size is None and not simulated:
        weights = facts.weights_gib or (facts.parameters_b or 0) * 2e9 / checkpoint.GIB
        basis = [
            "basis: recipe-minimum",
            f"minimumGib: {round(weights * MINIMUM_FACTOR, 1) or 0.1}",
            "source: rule of vllm-project/recipes (size of the weights x 1.2); no recipe was read",
        ]
        lines += _gpu_variant(1, None, basis)
    if simulated:
        lines += ["  simulated:", "    engine: simulator", "    roles:", "      server:"]
        lines += ["        accelerator: none", "        gpusPerPod: 0", "    sizing:", "      basis: unknown", ""]
    return lines


def _gpu_variant(gpus: int, context_tokens: int | None, sizing: list[str]) -> list[str]:
    lines = ["  h100:", "    engine: vllm"]
    if context_tokens is not None:
        lines.append(f"    contextTokens: {context_tokens}  # the whole context does not fit")
    lines += ["    roles:", "      server:", f"        accelerator: {ACCELERATOR}", f"        gpusPerPod: {gpus}"]
    if gpus > 1:
        lines.append(f"        parallelism: {{tensor: {gpus}}}")
    return [*lines, "    sizing:", *(f"      {line}" for line in sizing), ""]


def architecture_values(facts: Facts) -> dict[str, Any]:
    """Give the architecture by the keys of a model file; what is not known is None."""
    values: dict[str, Any] = {"kind": facts.kind, "name": facts.name, "parametersB": facts.parameters_b}
    if facts.active_parameters_b is not None:
        values["activeParametersB"] = facts.active_parameters_b
    values["contextTokens"] = facts.context_tokens
    values["precision"] = facts.precision
    values["weightsGib"] = facts.weights_gib
    values["attention"] = _attention_values(facts.attention) if facts.attention is not None else None
    return values


def _attention_values(attention: Attention) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(attention)
    return {key: value for key, value in data.items() if value is not None}


def _guess(facts: Facts, key: str) -> str:
    return f"  # guess: {facts.guesses[key]}" if key in facts.guesses else ""


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def _quoted(text: str) -> str:
    if document.scalar(text) == text and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 /._,;()+-]*", text):
        return text.rstrip()
    return json.dumps(text, ensure_ascii=False)


# ---- a file that exists ----------------------------------------------------------------------------------


def _update(root: pathlib.Path, file: str, found: Found, facts: Facts, *, certain: bool) -> list[str]:
    """Correct the architecture of a model file and leave every other byte as it is.

    `certain`: the checkpoint is known to be this model's, by its name on the hub or because the caller says so.
    """
    existing, problems = document.read(root, file)
    if existing is not None:
        problems = problems + check.check(existing, Model)
    if existing is None or problems:
        raise ProblemsFound(tuple(problems))
    model = check.convert(existing, Model)
    if model.source.id != found.identifier and not (certain and found.guessed_identifier):
        message = f"the file describes {check.shown(model.source.id)}, not {check.shown(found.identifier)}"
        location = existing.locate(("source", "id"))
        raise ProblemsFound((Problem(location, "source.id", message, "name the model with --name", CHECK),))
    text = existing.text.decode("utf-8")
    start, end = _section(existing, text)
    section, changes, kept = edited("".join(text.splitlines(keepends=True)[start:end]), facts)
    if not changes:
        return [f"{file} already says what config.json says", *kept]
    stale = [
        f"  delete the reason for {key} under source.unknown: it is known now"
        for key in model.source.unknown
        if key.removeprefix("architecture.") in architecture_values(facts) and key not in facts.reasons
    ]
    lines = text.splitlines(keepends=True)
    _write(root, file, "".join([*lines[:start], section, *lines[end:]]))
    return [f"updated {file}; everything but the architecture is as it was", *changes, *kept, *stale]


def _section(existing: document.Document, text: str) -> tuple[int, int]:
    """Find the lines of the architecture: from its key up to blank lines and comments before the next key."""
    start = existing.locate_key(("architecture",)).line - 1
    later = [existing.locate_key((key,)).line - 1 for key in existing.data]
    lines = text.splitlines()
    end = min((line for line in later if line > start), default=len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    if existing.locate_key(("architecture",)).column != 1:
        hint = "write one key a line, or edit it by hand"
        message = "the file is written in one line, which cannot be edited here"
        problem = Problem(existing.locate_key(("architecture",)), "architecture", message, hint, CHECK)
        raise ProblemsFound((problem,))
    return start, end


# what a person weighs: the longest context a model is meant for, its vendor's count, files that stand twice
JUDGED = ("kind", "parametersB", "activeParametersB", "contextTokens", "weightsGib")


def edited(section: str, facts: Facts) -> tuple[str, list[str], list[str]]:
    """Put the facts into the text of an architecture, comments kept; say what changed and what was kept.

    What a configuration does not say stays as it is; what a person judged, and what is a guess here, is filled
    in where it is missing and never replaced.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _plain_null)
    tree = yaml.load(section)
    architecture = tree["architecture"]
    changes, kept = [], []
    known = {key: value for key, value in architecture_values(facts).items() if value is not None}
    for position, (key, value) in enumerate(known.items()):
        before = architecture.get(key)
        if before is None:
            _fill(architecture, key, value, list(known)[:position])
            changes.append(f"  architecture.{key}: unknown -> {'known' if key == 'attention' else _value(value)}")
        elif key == "attention":
            changes += _merge(before, value)
        elif before != value and (key in JUDGED or key in facts.guesses):
            kept.append(f"  kept architecture.{key}: {before}; config.json says {_value(value)}")
        elif before != value:
            architecture[key] = value
            changes.append(f"  architecture.{key}: {before} -> {_value(value)}")
    if not changes:
        return section, [], kept
    stream = io.StringIO()
    yaml.dump(tree, stream)
    return stream.getvalue(), changes, kept


def _fill(target: Any, key: str, value: Any, before: list[str]) -> None:
    """Set a key that is null or missing; a new one stands behind the keys that come before it."""
    if key in target:
        target[key] = value
        return
    places = [index for index, name in enumerate(target) if name in before]
    target.insert(max(places, default=-1) + 1, key, value)


def _merge(target: Any, wanted: dict[str, int]) -> list[str]:
    changes = []
    for key, value in wanted.items():
        if target.get(key) != value:
            changes.append(f"  architecture.attention.{key}: {target.get(key, 'unknown')} -> {value}")
            target[key] = value
    for key in [name for name in target if name not in wanted and target[name] is not None]:
        changes.append(f"  architecture.attention.{key}: {target.pop(key)} -> left out")
    return changes


def _plain_null(representer: Any, data: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


# ---- ends ------------------------------------------------------------------------------------------------


def _require(facts: Facts, source: str) -> None:
    """Stop where a model file would have to invent something."""
    problems = []
    if facts.parameters_b is None:
        message = "the number of parameters is not stated and cannot be counted from config.json"
        hint = "put model.safetensors.index.json beside it"
        problems.append(Problem(Location(source), "", message, hint, CHECK))
    if facts.context_tokens is None:
        message = "the longest context is not stated: no max_position_embeddings in config.json"
        hint = "put tokenizer_config.json with model_max_length beside it"
        problems.append(Problem(Location(source), "", message, hint, CHECK))
    if problems:
        raise ProblemsFound(tuple(problems))


def _write(root: pathlib.Path, file: str, text: str) -> None:
    """Write a checked model file whole, or not at all."""
    found, problems = document.parse(text.encode("utf-8"), file)
    if found is not None:
        problems = problems + check.check(found, Model)
    if problems:
        raise ProblemsFound(tuple(problems))
    target = root / file
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
        pathlib.Path(name).chmod(0o644)
        pathlib.Path(name).replace(target)
    except BaseException:
        pathlib.Path(name).unlink(missing_ok=True)
        raise


def _remarks(found: Found, facts: Facts, text: str) -> list[str]:
    """Say what was concluded and what is not known."""
    guesses = [f"  guess: {key}: {reason}" for key, reason in facts.guesses.items()]
    if found.guessed_identifier:
        guesses.insert(0, f"  guess: source.id: {found.identifier}")
    unknown = [key for key in ("revision", "license", "gated") if getattr(found, key) is None]
    unknown += [key for key in facts.reasons if _is_null(facts, key)]
    if facts.attention is not None and "accelerator: h100" not in text:
        guesses.append("  no variant on H100: no split over up to 8 GPUs fits")
    return guesses + ([f"  not known, with a reason in the file: {', '.join(unknown)}"] if unknown else [])


def _next_steps(file: str) -> list[str]:
    return [
        "next:",
        f"  read {file}: correct the guesses, fill in what is null if you know it",
        "  write environments/<environment>/releases/<release>.yaml with model, variant and namespace",
        "  run `modelyard build`",
    ]


def _is_path(source: str) -> bool:
    path = pathlib.Path(source)
    return path.exists() or source.startswith((".", "/", "~")) or source.count("/") != 1


def _stop(file: str, message: str, hint: str) -> ProblemsFound:
    return ProblemsFound((Problem(Location(file), "", message, hint, CHECK),))
