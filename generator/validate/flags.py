"""Arguments and environment of every container, against the release of the program that it really runs.

A flag of another version ends the process at start, a misspelt variable has no effect at all, and neither shows in
any schema. A container whose program nobody has read is a problem, never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from generator.errors import Severity, dotted
from generator.facts import ArgumentFinding, Facts, FindingKind, check_arguments, check_environment
from generator.sources.secrets import MASK, looks_secret
from generator.template.emit import control
from generator.validate.pods import Manifest, Path, Pod
from generator.validate.scope import Finding, ReleaseScope

SHELLS = frozenset(("sh", "bash", "ash", "dash"))
# what a controller sets in its pods; Source: kubernetes-sigs/lws v0.9.0; ai-dynamo/dynamo operator @ 2a6da14c
INJECTED: dict[str, tuple[str, ...]] = {
    "LeaderWorkerSet": ("LWS_",),
    "DynamoGraphDeployment": ("DYN_", "DYNAMO_", "POD_"),
}
_REFERENCE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_VALUES = re.compile(r"\.Values\.([\w.]+)")


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find what each container's program would refuse, misread or ignore."""
    for pod, path, container, program in scope.programs:
        if program.facts is None:
            yield Finding(pod.file, (*path, "image"), program.message, program.hint)
            continue
        yield from _arguments(scope, pod, path, container, program.facts)
        yield from _environment(pod, path, container, program.facts)


def _arguments(scope: ReleaseScope, pod: Pod, path: Path, container: Manifest, facts: Facts) -> Iterator[Finding]:
    command: list[str] = container.get("command") or []
    if command and PurePosixPath(command[0]).name in SHELLS:
        message = f"the arguments of {facts.engine} stand inside a shell's text, where nobody can check them"
        yield Finding(pod.file, (*path, "command"), message, "start the program itself, with `args` beside it")
        return
    args: list[str] = container.get("args") or []
    start = _program_words(command)
    words = [*command[start:], *args]
    places: list[Path] = [("command", index) for index in range(start, len(command))]
    places += [("args", index) for index in range(len(args))]
    repeated = yield from _set_by_values(scope, pod, facts, args)
    first_extra = len(words) - len(_extra(scope, pod))
    for found in check_arguments(facts, words):
        if found.kind is FindingKind.REPEATED and found.index >= first_extra and found.flag in repeated:
            continue
        place = places[found.index] if found.index >= 0 else ("args",)
        yield _finding(pod, (*path, *place), found, words)
    for word, place in zip(words, places, strict=True):
        if "$(" in word:
            yield from _references(pod, (*path, *place), word, container)


def _program_words(command: list[str]) -> int:
    """Count the words that only name the program: `python3 -m module`, `sglang serve`."""
    if command[1:2] == ["-m"]:
        return 3
    return next((index for index, word in enumerate(command) if word.startswith("-")), len(command))


def _finding(pod: Pod, path: Path, found: ArgumentFinding, words: list[str]) -> Finding:
    message, hint = found.message, found.hint
    for word in words:
        value = word.partition("=")[2] or word
        if looks_secret(value, found.flag):
            message, hint = message.replace(value, MASK), hint.replace(value, MASK)
    return Finding(pod.file, path, message, hint, found.severity)


def _references(pod: Pod, path: Path, word: str, container: Manifest) -> Iterator[Finding]:
    if container.get("envFrom"):
        return
    defined = {item["name"] for item in container.get("env") or ()}
    for name in _REFERENCE.findall(word):
        if name not in defined and not name.startswith(INJECTED.get(pod.owner["kind"], ("\0",))):
            message = f"the variable {name} of `{word}` is not in the container's environment: the text stays as it is"
            yield Finding(pod.file, path, message, f"define {name} under env, or write $$({name}) for the text itself")


# ---- flags that the chart writes itself --------------------------------------------------------------------


def _extra(scope: ReleaseScope, pod: Pod) -> list[str]:
    role = scope.resolved.values["roles"].get(pod.component)
    extra: list[str] = role["extraArgs"] if role else []
    return extra


def _set_by_values(scope: ReleaseScope, pod: Pod, facts: Facts, args: list[str]) -> Any:
    """Report every flag of `extraArgs` that the chart spells, even where a condition leaves it out now."""
    extra = _extra(scope, pod)
    if not extra:
        return frozenset()
    spelled = _spelled(scope, pod, facts)
    own = args[: -len(extra)]
    written = {_said(own[place : place + 2]) for place in range(len(own))}
    repeated = set()
    for index, word in enumerate(extra):
        flag = facts.flag(word.partition("=")[0].partition(".")[0]) if word.startswith("-") else None
        if flag is None or flag.name not in spelled:
            continue
        repeated.add(flag.name)
        path: Path = ("roles", pod.component, "extraArgs", index)
        value = spelled[flag.name]
        if value:
            message, hint = f"`{flag.name}` is already set by the value {value}", f"set {value} instead"
        else:
            message, hint = f"`{flag.name}` is already written by the chart", "take it out of extraArgs"
        # said twice and alike it does no harm
        severity = Severity.WARNING if _said(extra[index : index + 2]) in written else Severity.ERROR
        yield Finding("", path, message, hint, severity)
    return frozenset(repeated)


def _said(words: list[str]) -> tuple[str, str]:
    """Read the first of some words as a flag, with its value."""
    name, equals, value = words[0].partition("=")
    following = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
    return name.replace("_", "-"), value if equals else following


def _spelled(scope: ReleaseScope, pod: Pod, facts: Facts) -> dict[str, str]:
    """Name the flags that the chart's template can write into this pod, each with the value that it writes."""
    template = next(part.manifest for part in scope.chart.skeleton if part.file == pod.file)
    found: dict[str, str] = {}
    for items in _argument_lists(template):
        _collect(items, "", facts, found)
    return found


def _argument_lists(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "args" and isinstance(value, list):
                yield value
            else:
                yield from _argument_lists(value)
    elif isinstance(node, list):
        for value in node:
            yield from _argument_lists(value)


def _collect(items: list[Any], condition: str, facts: Facts, found: dict[str, str]) -> None:
    for index, item in enumerate(items):
        block = control(item)
        if block is not None:
            _collect(block[2], block[1], facts, found)
        elif isinstance(item, str) and item.startswith("--"):
            flag = facts.flag(item)
            following = items[index + 1] if index + 1 < len(items) else ""
            written = _VALUES.search(following) if isinstance(following, str) else None
            written = written or _VALUES.search(condition)
            if flag is not None:
                found.setdefault(flag.name, written[1] if written else "")


# ---- environment -------------------------------------------------------------------------------------------


def _environment(pod: Pod, path: Path, container: Manifest, facts: Facts) -> Iterator[Finding]:
    places: dict[str, int] = {}
    for index, item in enumerate(container.get("env") or ()):
        name = item["name"]
        if name in places:
            where = dotted((*path, "env", places[name]))
            message = f"the variable {name} is set twice: {where} sets it too, and a server-side apply refuses that"
            yield Finding(pod.file, (*path, "env", index, "name"), message, "keep one of them")
        places.setdefault(name, index)
    for found in check_environment(facts, places):
        severity = Severity(found.severity)
        yield Finding(pod.file, (*path, "env", places[found.name], "name"), found.message, found.hint, severity)
