"""YAML as people write it: data, and on demand the line and column of every key and value.

Reading keeps data and text only. The places are found by composing the text once more, the first time that
somebody asks: most documents never have a problem. What readers of YAML 1.1 and 1.2 understand differently
(`yes`, `012`, `1_000`, `0o17`, `1:30`, `True`) is refused with a way to write it; dates and `1.2.3` are text;
`1.5` and `1e3` are numbers. Basis: reference measurements of PyYAML 6.0.4 with libyaml: 0.2 ms for 60 lines.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import math
import pathlib
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

# libyaml: a PyYAML built without it fails here, and would be 12 times slower
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from generator.errors import Location, Problem
from generator.sources.secrets import masked, place

Path: TypeAlias = tuple[str | int, ...]

CHECK = "syntax"
LIMIT_BYTES = 1024 * 1024
LIMIT_DEPTH = 64
# Helm and JavaScript read every number as a 64-bit float: integers beyond this are no longer exact
LIMIT_INTEGER = 2**53
LIMIT_PER_KIND = 20
LIMIT_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Document:
    """One file: its data and where everything stands in it."""

    file: str
    data: Any
    text: bytes = b""
    refused: frozenset[Path] = frozenset()

    @functools.cached_property
    def _marks(self) -> dict[Path, tuple[int, int, int, int]]:
        root = _compose(self.text) if self.text else None
        return {} if root is None else dict(_marks(root))

    def locate(self, path: Path) -> Location:
        """Find the value at a path, or its nearest ancestor that the file has."""
        for known in _ancestors(path):
            if mark := self._marks.get(known):
                return Location(self.file, mark[2], mark[3])
        return Location(self.file)

    def locate_key(self, path: Path) -> Location:
        """Find the key at a path, or that of its nearest ancestor that the file has."""
        for known in _ancestors(path):
            if mark := self._marks.get(known):
                return Location(self.file, mark[0], mark[1])
        return Location(self.file)

    def has(self, path: Path) -> bool:
        """Tell whether the file itself has a value at this path."""
        return path in self._marks

    def spelling(self, path: Path) -> str | None:
        """Give the text of a one-line scalar as it stands in the file, or None."""
        mark = self._marks.get(path)
        if mark is None:
            return None
        line = self.text.decode("utf-8").split("\n")[mark[2] - 1][mark[3] - 1 :]
        match = _PLAIN.match(line)
        return match[0] if match else None


def read(root: pathlib.Path, file: str) -> tuple[Document | None, list[Problem]]:
    """Read one file below the root with everything that can be said of its syntax.

    The document is None when it could not be understood at all; beside problems it may be there, with
    `refused` naming the places whose value was not understood.
    """
    try:
        with (root / file).open("rb") as stream:
            raw = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        return None, [_problem(file, 0, 0, *_unreadable(error))]
    return parse(raw, file)


def parse(raw: bytes, file: str) -> tuple[Document | None, list[Problem]]:
    """Read the bytes of one file."""
    if len(raw) > LIMIT_BYTES:
        message = "the file is larger than 1 MiB, which is no catalog or environment file"
        return None, [_problem(file, 0, 0, message, "move data that is not configuration elsewhere")]
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = "" if raw.isascii() else raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [_not_utf8(file, raw, error)]
    problems: list[Problem] = []
    spoilt: frozenset[int] = frozenset()
    if _suspicious(raw, text):
        raw, problems = _without_control_characters(file, text or raw.decode("ascii"))
        spoilt = frozenset(problem.location.line for problem in problems)
    try:
        shared = False
        if b"&" in raw or b"!" in raw or b"%" in raw:
            found, shared = _oddities(file, raw)
            problems += found
        root = _compose(raw)
    except yaml.YAMLError as error:
        return None, [*problems, *_invalid(file, raw, error)]
    if root is None:
        hint = "write its keys, or delete the file"
        message = "the file is empty" if not raw.strip() else "the file holds comments only"
        return None, [*problems, _problem(file, 0, 0, message, hint)]
    problems += _tabs(file, raw, root)
    if not isinstance(root, MappingNode):
        mark = root.start_mark
        word = "a list" if isinstance(root, SequenceNode) else "a single value"
        message = f"the file holds {word}, not `key: value` lines"
        return None, [*problems, _problem(file, mark.line + 1, mark.column + 1, message, "start with a key")]
    if shared:
        # never built: a few aliases of aliases would fill the memory
        return None, problems
    document, problems = _built(file, raw, root, problems)
    if spoilt:
        lost = {path for path, _, node in _walk(root, (), 0) if node.start_mark.line + 1 in spoilt and path}
        document = dataclasses.replace(document, refused=document.refused | lost)
    return document, problems


# ---- composing -------------------------------------------------------------------------------------------


class _Loader(CParser):
    """libyaml's composer with a resolver that only tells plain scalars from quoted ones."""

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool] | None) -> str:
        return "plain" if kind is ScalarNode and implicit is not None and implicit[0] else "quoted"

    def descend_resolver(self, node: Node | None, index: object) -> None:
        """Do nothing: no tag depends on the place."""

    def ascend_resolver(self) -> None:
        """Do nothing: no tag depends on the place."""


