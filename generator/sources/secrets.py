"""What looks like a secret, and how values are shown so that none is ever echoed."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from generator.errors import dotted

MASK = "***"
LONGEST = 60

# (what it is, how it looks); sources: the issuers' documented prefixes, as secret scanners use them
TOKENS: tuple[tuple[str, str], ...] = (
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{16,}"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"),
    ("an API key", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("an NVIDIA key", r"\bnvapi-[A-Za-z0-9_-]{16,}"),
    ("a Slack token", r"\bxox[abposr]-[A-Za-z0-9-]{10,}"),
    ("a Google key", r"\bAIza[A-Za-z0-9_-]{30,}"),
    ("a JSON Web Token", r"\beyJ[A-Za-z0-9_-]{10,}"),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
)
TOKEN = re.compile("|".join(f"(?P<t{index}>{pattern})" for index, (_, pattern) in enumerate(TOKENS)))
MARKS = tuple(
    mark.encode()
    for mark in (
        *("hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "AKIA", "ASIA"),
        *("sk-", "nvapi-", "xox", "AIza", "eyJ", "-----BEGIN"),
    )
)
WORDS = frozenset(("token", "key", "apikey", "password", "passwd", "secret", "credential", "credentials", "bearer"))
_LONG = re.compile(r"[A-Za-z0-9+/_=.~-]{20,}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def looks_secret(text: str, key: str = "") -> bool:
    """Tell whether a text is likely a secret: by its own form, or by its disorder under a telling key."""
    return TOKEN.search(text) is not None or (_names_secret(key) and _disordered(text))


def shown(value: Any, key: str = "") -> str:
    """Write a value for a message: short, in one line, and masked when it looks like a secret."""
    if isinstance(value, str):
        if looks_secret(value, key):
            return MASK
        return f'"{cut(value.replace(chr(10), " "))}"'
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return cut(str(value))


def _names_secret(key: str) -> bool:
    return any(word.lower() in WORDS for word in _WORD.findall(key))


def _disordered(text: str) -> bool:
    """Tell a random string from a name: hexadecimal, or letters of both cases with digits."""
    if not _LONG.fullmatch(text) or max(map(len, re.split(r"[/._-]", text))) < 16:
        return False  # short, or a path of words
    if re.fullmatch(r"[0-9a-fA-F]{32,}", text):
        return True
    mixed = all(re.search(pattern, text) for pattern in ("[a-z]", "[A-Z]", "[0-9]"))
    return mixed and _entropy(text) > 3.5


def _entropy(text: str) -> float:
    """Measure the bits per character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def masked(text: str) -> str:
    """Write a name for a message: short, and masked when it looks like a secret."""
    return MASK if looks_secret(text) else cut(text)


def place(path: tuple[str | int, ...]) -> str:
    """Write a path for a problem, with every key masked that looks like a secret."""
    return dotted(tuple(MASK if isinstance(step, str) and looks_secret(step) else step for step in path))


def cut(text: str) -> str:
    """Shorten a text to what fits a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
