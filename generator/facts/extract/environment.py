"""Finds environment variables that a package reads past its own table of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from generator.facts.model import Variable

_READ = r"(?:environ|getenv|env)\w*(?:\.get|\.setdefault|\.pop)?\s*[\[(]\s*[\"']({prefix}[A-Z0-9_]+)[\"']"
_QUOTED = r"[\"']({prefix}[A-Z0-9_]+)[\"']"


def read_in(files: Iterable[Path], prefix: str, *, quoted: bool = False) -> set[str]:
    """List names that files read with a literal; `quoted` takes every literal that looks like a name."""
    pattern = re.compile((_QUOTED if quoted else _READ).format(prefix=prefix))
    return {name for file in files for name in pattern.findall(file.read_text(encoding="utf-8"))}


def with_more(table: Sequence[Variable], names: Iterable[str]) -> tuple[Variable, ...]:
    """Add names that the table lacks, in order of name."""
    found = {name: Variable(name) for name in names} | {variable.name: variable for variable in table}
    return tuple(found[name] for name in sorted(found))