def _compose(raw: bytes) -> Node | None:
    node: Node | None = _Loader(raw).get_single_node()
    return node


def _marks(root: Node) -> Iterator[tuple[Path, tuple[int, int, int, int]]]:
    """Give key line, key column, value line, value column of every path; a list item is its own key."""
    seen: set[Path] = set()
    for path, key, value in _walk(root, (), 0):
        if path in seen:
            continue  # a duplicate key: the first one counts
        seen.add(path)
        at = value.start_mark
        from_ = at if key is None else key.start_mark
        yield path, (from_.line + 1, from_.column + 1, at.line + 1, at.column + 1)


def _walk(node: Node, path: Path, depth: int, key: Node | None = None) -> Iterator[tuple[Path, Node | None, Node]]:
    yield path, key, node
    if depth >= LIMIT_DEPTH:
        return
    if isinstance(node, MappingNode):
        for name, value in node.value:
            step = name.value if isinstance(name, ScalarNode) else "?"
            yield from _walk(value, (*path, step), depth + 1, name)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), depth + 1)


def _ancestors(path: Path) -> Iterator[Path]:
    for length in range(len(path), -1, -1):
        yield path[:length]


# ---- building --------------------------------------------------------------------------------------------

_Trouble: TypeAlias = tuple[Node, str, str]


@dataclasses.dataclass(frozen=True)
class _Refused:
    """A plain scalar that different readers would take for different values."""

    message: str
    hint: str


def _built(file: str, raw: bytes, root: Node, problems: list[Problem]) -> tuple[Document, list[Problem]]:
    trouble: list[_Trouble] = []
    data = _build(root, 0, trouble)
    if b"\\" in raw:
        trouble += _escaped(root)
    if not trouble:
        return Document(file, data, raw), problems
    places = {id(node): (path, False) for path, _, node in _walk(root, (), 0)}
    for path, key, _ in _walk(root, (), 0):
        if key is not None:
            places[id(key)] = (path if isinstance(key, ScalarNode) else path[:-1], True)
    refused = set()
    for node, message, hint in trouble:
        path, at_key = places.get(id(node), ((), True))
        if not at_key:
            refused.add(path)
        mark = node.start_mark
        problems.append(_problem(file, mark.line + 1, mark.column + 1, message, hint, path[:LIMIT_SHOWN]))
    return Document(file, data, raw, frozenset(refused)), problems


def _build(node: Node, depth: int, trouble: list[_Trouble]) -> Any:
    if isinstance(node, ScalarNode):
        return _plain(node, trouble) if node.tag == "plain" else node.value
    if depth >= LIMIT_DEPTH:
        trouble.append((node, f"nested deeper than {LIMIT_DEPTH} levels", "no file here needs that"))
        return None
    if isinstance(node, MappingNode):
        return _mapping(node, depth + 1, trouble)
    return [_build(item, depth + 1, trouble) for item in node.value]


