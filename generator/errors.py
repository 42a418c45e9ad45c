"""What can go wrong, as values: a place, a message, a next action; and the exit codes."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable

import msgspec


class Exit(enum.IntEnum):
    """Exit codes of every command."""

    CLEAN = 0
    PROBLEMS = 1
    USAGE = 2
    BUG = 3
    INTERRUPTED = 130


class Severity(enum.Enum):
    """An error stops the build, a warning is printed."""

    ERROR = "error"
    WARNING = "warning"


class Location(msgspec.Struct, frozen=True, order=True):
    """A place in a file: path relative to the repository, line and column counted from 1 (0: whole file)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if self.line == 0:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True):
    """One finding: where, what is wrong with the value in hand, and what to do about it."""

    location: Location
    path: str
    message: str
    hint: str = ""
    check: str = ""
    severity: Severity = Severity.ERROR

    def text(self) -> str:
        """Write the problem as `file:line:column: path: message` and an indented hint."""
        place = f"{self.location}: {self.path}: " if self.path else f"{self.location}: "
        mark = "warning: " if self.severity is Severity.WARNING else ""
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{mark}{self.message}{hint}"


class ProblemsFound(Exception):
    """A step could not go on: carries everything it could see."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.text() for problem in problems))
        self.problems = problems


def ordered(problems: list[Problem] | tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Sort by place and drop repeats, so that output never depends on the order of work."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.location, p.path, p.message)))


def dotted(path: tuple[str | int, ...]) -> str:
    """Write a path as `models[3].topology`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Find the choice that was most likely meant, or None."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return found[0] if found else None
