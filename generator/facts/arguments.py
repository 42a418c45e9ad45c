"""A container's arguments against the facts: what the engine's own parser would refuse or misread."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence

import msgspec

from generator.errors import Severity
from generator.facts.history import elsewhere, of_own_server, replacement
from generator.facts.model import Facts, Flag, ValueType, nearest
from generator.facts.values import expected, is_boolean_word, key_hint, wrong


class FindingKind(enum.Enum):
    """What is wrong with an argument."""

    UNKNOWN = "unknown"
    OTHER_VERSION = "other-version"
    ABBREVIATION = "abbreviation"
    UNDERSCORES = "underscores"
    MISSING_VALUE = "missing-value"
    WRONG_VALUE = "wrong-value"
    UNWANTED_VALUE = "unwanted-value"
    STRAY_VALUE = "stray-value"
    REPEATED = "repeated"
    DEPRECATED = "deprecated"
    MISSING = "missing"


class ArgumentFinding(msgspec.Struct, frozen=True):
    """One thing wrong with an arguments list; `index` counts from 0, -1 stands for the list as a whole."""

    index: int
    kind: FindingKind
    flag: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR


class _Use(msgspec.Struct, frozen=True):
    """One flag as it stands in the list, with the values it takes."""

    index: int
    word: str
    flag: Flag
    values: tuple[str, ...]
    inline: bool
    dotted: str = ""

    def index_of(self, position: int) -> int:
        """Give the index in the list of the n-th value."""
        return self.index if self.inline else self.index + 1 + position


# Flags that take a name out of a registry which the parser itself does not check, and the flag of a plug-in
# that may add names at start.
_REGISTRIES = {
    "--tool-call-parser": ("tool_parsers", "--tool-parser-plugin"),
    "--reasoning-parser": ("reasoning_parsers", "--reasoning-parser-plugin"),
}
# parsers that take the next word for a value, whatever it is
_GREEDY = ("pflag", "getopt", "click")
_NEGATIVE_NUMBER = re.compile(r"-(\d+(_\d+)*|\d*\.\d+)(e[+-]?\d+)?")


def check_arguments(facts: Facts, args: Sequence[str], *, complete: bool = True) -> list[ArgumentFinding]:
    """Find what the engine would refuse, misread or ignore in its arguments (those after the program's name).

    `complete=False` is for a part of a command line: then nothing is missed in it.
    """
    reader = _Reader(facts, args)
    reader.read()
    findings = reader.findings + _of_uses(facts, reader.uses)
    if complete:
        findings += _missing(facts, reader)
    return sorted(findings, key=lambda f: (f.index, f.kind.value, f.message))


def hyphenated_arguments(facts: Facts, args: Sequence[str]) -> list[str]:
    """Spell every flag name with hyphens, where the engine takes underscores for the same."""
    return [_hyphenated(facts, arg) for arg in args]


def _hyphenated(facts: Facts, arg: str) -> str:
    name, equals, value = arg.partition("=")
    spelled = facts.hyphenated(name)
    return spelled + equals + value if facts.flag(spelled.partition(".")[0]) else arg


class _Reader:
    """Walks the list once; collects uses of known flags, positional values and findings."""

    def __init__(self, facts: Facts, args: Sequence[str]) -> None:
        self.facts = facts
        self.args = args
        self.findings: list[ArgumentFinding] = []
        self.uses: list[_Use] = []
        self.positionals: list[int] = []
        self._next = 0

    def read(self) -> None:
        while self._next < len(self.args):
            index = self._next
            self._next += 1
            word = self.args[index]
            if word == "--":
                self._rest_is_positional()
            elif self._is_flag(word):
                self._flag(index, word)
            else:
                self._positional(index)

    def _rest_is_positional(self) -> None:
        while self._next < len(self.args):
            self._positional(self._next)
            self._next += 1

    def _is_flag(self, word: str) -> bool:
        """Decide as the parser would whether a word is a flag or a value."""
        if len(word) < 2 or not word.startswith("-"):
            return False
        if _NEGATIVE_NUMBER.fullmatch(word):
            return self.facts.syntax.dotted and "." in word  # vLLM takes -0.5 for a flag with a key
        return " " not in word.partition("=")[0]

    def _flag(self, index: int, word: str) -> None:
        name, equals, inline = self._attached(word) or word.partition("=")
        base, dot, key = name.partition(".")
        if dot and self.facts.syntax.dotted:
            name = base
        flag = self.facts.flag(name)
        if flag is None:
            flag = self._unknown(index, name)
        elif self.facts.hyphenated(name) != name:
            self.findings.append(_underscores(index, name, self.facts.hyphenated(name)))
        if flag is None:
            self._value_of_unknown(bool(equals))
            return
        dotted = f"{dot}{key}" if dot and self.facts.syntax.dotted else ""
        values, found = self._values(index, name, flag, inline if equals else None, dotted=dotted)
        self.findings += found
        self.uses.append(_Use(index, name, flag, values, bool(equals), dotted.removesuffix("+")))

    def _attached(self, word: str) -> tuple[str, str, str] | None:
        """Split -O3 into -O and 3."""
        for short in self.facts.syntax.attached:
            if word.startswith(short) and word != short:
                return short, "=", word.removeprefix(short).removeprefix("=")
        return None

    def _value_of_unknown(self, has_inline: bool) -> None:
        """Skip the values that an unknown flag was meant to have, so that they are not reported as well."""
        if not has_inline:
            self._take(1 if self._awaits_positional() else None)

    def _awaits_positional(self) -> bool:
        return len(self.positionals) < len(self.facts.positionals)

    def _unknown(self, index: int, name: str) -> Flag | None:
        finding, meant = _unknown_flag(self.facts, index, name)
        self.findings.append(finding)
        return meant

    def _values(
        self, index: int, name: str, flag: Flag, inline: str | None, *, dotted: str
    ) -> tuple[tuple[str, ...], list[ArgumentFinding]]:
        """Take the values that belong to a flag, and say if their number is wrong."""
        if flag.type is ValueType.BOOLEAN and not flag.nargs:
            return self._boolean(index, name, inline)
        if inline is not None:
            return (inline,), []
        least, most = (1, 1) if dotted else _arity(flag)
        values = self._take(most)
        if len(values) >= least:
            return values, []
        return values, [_missing_value(index, name, flag, self._following())]

    def _take(self, most: int | None) -> tuple[str, ...]:
        taken: list[str] = []
        greedy = self.facts.syntax.parser in _GREEDY and most == 1
        while self._next < len(self.args) and (most is None or len(taken) < most):
            if self._is_flag(self.args[self._next]) and not greedy:
                break
            taken.append(self.args[self._next])
            self._next += 1
        return tuple(taken)

    def _following(self) -> str:
        return self.args[self._next] if self._next < len(self.args) else ""

    def _boolean(self, index: int, name: str, inline: str | None) -> tuple[tuple[str, ...], list[ArgumentFinding]]:
        if inline is not None:
            allowed = self.facts.syntax.inline_booleans
            return (inline,), [] if allowed else [_unwanted(self.facts, index, name, inline)]
        following = self._following()
        if not is_boolean_word(following):
            return (), []
        self._next += 1
        return (), [_unwanted(self.facts, index, name, following)]

    def _positional(self, index: int) -> None:
        if self._awaits_positional():
            self.positionals.append(index)
        else:
            self.findings.append(_stray(index, self.args[index]))


def _arity(flag: Flag) -> tuple[int, int | None]:
    """Give the least and the largest number of values; None is unlimited."""
    arities: dict[str, tuple[int, int | None]] = {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
    return arities.get(flag.nargs) or (int(flag.nargs), int(flag.nargs))


def _of_uses(facts: Facts, uses: Sequence[_Use]) -> list[ArgumentFinding]:
    names = {use.flag.name for use in uses}
    findings = _repeated(uses)
    for use in uses:
        findings += _wrong_values(use)
        findings += _foreign_names(facts, use, names)
        if use.flag.deprecated:
            findings.append(_deprecated(facts, use))
    return findings


def _wrong_values(use: _Use) -> list[ArgumentFinding]:
    if use.dotted:
        return _wrong_key(use)
    findings = []
    for position, value in enumerate(use.values):
        problem = wrong(use.flag, value)
        if problem:
            message = f"the value {value!r} of `{use.word}` {problem.reason}"
            findings.append(_of_value(use, position, message=message, hint=problem.hint))
    return findings


def _wrong_key(use: _Use) -> list[ArgumentFinding]:
    key = use.dotted.split(".")[1]
    if use.flag.type not in (ValueType.JSON, ValueType.JSON_OR_STRING):
        message = f"`{use.word}` takes no keys: it is not a JSON flag"
        return [_finding(use, FindingKind.WRONG_VALUE, message, f"give it {expected(use.flag)}")]
    if not use.flag.keys or key in use.flag.keys:
        return []
    message = f"`{use.word}` has no key `{key}`"
    return [_finding(use, FindingKind.WRONG_VALUE, message, key_hint(use.flag, key))]


def _nearest_hint(word: str, choices: Sequence[str]) -> str:
    near = nearest(word, choices)
    return f"did you mean `{near}`?" if near else f"use one of: {', '.join(choices)}"


def _foreign_names(facts: Facts, use: _Use, names: set[str]) -> list[ArgumentFinding]:
    """Check a parser's name against the engine's registry, unless a plug-in may add names."""
    registry, plugin = _REGISTRIES.get(use.flag.name, ("", ""))
    legal = facts.registry(registry)
    if not legal or plugin in names or use.flag.choices:
        return []
    return [
        _of_value(
            use,
            position,
            message=f"{facts.engine} {facts.version} has no {_singular(registry)} {value!r}",
            hint=_nearest_hint(value, legal),
        )
        for position, value in enumerate(use.values)
        if value not in legal and value.lower() != "none"
    ]


def _singular(registry: str) -> str:
    return registry.replace("_", " ").removesuffix("s")


def _repeated(uses: Sequence[_Use]) -> list[ArgumentFinding]:
    findings = []
    for position, use in enumerate(uses):
        first = next((earlier for earlier in uses[:position] if _same(earlier, use)), None)
        if first is not None and not use.flag.repeatable:
            message = f"`{use.word}{use.dotted}` is given twice: argument {first.index + 1} is `{first.word}`"
            hint = "keep one of them: one of the values is dropped, silently"
            findings.append(_finding(use, FindingKind.REPEATED, message, hint))
    return findings


def _same(one: _Use, other: _Use) -> bool:
    """Tell whether two uses set the same thing; a whole JSON value and a single key of it do."""
    if one.flag.name != other.flag.name:
        return False
    return one.dotted == other.dotted or not one.dotted or not other.dotted


def _missing(facts: Facts, reader: _Reader) -> list[ArgumentFinding]:
    names = {use.flag.name for use in reader.uses}
    findings = [
        ArgumentFinding(
            index=-1,
            kind=FindingKind.MISSING,
            flag=flag.name,
            message=f"`{flag.name}` is missing: {facts.engine} does not start without it",
            hint=f"add `{flag.name}`",
        )
        for flag in facts.flags
        if flag.required and flag.name not in names
    ]
    for positional, index in zip(facts.positionals, [*reader.positionals, None], strict=False):
        if names.isdisjoint(positional.instead) and not (index is None and positional.optional):
            findings += _misplaced(positional.name, index, first=positional.first, reader=reader)
    return findings


def _misplaced(name: str, index: int | None, *, first: bool, reader: _Reader) -> list[ArgumentFinding]:
    """Report a positional value that is missing, swallowed by a flag before it, or behind flags."""
    if index is None:
        swallower = next((u for u in reader.uses if u.flag.nargs in ("+", "*") and len(u.values) > 1), None)
        message = f"no {name} is given"
        if swallower:
            message += f": {swallower.values[-1]!r} is read as one more value of `{swallower.word}`"
        hint = f"put the {name} first, before every flag"
        place = swallower.index_of(len(swallower.values) - 1) if swallower else -1
        return [_whole(place, name, message=message, hint=hint)]
    if first and index > 0:
        message = f"the {name} {reader.args[index]!r} stands after flags"
        return [_whole(index, name, message=message, hint=f"put the {name} first, before every flag")]
    return []


def _whole(index: int, name: str, *, message: str, hint: str) -> ArgumentFinding:
    return ArgumentFinding(index=index, kind=FindingKind.MISSING, flag=name, message=message, hint=hint)


def _finding(use: _Use, kind: FindingKind, message: str, hint: str) -> ArgumentFinding:
    return ArgumentFinding(index=use.index, kind=kind, flag=use.flag.name, message=message, hint=hint)


def _of_value(use: _Use, position: int, *, message: str, hint: str) -> ArgumentFinding:
    return ArgumentFinding(
        index=use.index_of(position),
        kind=FindingKind.WRONG_VALUE,
        flag=use.flag.name,
        message=message,
        hint=hint,
    )


def _unknown_flag(facts: Facts, index: int, name: str) -> tuple[ArgumentFinding, Flag | None]:
    """Say why a name is no flag, and which flag its values should be read as, if that is clear."""
    for explain in _EXPLANATIONS:
        explained = explain(facts, index, name)
        if explained:
            return explained
    hint = replacement(facts.engine, name)
    near = facts.nearest_flag(name)
    finding = ArgumentFinding(
        index=index,
        kind=FindingKind.UNKNOWN,
        flag=name,
        message=f"`{name}` is not a flag of {facts.engine} {facts.version}",
        hint=hint or (f"did you mean `{near}`?" if near else "remove it"),
    )
    return finding, None


_Explained = tuple[ArgumentFinding, Flag | None]


def _rejected_underscores(facts: Facts, index: int, name: str) -> _Explained | None:
    spelled = name.replace("_", "-")
    flag = facts.flag(spelled) if spelled != name else None
    if flag is None:
        return None
    message = f"`{name}` is not a flag of {facts.engine} {facts.version}: underscores are not accepted"
    return _named(index, FindingKind.UNDERSCORES, name, message=message, hint=f"write `{spelled}`"), flag


def _of_other_version(facts: Facts, index: int, name: str) -> _Explained | None:
    where = elsewhere(facts, name)
    if where is None:
        return None
    message = f"`{name}` is not a flag of {facts.engine} {facts.version}: it is {where}"
    near = facts.nearest_flag(name)
    other = f"did you mean `{near}`?" if near else "remove it, or run a version that has it"
    hint = replacement(facts.engine, name) or other
    return _named(index, FindingKind.OTHER_VERSION, name, message=message, hint=hint), None


def _of_own_server(facts: Facts, index: int, name: str) -> _Explained | None:
    engine = of_own_server(facts, name)
    if engine is None:
        return None
    message = f"`{name}` is a flag of {engine}'s own HTTP server, which {facts.engine} does not start"
    return _named(index, FindingKind.UNKNOWN, name, message=message, hint="remove it"), None


def _abbreviation(facts: Facts, index: int, name: str) -> _Explained | None:
    full = facts.abbreviated(name)
    if not full:
        return None
    flag = facts.flag(full[0]) if len(full) == 1 else None
    if flag and facts.syntax.abbreviations:
        message = f"`{name}` is an abbreviation: the parser takes it for `{full[0]}`"
    elif facts.syntax.abbreviations:
        message = f"`{name}` is ambiguous: it is the start of {len(full)} flags"
    else:
        message = f"`{name}` is not a flag of {facts.engine} {facts.version}"
    hint = replacement(facts.engine, name) or "write the whole name: " + ", ".join(f"`{f}`" for f in full[:4])
    return _named(index, FindingKind.ABBREVIATION, name, message=message, hint=hint), flag


_EXPLANATIONS: tuple[Callable[[Facts, int, str], _Explained | None], ...] = (
    _rejected_underscores,
    _of_own_server,
    _of_other_version,
    _abbreviation,
)


def _named(index: int, kind: FindingKind, name: str, *, message: str, hint: str) -> ArgumentFinding:
    return ArgumentFinding(index=index, kind=kind, flag=name, message=message, hint=hint)


def _underscores(index: int, name: str, spelled: str) -> ArgumentFinding:
    return ArgumentFinding(
        index=index,
        kind=FindingKind.UNDERSCORES,
        flag=spelled,
        message=f"`{name}` is spelled with underscores",
        hint=f"write `{spelled}`",
        severity=Severity.WARNING,
    )


def _missing_value(index: int, name: str, flag: Flag, following: str) -> ArgumentFinding:
    after = f"; `{following}` after it is a flag" if following else ""
    return _named(
        index,
        FindingKind.MISSING_VALUE,
        name,
        message=f"`{name}` has no value{after}",
        hint=f"give it {expected(flag)}",
    )


def _unwanted(facts: Facts, index: int, name: str, value: str) -> ArgumentFinding:
    flag = facts.flag(name)
    off = flag.negations[0] if flag and flag.negations else "leave it out"
    inline = facts.syntax.inline_booleans
    hint = f"write `{name}={value}`" if inline else f"write `{name}` alone; to switch it off: `{off}`"
    return _named(
        index,
        FindingKind.UNWANTED_VALUE,
        name,
        message=f"`{name}` takes no value, but {value!r} is given",
        hint=hint.replace("`leave it out`", "leave it out"),
    )


def _stray(index: int, value: str) -> ArgumentFinding:
    return _named(
        index,
        FindingKind.STRAY_VALUE,
        value,
        message=f"the value {value!r} belongs to no flag",
        hint="remove it, or put its flag before it",
    )


def _deprecated(facts: Facts, use: _Use) -> ArgumentFinding:
    removal = use.flag.removed_in
    until = f", and {removal} is the release that removes it" if removal else ""
    gone = f"{facts.engine} {removal} no longer takes it" if removal else "a later release no longer takes it"
    hint = replacement(facts.engine, use.flag.name) or f"remove it: {gone}"
    return ArgumentFinding(
        index=use.index,
        kind=FindingKind.DEPRECATED,
        flag=use.flag.name,
        message=f"`{use.word}` is deprecated in {facts.engine} {facts.version}{until}",
        hint=hint,
        severity=Severity.WARNING,
    )