def _mapping(node: MappingNode, depth: int, trouble: list[_Trouble]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            word = "a list" if isinstance(key, SequenceNode) else "a mapping"
            trouble.append((key, f"{word} stands where a key belongs", "a key is a word"))
            continue
        name = key.value
        if not name or (key.tag == "plain" and scalar(name) != name):
            trouble.append((key, *_not_a_key(name)))
            continue
        if name == "<<":
            # in quotes it is text here, and a merge key again to the next reader
            trouble.append((key, "`<<` merges another mapping in; merge keys are not read here", _WRITE_OUT))
            continue
        if name in data:
            first = next(k for k, _ in node.value if isinstance(k, ScalarNode) and k.value == name)
            line = first.start_mark.line + 1
            trouble.append(
                (key, f"the key `{masked(name)}` stands twice; first in line {line}", "delete one of the two")
            )
            continue
        data[name] = _build(value, depth, trouble)
    return data


def _plain(node: ScalarNode, trouble: list[_Trouble]) -> Any:
    text: str = node.value
    if text and text[0] not in _SUSPECT:
        return text
    value = scalar(text)
    if isinstance(value, _Refused):
        trouble.append((node, value.message, value.hint))
        return None
    return value


def _escaped(root: Node) -> list[_Trouble]:
    """Find control characters that are written as escapes, such as "\\x7f"."""
    found: list[_Trouble] = []
    for _, key, node in _walk(root, (), 0):
        for scalar_node in (key, node):
            if isinstance(scalar_node, ScalarNode) and (match := _CONTROL.search(scalar_node.value)):
                message = f"the text holds {_character(match[0])}, {_trait(match[0])}"
                found.append((scalar_node, message, "leave it out"))
    return found


# ---- scalars ---------------------------------------------------------------------------------------------

# what a plain scalar that is not simply text can begin with
_SUSPECT = frozenset("-+.0123456789~nNtTfFyYoO")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "false": False,
}
_BOOLEANS_OF_1_1 = {
    **dict.fromkeys(("yes", "y", "on"), "true"),
    **dict.fromkeys(("no", "n", "off"), "false"),
    "true": "true",
    "false": "false",
}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_BASED = re.compile(r"[-+]?0(?:o[0-7_]+|x[0-9a-fA-F_]+|b[01_]+)")
_LOOSE_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_PLAIN = re.compile(r"[^\s#,\]}\"'][^\s,\]}]*")


@functools.lru_cache(maxsize=65536)
def scalar(text: str) -> Any:
    """Read a plain scalar: null, boolean, number, text, or a refusal."""
    if text in _WORDS:
        return _WORDS[text]
    if not text or text[0] not in _SUSPECT:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else _too_large(text)
    return _ambiguous(text) or text


def _integer(text: str) -> int | _Refused:
    # length first: Python refuses to read thousands of digits
    if len(text) > 17 or abs(int(text)) > LIMIT_INTEGER:
        return _too_large(text)
    return int(text)


def _too_large(text: str) -> _Refused:
    return _Refused(f"{_short(text)} is too large to be kept exactly as a number", f"if it is text, {_QUOTE}")


def _ambiguous(text: str) -> _Refused | None:
    if boolean := _BOOLEANS_OF_1_1.get(text.lower()):
        message = f"`{text}` is a boolean to some readers of YAML and text to others"
        return _Refused(message, f'write {boolean}, or "{text}" if it is text')
    if _NOT_FINITE.fullmatch(text):
        return _Refused(f"{text} is not a number that can be used here", f"write a finite number, or {_QUOTE}")
    if _SEXAGESIMAL.fullmatch(text):
        message = f"{_short(text)} is a number to base 60 to some readers of YAML and text to others"
        return _Refused(message, _QUOTE)
    if _BASED.fullmatch(text):
        number = int(text.replace("_", ""), 0) if re.search(r"[0-9a-fA-F]", text[2:]) else 0
        return _Refused(f"{_short(text)} is read as a number by some readers of YAML only", _decimal(str(number)))
    if _LOOSE_NUMBER.fullmatch(text):
        message = f"{_short(text)} is read as different numbers, or as text, by different readers of YAML"
        return _Refused(message, _decimal(_tidy(text)))
    return None


