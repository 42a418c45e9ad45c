"""Documents against their closed models: every problem at once, in our own words, with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jsonschema_rs
import msgspec

from generator.errors import Problem, nearest
from generator.model import units
from generator.sources.document import Document, Path
from generator.sources.secrets import MARKS, MASK, TOKEN, TOKENS, WORDS, cut, masked, place
from generator.sources.secrets import looks_secret as looks_secret
from generator.sources.secrets import shown as shown

T = TypeVar("T")
Tree: TypeAlias = dict[str, Any]

CHECK = "schema"
SECRET_CHECK = "secrets"
LISTED = 16


class Violation(NamedTuple):
    """One thing that a schema refuses; `at_key`: the key is at fault, not its value."""

    path: Path
    message: str
    hint: str
    at_key: bool


class Schema:
    """A JSON Schema (2020-12), compiled, that can be asked about its own parts."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._validator = jsonschema_rs.Draft202012Validator(tree)

    def accepts(self, data: Any) -> bool:
        """Tell whether the data fit; the fast way."""
        return self._validator.is_valid(data)

    def errors(self, data: Any) -> Iterator[jsonschema_rs.ValidationError]:
        """Give what the library finds."""
        return iter(self._validator.iter_errors(data))

    def at(self, schema_path: list[str | int]) -> Any:
        """Find the part of the schema at a keyword's absolute path, or an empty one."""
        node: Any = self.tree
        for step in schema_path:
            node = _step(node, step)
        return self.resolved(node)

    def required(self, error: jsonschema_rs.ValidationError) -> bool:
        """Tell whether the key that an error is about must be there."""
        node: Any = self.tree
        owner: Any = {}
        for step in error.evaluation_path:
            if step == "properties":
                owner = node
            node = self.resolved(node) if step == "$ref" else _step(node, step)
        return error.instance_path[-1] in owner.get("required", ())

    def resolved(self, node: Any) -> Any:
        """Follow local references."""
        for _ in range(16):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return node
            node = self.at([step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/")])
        return node


def _step(node: Any, step: str | int) -> Any:
    try:
        return node[step]
    except (KeyError, IndexError, TypeError):
        return {}


_COMPILED: dict[Any, Schema] = {}


def schema_of(kind: type[Any]) -> Schema:
    """Compile the schema of a struct type, once."""
    if kind not in _COMPILED:
        _COMPILED[kind] = Schema(msgspec.json.schema(kind))
    return _COMPILED[kind]


def check(document: Document, kind: type[Any]) -> list[Problem]:
    """Say everything that keeps a document from being what its type describes, secrets included."""
    problems = [
        Problem(
            document.locate_key(path) if at_key else document.locate(path),
            place(path),
            message,
            hint,
            CHECK,
        )
        for path, message, hint, at_key in violations(schema_of(kind), document.data, spelling=document.spelling)
        if not _inside(path, document.refused)
    ]
    return problems + secrets(document)


def convert(document: Document, kind: type[T]) -> T:
    """Build the struct of a document that `check` found clean."""
    return msgspec.convert(document.data, kind)


def violations(
    schema: Schema,
    data: Any,
    *,
    label: str = "",
    spelling: Callable[[Path], str | None] | None = None,
) -> list[Violation]:
    """Say what a schema refuses in some data.

    `label` names what the keys belong to ("values of vllm-aggregated-fixed"); `spelling` gives a scalar as
    it is written, so that 1.30 is not shown as 1.3.
    """
    whole = list(_whole_floats(data, ()))
    if not whole and schema.accepts(data):
        return []
    words = _Words(schema, data, label, spelling or (lambda path: None))
    leaves = [leaf for error in schema.errors(data) for leaf in _leaves(schema, error)]
    if whole:
        # JSON Schema takes 2.0 for an integer; with a fraction it cannot
        broken = _with_fractions(data, set(whole), ())
        leaves += [
            leaf
            for error in schema.errors(broken)
            for leaf in _leaves(schema, error)
            if leaf.kind.name == "type" and _real_path(data, leaf.instance_path) in whole
        ]
    # of a value that is no number it does not matter how small it is
    wrong = {tuple(leaf.instance_path) for leaf in leaves if leaf.kind.name == "type"}
    leaves = [leaf for leaf in leaves if leaf.kind.name == "type" or tuple(leaf.instance_path) not in wrong]
    found = dict.fromkeys(item for leaf in leaves for item in words.of(leaf))
    # a misspelt key is one mistake, not an unknown key and a missing one
    return [item for item in found if not (item in words.missing and item.path in words.misspelt)]


def _inside(path: Path, refused: frozenset[Path]) -> bool:
    return bool(refused) and any(path[: len(known)] == known for known in refused)


# ---- floats that stand for integers ----------------------------------------------------------------------


def _whole_floats(data: Any, path: Path) -> Iterator[Path]:
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, float):
                if value.is_integer():
                    yield (*path, key)
            elif isinstance(value, (dict, list)):
                yield from _whole_floats(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            if isinstance(value, (float, dict, list)):
                yield from _whole_floats(value, (*path, index))
    elif isinstance(data, float) and data.is_integer():
        yield path


def _with_fractions(data: Any, whole: set[Path], path: Path) -> Any:
    if path in whole:
        return 0.5
    if isinstance(data, dict):
        return {key: _with_fractions(value, whole, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_with_fractions(value, whole, (*path, index)) for index, value in enumerate(data)]
    return data


# ---- the library's errors, reduced to those that a person can act on -------------------------------------


def _leaves(schema: Schema, error: jsonschema_rs.ValidationError) -> list[jsonschema_rs.ValidationError]:
    """Reduce `X or null`, and any other choice, to the problems of the branch that was most likely meant."""
    if error.kind.name not in ("anyOf", "oneOf") or not hasattr(error.kind, "context"):
        return [error]
    branches = [list(branch) for branch in error.kind.context]
    meant = [branch for branch in branches if not _refuses_type_of_all_but_null(branch)]
    if len(meant) == 1:
        return [leaf for inner in meant[0] for leaf in _leaves(schema, inner)]
    here = len(error.instance_path)
    fitting = [branch for branch in meant if not any(_wrong_type_at(inner, here) for inner in branch)]
    if len(fitting) == 1:
        return [leaf for inner in fitting[0] for leaf in _leaves(schema, inner)]
    return [error]


def _refuses_type_of_all_but_null(branch: list[jsonschema_rs.ValidationError]) -> bool:
    return len(branch) == 1 and branch[0].kind.name == "type" and _types(branch[0]) == ["null"]


def _wrong_type_at(error: jsonschema_rs.ValidationError, depth: int) -> bool:
    return error.kind.name == "type" and len(error.instance_path) == depth


def _types(error: jsonschema_rs.ValidationError) -> list[str]:
    return [str(name) for name in error.kind.as_dict().get("types", ())]


# ---- words -----------------------------------------------------------------------------------------------

_BELONGS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
# what each known pattern means: what the value is not, and how to write it
_PATTERNS: dict[str, tuple[str, str]] = {
    _LABEL: (
        "is not a label",
        "small letters, digits and `-`, with a letter or digit at both ends",
    ),
    units.QUANTITY_PATTERN: ("is not a quantity", "write for example 2Gi, 500m or 8"),
    r"^[0-9a-f]{40}$": (
        "is not a revision",
        "write the 40 hexadecimal digits of a commit, not a branch or tag",
    ),
    r"^sha256:[0-9a-f]{64}$": ("is not a digest", "write sha256: and 64 hexadecimal digits"),
    r"^https?://": ("is not a URL", "begin it with https:// or http://"),
}


class _Words:
    """Turns one library error into what a person reads."""

    def __init__(self, schema: Schema, data: Any, label: str, spelling: Callable[[Path], str | None]) -> None:
        self.schema, self.data, self.label, self.spelling = schema, data, label, spelling
        self.misspelt: set[Path] = set()
        self.missing: set[Violation] = set()

    def of(self, error: jsonschema_rs.ValidationError) -> list[Violation]:
        """Word one error; a mapping with several unknown keys gives several."""
        path = _real_path(self.data, error.instance_path)
        details = error.kind.as_dict()
        name = error.kind.name
        if name in ("additionalProperties", "unevaluatedProperties"):
            return [self._unknown(path, str(key), error) for key in details.get("unexpected", ())]
        if name == "required":
            return [self._missing(path, str(details["property"]), error)]
        if name == "propertyNames":
            return self._bad_key(path, details.get("error"))
        message, hint = self._value(path, error)
        return [Violation(path, message, hint, False)]

    def _unknown(self, path: Path, key: str, error: jsonschema_rs.ValidationError) -> Violation:
        owner = self.schema.at(list(error.schema_path)[:-1])
        allowed = sorted(owner.get("properties", {})) if isinstance(owner, dict) else []
        message = f"unknown key `{masked(key)}`{f' in {self.label}' if self.label else ''}"
        return Violation((*path, key), message, self._known_keys(path, key, allowed), True)

    def _known_keys(self, path: Path, key: str, allowed: list[str]) -> str:
        plain = {_plain(word): word for word in allowed}
        if meant := plain.get(_plain(key)) or nearest(key, allowed):
            self.misspelt.add((*path, meant))
            return f"did you mean `{meant}`?"
        homes = sorted(_homes(self.schema, key))
        if len(homes) == 1:
            return f"`{masked(key)}` belongs under `{homes[0]}`"
        if not allowed:
            return "delete it"
        if len(allowed) <= LISTED:
            return f"known here: {', '.join(allowed)}"
        return f"delete it, or choose one of the {len(allowed)} keys that are known here"

    def _missing(self, path: Path, key: str, error: jsonschema_rs.ValidationError) -> Violation:
        owner = self.schema.at(list(error.schema_path)[:-1])
        properties = owner.get("properties", {}) if isinstance(owner, dict) else {}
        field = properties.get(key, {})
        hint = f"write `{key}:`"
        if description := field.get("description") or self.schema.resolved(field).get("description"):
            hint += f" ({str(description).rstrip('.')})"
        if "unknown" in properties and _nullable(self.schema, field):
            hint += "; if nobody knows it, null and the reason under `unknown`"
        message = f"the key `{key}` is missing{f' in {self.label}' if self.label else ''}"
        violation = Violation((*path, key), message, hint, True)
        self.missing.add(violation)
        return violation

    def _bad_key(self, path: Path, inner: Any) -> list[Violation]:
        if not isinstance(inner, jsonschema_rs.ValidationError):
            return [Violation(path, "a key is not allowed here", "rename it", False)]
        key = str(inner.instance)
        name, hint = self._constraint(key, "", inner)
        return [Violation((*path, key), f"the key {name}", hint, True)]

    def _value(self, path: Path, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        value = _at(self.data, path)
        key = str(path[-1]) if path and isinstance(path[-1], str) else ""
        name = error.kind.name
        if value is None and name != "not":
            return self._null(path, error)
        if name == "type":
            return _wrong_type(value, key, _types(error), self.spelling(path))
        if name in ("anyOf", "oneOf"):
            return _no_choice(self.schema, value, key, error)
        return self._constraint(value, key, error)

    def _null(self, path: Path, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        belongs = _either(_types(error)) if error.kind.name == "type" else "a value"
        if not isinstance(path[-1] if path else 0, str):
            return f"null stands where {belongs} belongs", "write it, or delete the item"
        write = f"write {_one_of(error) or belongs}"
        hint = write if self.schema.required(error) else "leave the key out instead"
        return f"null stands where {belongs} belongs", hint

    def _constraint(self, value: Any, key: str, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        details = error.kind.as_dict()
        name = error.kind.name
        show = shown(value, key)
        if name == "enum":
            return _not_listed(value, key, [option for option in details["options"] if option is not None])
        if name == "pattern":
            return self._pattern(value, key, str(details["pattern"]), error)
        if name in _BOUNDS:
            limit = details["limit"]
            message, hint = _BOUNDS[name]
            if name == "maximum" and key.endswith("Seconds") and isinstance(value, int) and value % 1000 == 0:
                hint += f"; seconds are meant here, and {value} ms are {value // 1000} s"
            return message.format(shown=show, limit=limit), hint.format(limit=limit)
        if name in ("minLength", "maxLength"):
            return _length(value, key, name, int(details["limit"]))
        if name in _SIZES:
            message, hint = _SIZES[name]
            size = len(value) if isinstance(value, (list, dict)) else 0
            if size == 0:
                return f"{show} stands here", "write at least one entry"
            limit = details.get("limit", 0)
            return message.format(size=size, limit=limit), hint.format(limit=limit)
        if name == "const":
            return (
                f"{show} stands here; only one value is possible",
                f"write {shown(details['expected_value'], '')}",
            )
        if name == "falseSchema":
            return "this key cannot be used here", "leave it out"
        return f"{show} does not fit here", self._described(error) or "see the schema of this file"

    def _pattern(self, value: Any, key: str, pattern: str, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        if known := _PATTERNS.get(pattern):
            what, hint = known
            if pattern == _LABEL and not looks_secret(str(value), key) and (label := as_label(str(value))):
                hint = f"{hint}: `{label}`"
            return f"{shown(value, key)} {what}", hint
        described = self._described(error)
        return (
            f"{shown(value, key)} is not written as it must be here",
            described or f"the pattern is {pattern}",
        )

    def _described(self, error: jsonschema_rs.ValidationError) -> str:
        for up in (1, 3):  # the field itself, or the field around `X or null`
            node = self.schema.at(list(error.schema_path)[:-up])
            if isinstance(node, dict) and (description := node.get("description")):
                return f"what belongs here: {str(description).rstrip('.')}"
        return ""


_BOUNDS = {
    "minimum": ("{shown} is too small", "write {limit} or more"),
    "maximum": ("{shown} is too large", "write {limit} or less"),
    "exclusiveMinimum": ("{shown} is too small", "write more than {limit}"),
    "exclusiveMaximum": ("{shown} is too large", "write less than {limit}"),
    "multipleOf": ("{shown} is not a multiple of {limit}", "write a multiple of {limit}"),
}
_SIZES = {
    "minItems": ("the list has {size} items, fewer than needed", "write at least {limit}"),
    "maxItems": ("the list has {size} items, more than allowed", "write at most {limit}"),
    "minProperties": ("the mapping has {size} keys, fewer than needed", "write at least {limit}"),
    "maxProperties": ("the mapping has {size} keys, more than allowed", "write at most {limit}"),
    "uniqueItems": ("an item stands twice in the list", "delete one of the two"),
}


def _one_of(error: jsonschema_rs.ValidationError) -> str:
    options = error.kind.as_dict().get("options", ())
    return f"one of {', '.join(map(str, options))}" if 0 < len(options) <= LISTED else ""


def _wrong_type(value: Any, key: str, types: list[str], spelled: str | None) -> tuple[str, str]:
    belongs = _either(types)
    show = shown(value, key)
    if isinstance(value, float) and "integer" in types:
        if value.is_integer():
            return (
                f"{spelled or show} is written with a fraction; {belongs} belongs here",
                f"write {int(value)}",
            )
        return f"{spelled or show} is a number with a fraction; {belongs} belongs here", f"write {belongs}"
    if isinstance(value, str):
        return f"{show} is text; {belongs} belongs here", _for_text(value, types)
    if isinstance(value, bool):
        return f"{show} is a boolean; {belongs} belongs here", _for_scalar(show, types)
    if isinstance(value, (int, float)):
        return f"{spelled or show} is a number; {belongs} belongs here", _for_scalar(spelled or show, types)
    return f"{show} stands where {belongs} belongs", f"write {belongs}"


def _for_text(value: str, types: list[str]) -> str:
    if {"integer", "number"} & set(types) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return "remove the quotes"
    if "boolean" in types and value in ("true", "false"):
        return "remove the quotes"
    if "array" in types and not looks_secret(value):
        return f"write it as a list: [{cut(value)}]"
    if "object" in types:
        return "write `key: value` lines below it, indented"
    return f"write {_either(types)}"


def _for_scalar(spelled: str, types: list[str]) -> str:
    if "string" in types:
        return f'write "{spelled}" in quotes'
    if "array" in types:
        return f"write it as a list: [{spelled}]"
    return f"write {_either(types)}"


def _no_choice(schema: Schema, value: Any, key: str, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    choices = schema.at(list(error.schema_path))
    types: list[str] = []
    for choice in choices if isinstance(choices, list) else []:
        kind = schema.resolved(choice).get("type", [])
        types += [kind] if isinstance(kind, str) else list(kind)
    types = [kind for kind in dict.fromkeys(types) if kind != "null"]
    if types:
        return f"{shown(value, key)} fits none of what is possible here", f"write {_either(types)}"
    return f"{shown(value, key)} fits none of what is possible here", "see the schema of this file"


def _not_listed(value: Any, key: str, options: list[Any]) -> tuple[str, str]:
    names = [option if isinstance(option, str) else json.dumps(option) for option in options]
    listed = f"one of {', '.join(names)}" if len(names) <= LISTED else f"{len(names)} values are possible"
    if not isinstance(value, str):
        return f"{shown(value, key)} stands where a word belongs", f"write {listed}"
    meant = nearest(value.lower(), names)
    what = re.sub(r"([A-Z])", lambda match: f" {match[1].lower()}", key) if key else "value"
    return f"unknown {what} {shown(value, key)}", f"did you mean `{meant}`? {listed}" if meant else listed


def _length(value: Any, key: str, name: str, limit: int) -> tuple[str, str]:
    size = len(value) if isinstance(value, str) else 0
    if name == "maxLength":
        message = f"{shown(value, key)} has {size} characters; at most {limit} are allowed"
        return message, f"shorten it by {size - limit}"
    if size == 0:
        return "the text is empty", "write it"
    return f"{shown(value, key)} has {size} characters; at least {limit} are needed", "write more"


def _either(types: list[str]) -> str:
    words = [_BELONGS.get(kind, kind) for kind in types if kind != "null"]
    return " or ".join(words) or "null"


def _nullable(schema: Schema, field: Any) -> bool:
    choices = field.get("anyOf", ()) if isinstance(field, dict) else ()
    return any(schema.resolved(choice).get("type") == "null" for choice in choices)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


def as_label(text: str) -> str:
    """Turn a text into the label that was likely meant; empty when nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")


def _homes(schema: Schema, key: str) -> set[str]:
    """Find where else in the schema a key is known; `*` stands for any name."""
    found: set[str] = set()

    def visit(node: Any, path: str, depth: int) -> None:
        node = schema.resolved(node)
        if not isinstance(node, dict) or depth > 8:
            return
        for name, field in node.get("properties", {}).items():
            if name == key and path:
                found.add(path)
            visit(field, f"{path}.{name}" if path else name, depth + 1)
        visit(node.get("additionalProperties"), f"{path}.*", depth + 1)
        visit(node.get("items"), path, depth + 1)
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            visit(choice, path, depth + 1)

    visit(schema.tree, "", 0)
    return found


def _real_path(data: Any, path: list[str | int]) -> Path:
    """Undo the library's reading of a key such as "1" as an index; where it lost a key, stop at its parent."""
    real: Path = ()
    for step in path:
        if isinstance(data, dict) and step not in data:
            meant = [key for key in data if re.fullmatch(r"\+?[0-9]{1,20}", key) and int(key) == step]
            if not meant:
                return real
            step = meant[0]
        real = (*real, step)
        data = data[step]
    return real


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


# ---- secrets ---------------------------------------------------------------------------------------------


def secrets(document: Document) -> list[Problem]:
    """Report what looks like a secret anywhere in a document, comments included."""
    problems = []
    raw = document.text
    if any(mark in raw for mark in MARKS):
        problems += _pasted(document)
    lower = raw.lower()
    if any(word.encode() in lower for word in WORDS):
        problems += [
            _secret(document, path, "a secret")
            for path, text in _texts(document.data, ())
            if not TOKEN.search(text) and looks_secret(text, _key(document.data, path))
        ]
    return problems


def _pasted(document: Document) -> list[Problem]:
    text = document.text.decode("utf-8")
    problems = []
    located = {
        (found.line, found.column): path
        for path, value in _texts(document.data, ())
        if TOKEN.search(value)
        for found in (document.locate(path),)
    }
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for match in TOKEN.finditer(line):
            what = TOKENS[int((match.lastgroup or "t0")[1:])][0]
            at = max((spot for spot in located if spot <= (number, match.start() + 1)), default=None)
            path = located[at] if at and not line.lstrip().startswith("#") else ()
            problems.append(_secret(document, path, what, (number, match.start() + 1)))
    return problems


def _secret(document: Document, path: Path, what: str, spot: tuple[int, int] | None = None) -> Problem:
    location = document.locate(path)
    if spot is not None:
        location = msgspec.structs.replace(location, line=spot[0], column=spot[1])
    return Problem(
        location,
        place(path),
        f"this looks like {what}: {MASK}",
        "revoke it, since a commit keeps it for ever; name a Secret and its key instead",
        SECRET_CHECK,
    )


def _texts(data: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _key(data: Any, path: Path) -> str:
    """Give the word that says what a text is; for the value of a named variable its name."""
    if path and path[-1] == "value" and isinstance(name := _at(data, path[:-1]).get("name"), str):
        return name
    return next((step for step in reversed(path) if isinstance(step, str)), "")
