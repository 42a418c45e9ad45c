"""No secret in what is rendered: Git keeps it for good, and every reader of the cluster sees it.

Secrets have names and keys here; their values come from the store. A find is never shown, only its place.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from generator.sources.secrets import looks_secret
from generator.validate.pods import Path
from generator.validate.scope import Finding, ReleaseScope

# what is shorter is no key: see the forms in sources.secrets
SHORTEST = 14
HINT = "take it out, change it where it is valid, and name a Secret and its key instead"


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find Secrets with their content, and texts that look like keys."""
    for file, manifest in scope.objects.items():
        if manifest["kind"] == "Secret":
            message = "a Secret would stand in Git with its content"
            yield Finding(file, ("kind",), message, "make an ExternalSecret, which reads the store in the cluster")
        for path in _finds(manifest, (), ""):
            yield Finding(file, path, "the value looks like a secret", HINT)


def _finds(node: Any, path: Path, key: str) -> Iterator[Path]:
    if isinstance(node, dict):
        # an environment variable: its name is the key of its value
        name = node.get("name")
        for word, value in node.items():
            if isinstance(value, str):
                telling = name if word == "value" and isinstance(name, str) else word
                if len(value) >= SHORTEST and _looks_secret(value, telling):
                    yield (*path, word)
            elif value.__class__ is dict or value.__class__ is list:
                yield from _finds(value, (*path, word), word)
    else:
        for index, value in enumerate(node):
            if isinstance(value, str):
                if len(value) >= SHORTEST and _looks_secret(*_argument(node, index, key)):
                    yield (*path, index)
            elif value.__class__ is dict or value.__class__ is list:
                yield from _finds(value, (*path, index), key)


def _argument(words: list[Any], index: int, key: str) -> tuple[str, str]:
    """The text of a list's item, and the key under which it stands: the flag before or around it."""
    word: str = words[index]
    if word.startswith("-") and "=" in word:
        flag, _, value = word.partition("=")
        return value, flag
    before = words[index - 1] if index else ""
    return word, before if isinstance(before, str) and before.startswith("-") else key


@functools.lru_cache(maxsize=1 << 16)
def _looks_secret(text: str, key: str) -> bool:
    return looks_secret(text, key)