def _tidy(text: str) -> str:
    """Spell a number without sign, underscores and bare dots; empty when that would be a guess."""
    plain = text.replace("_", "").removeprefix("+")
    if re.match(r"-?0[0-9]", plain):
        return ""
    plain = re.sub(r"^(-?)\.", r"\g<1>0.", plain)
    return re.sub(r"\.(?![0-9])", ".0", plain)


def _decimal(number: str) -> str:
    if not number or len(number) > 17:
        return f"write the number without leading zeros; if it is text, {_QUOTE}"
    return f"write {number}; if it is text, {_QUOTE}"


def _not_a_key(name: str) -> tuple[str, str]:
    value = scalar(name)
    if value is None:
        return (
            "the key is empty" if not name else f"the key `{name}` is null",
            "write a word before the colon",
        )
    if isinstance(value, (_Refused, bool)):
        return f"the key `{_short(name)}` is not text to every reader of YAML", f'write "{name}" in quotes'
    return f"the key {_short(name)} is a number", f'write "{_short(name)}" in quotes'


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


# ---- what the events show --------------------------------------------------------------------------------

_QUOTE = "put it in quotes"
_WRITE_OUT = "write the values out: every file says all it means"


def _oddities(file: str, raw: bytes) -> tuple[list[Problem], bool]:
    """Report anchors, aliases, tags and directives; say also whether a node is used twice."""
    found: list[tuple[Any, str, str]] = []
    aliases: set[str] = set()
    try:
        for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                name = str(event.anchor)
                if name not in aliases:
                    message = f"`*{masked(name)}` repeats another value; aliases are not read here"
                    found.append((event, message, _WRITE_OUT))
                aliases.add(name)
                continue
            if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
                found.append((event, "a line beginning with % is a YAML directive", "delete the line"))
            if anchor := getattr(event, "anchor", None):
                message = f"`&{masked(anchor)}` marks a value to be repeated; anchors are not read here"
                found.append((event, message, "delete the mark"))
            if tag := getattr(event, "tag", None):
                message = f"`{masked(_tag(tag))}` is a YAML tag; tags are not read here"
                found.append((event, message, "delete the tag"))
    except yaml.YAMLError:
        pass  # composing meets it again and reports it
    problems = [
        _problem(file, event.start_mark.line + 1, event.start_mark.column + 1, message, hint)
        for event, message, hint in found[:LIMIT_PER_KIND]
    ]
    return problems, bool(aliases)


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


# ---- bytes and characters --------------------------------------------------------------------------------

_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"
# controls, line breaks of YAML 1.1 only, byte-order marks, and characters that reorder the shown text
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)"
)


def _suspicious(raw: bytes, text: str) -> bool:
    if not text:
        return bool(raw.translate(None, _PRINTABLE)) or (b"\r" in raw and _CONTROL.search(raw.decode()) is not None)
    return _CONTROL.search(text) is not None


def _without_control_characters(file: str, text: str) -> tuple[bytes, list[Problem]]:
    """Report the first of each line and put `_` in place of all, so that the rest can be read too."""
    problems: dict[int, Problem] = {}
    for match in _CONTROL.finditer(text):
        line, column = _place(text, match.start())
        message = f"{_character(match[0])} stands here, {_trait(match[0])}"
        problems.setdefault(line, _problem(file, line, column, message, "delete it"))
        if len(problems) == LIMIT_PER_KIND:
            break
    return _CONTROL.sub("_", text).encode("utf-8"), list(problems.values())


