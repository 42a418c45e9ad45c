"""The model against the engine's very release: its architecture, its longest context, its parsers and chat template.

An engine that does not know the architecture ends after the weights are loaded, one that is given more context than
the checkpoint has refuses to start, and a parser on a model without the ability hides the answer from the client.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.errors import Severity
from generator.facts import Facts, known, load, release_order
from generator.facts.model import nearest
from generator.sources.references import running_version
from generator.validate.pods import Manifest, Path, variables_of
from generator.validate.scope import Finding, ReleaseScope

# a setting that stretches the context beyond what config.json says
STRETCHES = ("--hf-overrides", "--json-model-override-args")
LENGTHS = ("rope", "max_position", "max_model_len", "model_max_length")
# Source: vllm 0.33.0 envs.py; sglang 0.5.23 srt/environ.py
LONGER = ("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN")
# engines that take a word without braces for a path, and refuse to start where there is no such file
# Source: vllm 0.33.0 entrypoints/chat_utils.py; sglang has templates by name
NAMELESS = ("vllm",)
# templates that come with the image; Source: vllm docker/Dockerfile at 0.33.0
IN_IMAGE = ("/vllm-workspace/", "/sgl-workspace/")


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find models that the engine's release cannot serve as it is told to."""
    if not scope.resolved.context.needs_weights:
        return
    for pod, _, container, program in scope.programs:
        if program.engine and program.facts is not None:
            yield from _architecture(scope, program.facts)
            yield from _minimum(scope, program.facts)
            yield from _context(scope, container)
            yield from _template(scope, container, pod.component, program.facts)
            # the pods of all roles serve one model with the same settings
            break
    yield from _parsers(scope)
    yield from _extras(scope)


def _extras(scope: ReleaseScope) -> Iterator[Finding]:
    context = scope.resolved.context
    needed = list(context.model.value.requires)
    if len(context.roles) > 1:
        # the roles hand their cache over NIXL
        needed.append("nixl")
    inside = context.image.extras
    for part in needed:
        if inside is None:
            message = f"{scope.name} needs the optional part {part!r}; whether the image holds it was not read"
            hint = "look into the image, then write `extras` beside its tag"
            yield Finding("", ("image", "tag"), message, hint, Severity.WARNING)
        elif part not in inside:
            message = f"{scope.name} needs the optional part {part!r}, which the image does not hold"
            yield Finding("", ("image", "tag"), message, f"build an image with {part}, or choose another engine")


def _architecture(scope: ReleaseScope, facts: Facts) -> Iterator[Finding]:
    context = scope.resolved.context
    name = context.model.value.architecture.name
    registry = facts.registry("architectures")
    if name is None or not registry or name in registry:
        return
    message = f"{facts.engine} {facts.version} knows no architecture {name}"
    having = [v for v in known(facts.engine) if name in load(facts.engine, v).registry("architectures")]
    near = nearest(name, registry)
    hint = f"it is known to {facts.engine} {', '.join(having)}" if having else "serve it with another engine"
    hint = f"{hint}; did the checkpoint's config.json say {near}?" if near else hint
    # the code of the checkpoint may bring the class along
    severity = Severity.WARNING if context.model.value.trust_remote_code else Severity.ERROR
    yield Finding("", ("model", "id"), message, hint, severity)


def _minimum(scope: ReleaseScope, facts: Facts) -> Iterator[Finding]:
    """Compare an image that the release chose itself; the variant's own version is judged where it stands."""
    context = scope.resolved.context
    engine = context.recipe.engine.value
    inside = {facts.engine: facts.version, **{part.engine: part.version for part in facts.includes}}
    runs, least = inside.get(engine), context.model.value.minimum_engine.get(engine)
    own = running_version(context.variant, context.engine.value, context.stack.value)
    if runs is None or least is None or runs == own or release_order(runs) >= release_order(least):
        return
    message = f"the image holds {engine} {runs}, and {context.model.value.name} needs {least} or newer (minimumEngine)"
    yield Finding("", ("image", "tag"), message, f"choose an image of {engine} {least} or newer")


def _stretches(args: list[str], index: int) -> bool:
    flag, _, value = args[index].partition("=")
    if flag not in STRETCHES:
        return False
    text = value or (args[index + 1] if index + 1 < len(args) else "")
    return any(word in text for word in LENGTHS)


def _context(scope: ReleaseScope, container: Manifest) -> Iterator[Finding]:
    most = scope.resolved.context.model.value.architecture.context_tokens
    asked = scope.resolved.values["model"]["contextTokens"]
    args: list[str] = container.get("args") or []
    stretched = any(_stretches(args, index) for index in range(len(args)))
    allowed = any(name in LONGER for name in variables_of(container))
    if asked <= most or stretched or allowed:
        return
    message = f"a context of {asked} tokens is asked of a checkpoint that has {most}: the engine refuses to start"
    hint = f"set {most} or less, or stretch it with {STRETCHES[0]} and see what the answers are worth"
    yield Finding("", ("model", "contextTokens"), message, hint)


def _template(scope: ReleaseScope, container: Manifest, role: str, facts: Facts) -> Iterator[Finding]:
    template: str = scope.resolved.values["engine"].get("chatTemplate", "")
    path: Path = ("engine", "chatTemplate")
    if "{" in template or not template.startswith("/") or template.startswith(IN_IMAGE):
        if template.endswith((".jinja", ".jinja2")) and not template.startswith("/"):
            message = f"the chat template {template} is looked for in the folder where the engine starts"
            yield Finding("", path, message, "write the whole path of a file that is mounted")
        elif template and facts.engine in NAMELESS and not template.startswith("/") and "{" not in template:
            message = f"{facts.engine} knows no chat templates by name, and {template} is neither a path nor a template"
            yield Finding("", path, message, "write the whole path of a file, or leave it out: the checkpoint has one")
        return
    mounts = [mount["mountPath"].rstrip("/") for mount in container.get("volumeMounts") or ()]
    if not any(template.startswith(f"{mount}/") for mount in mounts):
        message = f"nothing is mounted where the chat template {template} should be ({role})"
        hint = f"put it below one of {', '.join(mounts)}, or see that the image has it"
        yield Finding("", path, message, hint, Severity.WARNING)


def _parsers(scope: ReleaseScope) -> Iterator[Finding]:
    context = scope.resolved.context
    able = context.model.value.capabilities
    slots: tuple[tuple[str, dict[str, Any]], ...] = tuple(
        (slot, scope.resolved.values.get(slot) or {}) for slot in ("engine", "stack")
    )
    for slot, values in slots:
        for key, ability, has in (
            ("toolParser", "call tools", able.tools),
            ("reasoningParser", "reason", able.reasoning),
        ):
            if values.get(key) and not has:
                message = (
                    f"the parser {values[key]} is for models that {ability}, and {context.model.value.name} does not"
                )
                hint = f"leave {slot}.{key} out, or correct the capabilities in {context.model.file}"
                yield Finding("", (slot, key), message, hint, Severity.WARNING)