def _character(character: str) -> str:
    return f"the character U+{ord(character):04X}"


def _trait(character: str) -> str:
    code = ord(character)
    if code in (0xFEFF, 0xFFFE, 0xFFFF):
        return "a byte-order mark, which belongs to the start of a file"
    if code in (0x85, 0x2028, 0x2029):
        return "an invisible line break that readers of YAML disagree about"
    if code >= 0x2000:
        return "which changes the order in which text is shown"
    return "a control character that nobody can see" if code != 0x0D else "half of a line end"


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _not_utf8(file: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    before = raw[: error.start]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    message = f"the byte 0x{raw[error.start]:02X} is not UTF-8"
    return _problem(file, line, column, message, "save the file as UTF-8")


def _unreadable(error: OSError) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError) and pathlib.Path(error.filename or "").is_symlink():
        return "this link leads to no file", "point it at the file, or delete it"
    if isinstance(error, FileNotFoundError):
        return "there is no such file", "create it, or correct the name"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not a file", "remove or rename the folder"
    if error.errno == errno.ELOOP:
        return "this link leads back to itself", "replace it with the file"
    return f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}", "check its permissions"


_TAB_INDENT = re.compile(rb"^ *\t", re.MULTILINE)
_TABS = ("the line is indented with a tab, which YAML does not allow", "indent with spaces")


def _tabs(file: str, raw: bytes, root: Node) -> list[Problem]:
    """Report tabs in indentation, except inside text of several lines."""
    lines = _tab_lines(raw)
    if not lines:
        return []
    inside: set[int] = set()
    for _, key, node in _walk(root, (), 0):
        for scalar_node in (key, node):
            if isinstance(scalar_node, ScalarNode):
                start, end = scalar_node.start_mark.line + 1, scalar_node.end_mark.line + 1
                inside.update(range(start + 1, end + 1) if end > start else ())
    return _tab_problems(file, {line: column for line, column in lines.items() if line not in inside})


def _tab_lines(raw: bytes) -> dict[int, int]:
    """Give the column of the first tab in the indentation, by line; blank lines and comments do not count."""
    if b"\t" not in raw or not _TAB_INDENT.search(raw):
        return {}
    return {
        number: line.index(b"\t") + 1
        for number, line in enumerate(raw.split(b"\n"), 1)
        if _TAB_INDENT.match(line) and line.strip() and not line.strip().startswith(b"#")
    }


def _tab_problems(file: str, lines: dict[int, int]) -> list[Problem]:
    return [_problem(file, line, column, *_TABS) for line, column in sorted(lines.items())[:LIMIT_PER_KIND]]


# ---- what libyaml says, in plain words -------------------------------------------------------------------

# libyaml 0.2.5: (part of its text, message, hint); {opened} is the line in which the construct began. Where the
# message says "opened here", the problem is placed at that beginning.
_PHRASES: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a second `: ` follows where a value is already being read",
        "indent this line like its neighbours; text that holds `: ` goes in quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list item `- ` begins in the middle of a line",
        "start the list on the next line; text that begins with `- ` goes in quotes",
    ),
    (
        "expected ',' or ']'",
        "the list opened here with `[` is not closed",
        "write `]` at its end",
    ),
    (
        "expected ',' or '}'",
        "the mapping opened here with `{{` is not closed",
        "write `}}` at its end",
    ),
    (
        "found unexpected end of stream",
        "the quote opened here is never closed",
        "close the quote; a quote inside single quotes is written twice",
    ),
    (
        "found unexpected document indicator",
        "the quote opened here is not closed",
        "close it",
    ),
    (
        "found a tab character",
        _TABS[0],
        _TABS[1],
    ),
    (
        "found unknown escape character",
        "this backslash begins no escape that YAML knows",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    ("hexdecimal number", "the escape lacks hexadecimal digits", "write for example \\x41 or \\u00e9"),
    ("invalid Unicode character", "the escape names no character", "write the character itself"),
    (
        "found undefined alias",
        "`*` begins an alias; aliases are not read here",
        "text that begins with `*` goes in quotes",
    ),
    (
        "while scanning an alias",
        "`*` begins an alias; aliases are not read here",
        "text that begins with `*` goes in quotes",
    ),
    (
        "while scanning an anchor",
        "`&` begins an anchor; anchors are not read here",
        "text that begins with `&` goes in quotes",
    ),
    ("tag", "`!` begins a tag; tags are not read here", "text that begins with `!` goes in quotes"),
    ("directive", "a line beginning with % is a YAML directive", "delete the line"),
    (
        "but found another document",
        "a second document begins here",
        "keep one document a file; delete this `---`",
    ),
    (
        "expected <document start>",
        "the document has ended before this",
        "delete a stray bracket or `...` before it",
    ),
    (
        "while scanning a block scalar",
        "text follows the `|` or `>` in its own line",
        "begin the text in the next line",
    ),
    (
        "expected '-' indicator",
        "this line does not belong to the list that begins in line {opened}",
        "indent it like the list's items, or begin it with `- `",
    ),
    (
        "while parsing a block mapping",
        "this does not continue the mapping that begins in line {opened}",
        "check the indentation here and the quotes before it",
    ),
    ("could not find expected ':'", "the key has no `: ` after it", "write `key: value`"),
    (
        "expected node content",
        "a value belongs here",
        "write the value; text that begins with this goes in quotes",
    ),
    ("maximum", f"nested deeper than {LIMIT_DEPTH} levels", "no file here needs that"),
    ("nesting", f"nested deeper than {LIMIT_DEPTH} levels", "no file here needs that"),
)


def _invalid(file: str, raw: bytes, error: yaml.YAMLError) -> list[Problem]:
    mark = getattr(error, "problem_mark", None)
    context_mark = getattr(error, "context_mark", None)
    said = f"{getattr(error, 'context', None) or ''}: {getattr(error, 'problem', None) or ''}"
    line, column = _inside_file(raw, mark.line + 1, mark.column + 1) if mark else (0, 0)
    tabs = _tab_lines(raw)
    if line in tabs:
        return _tab_problems(file, tabs)
    if merges := _merge_lines(raw):
        message = "a merge was left unfinished here"
        hint = "keep one of the two sides, and delete the lines with <<<<<<<, ======= and >>>>>>>"
        return [_problem(file, merges[0], 1, message, hint)]
    if "cannot start any token" in said:
        character = _character_at(raw, line, column)
        message = f"no value can begin with {character}"
        return [_problem(file, line, column, message, f"text that begins with {character} goes in quotes")]
    for needle, message, hint in _PHRASES:
        if needle in said:
            opened = context_mark.line + 1 if context_mark else line
            message, hint = (text.format(opened=opened, line=line) for text in (message, hint))
            if "opened here" in message and context_mark:
                line, column = opened, context_mark.column + 1
            return [_problem(file, line, column, message, hint)]
    return [_problem(file, line, column, f"this is not YAML ({said.strip(': ')})", "check quotes and indentation")]


def _merge_lines(raw: bytes) -> list[int]:
    """Find the lines with which git marks the two sides of a conflict."""
    lines = raw.decode("utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.startswith(("<<<<<<< ", ">>>>>>> "))]


def _inside_file(raw: bytes, line: int, column: int) -> tuple[int, int]:
    """Move a place behind the end of the file to its last character."""
    lines = raw.decode("utf-8").rstrip().split("\n")
    return (line, column) if line <= len(lines) else (len(lines), len(lines[-1]) + 1)


def _character_at(raw: bytes, line: int, column: int) -> str:
    lines = raw.decode("utf-8").splitlines()
    return lines[line - 1][column - 1 : column] if 0 < line <= len(lines) else "?"


def _problem(file: str, line: int, column: int, message: str, hint: str, path: Path = ()) -> Problem:
    return Problem(Location(file, line, column), place(path), message, hint, CHECK)
