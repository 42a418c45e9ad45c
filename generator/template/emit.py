"""Write one object, with references inside, as the text of a Helm template."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from generator.template.refs import OPEN, TOKEN

PLAIN = re.compile(r"[A-Za-z_/][\w./-]*(?: [A-Za-z_/][\w./-]*)*")
WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
# not printable in YAML, yet left alone by json
HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# braces that are data: a run around {{ or }}, and a brace right before an action
BRACES = re.compile(r"[{}]*(?:\{\{|\}\})[{}]*|\{\Z")

CONTROLS = ("if", "range")


def quoted(text: str) -> str:
    """Double-quote for YAML; json.dumps alone would write surrogates, which YAML refuses."""
    return HIDDEN.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def template(manifest: Mapping[str, Any], condition: str = "") -> str:
    """Write a whole template file, behind a condition if one is given."""
    body = "\n".join(Emitter().mapping(manifest, 0)) + "\n"
    if condition:
        test = whole(condition)
        if test is None:
            raise ValueError(f"{condition!r} is not one reference")
        body = f"{{{{- if {test[1].replace('@', '')} }}}}\n{body}{{{{- end }}}}\n"
    return body


def whole(text: object) -> tuple[str, str] | None:
    """Give (kind, expression) when the text is exactly one marker."""
    match = TOKEN.fullmatch(text) if isinstance(text, str) else None
    return (match[1], match[2]) if match else None


def control(item: object) -> tuple[str, str, Any] | None:
    """Give (word, expression, body) when a list item is one block."""
    if not isinstance(item, Mapping) or len(item) != 1:
        return None
    key, body = next(iter(item.items()))
    mark = whole(key)
    return (*mark, body) if mark and mark[0] in CONTROLS else None


class Emitter:
    """Yields lines at an indent; knows how the root context is spelled where it stands, and what holds there."""

    def __init__(self) -> None:
        self.root = ""
        self.given: tuple[str, ...] = ()

    def expr(self, text: str) -> str:
        return text.replace("@", self.root)

    def mapping(self, data: Mapping[str, Any], indent: int) -> Iterator[str]:
        pad = " " * indent
        for key, value in data.items():
            mark = whole(key)
            if mark and mark[0] in CONTROLS:
                yield from self.block(mark, self.mapping, value, indent)
            elif mark and mark[0] == "map":
                yield from self.spread(mark[1], indent)
            else:
                yield from self.entry(f"{pad}{self.scalar(key)}:", value, indent)

    def entry(self, head: str, value: Any, indent: int) -> Iterator[str]:
        """One key with its value; gone altogether when everything below it is absent."""
        pad = " " * indent
        mark = whole(value)
        if mark and mark[0] in ("map", "list"):
            inner = indent + 2 if mark[0] == "map" else indent
            yield f"{pad}{{{{- with {self.expr(mark[1])} }}}}"
            yield head
            yield f"{' ' * inner}{{{{- toYaml . | nindent {inner} }}}}"
            yield f"{pad}{{{{- end }}}}"
            return
        guard = presence(value)
        if guard:
            yield f"{pad}{{{{- if {self.expr(guard)} }}}}"
        yield from self.body(head, value, indent)
        if guard:
            yield f"{pad}{{{{- end }}}}"

    def body(self, head: str, value: Any, indent: int) -> Iterator[str]:
        if isinstance(value, Mapping) and value:
            yield head
            yield from self.mapping(value, indent + 2)
        elif isinstance(value, list) and value:
            yield head
            yield from self.sequence(value, indent)
        elif isinstance(value, str) and blockable(value):
            yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
            pad = " " * (indent + 2)
            for line in value.removesuffix("\n").split("\n"):
                yield f"{pad}{self.inline(line)}" if line else ""
        else:
            yield f"{head} {self.scalar(value)}"

    def sequence(self, items: Sequence[Any], indent: int) -> Iterator[str]:
        pad = " " * indent
        for item in items:
            block, mark = control(item), whole(item)
            if block:
                yield from self.block(block[:2], self.sequence, block[2], indent)
            elif mark and mark[0] == "list":
                yield from self.spread(mark[1], indent)
            elif mark and mark[0] == "map":
                yield f"{pad}-"
                yield f"{pad}  {{{{- toYaml {self.expr(mark[1])} | nindent {indent + 2} }}}}"
            elif isinstance(item, (Mapping, list)) and item:
                yield from self.item(item, indent)
            else:
                yield f"{pad}- {self.scalar(item)}"

    def item(self, item: Mapping[str, Any] | list[Any], indent: int) -> Iterator[str]:
        if (guard := presence(item)) and guard not in self.given:
            raise ValueError(f"{item!r}: a list's item that may be empty would be null; give it a fixed part")
        pad = " " * indent
        write: Callable[[Any, int], Iterator[str]] = self.mapping if isinstance(item, Mapping) else self.sequence
        first, *rest = write(item, indent + 2)
        if first.lstrip().startswith("{{-"):
            # an action may leave nothing on the dash's own line
            yield f"{pad}-"
            yield first
        else:
            yield f"{pad}- {first.lstrip()}"
        yield from rest

    def block(
        self, mark: tuple[str, str], write: Callable[[Any, int], Iterator[str]], body: Any, indent: int
    ) -> Iterator[str]:
        word, expr = mark
        outer, given = self.root, self.given
        yield f"{' ' * indent}{{{{- {word} {self.expr(expr)} }}}}"
        self.root = "$" if word == "range" else outer
        self.given = given if word == "range" else (*given, expr)
        yield from write(body, indent)
        self.root, self.given = outer, given
        yield f"{' ' * indent}{{{{- end }}}}"

    def spread(self, expr: str, indent: int) -> Iterator[str]:
        pad = " " * indent
        yield f"{pad}{{{{- with {self.expr(expr)} }}}}"
        yield f"{pad}{{{{- toYaml . | nindent {indent} }}}}"
        yield f"{pad}{{{{- end }}}}"

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        mark = whole(value)
        if mark:
            return f"{{{{ {self.typed(*mark)} }}}}" if mark[0] != "str" else f"{{{{ {self.expr(mark[1])} | quote }}}}"
        parts = TOKEN.split(value)  # literal, kind, expression, literal ...
        if len(parts) == 1:
            plain = PLAIN.fullmatch(value) and value.lower() not in WORDS
            return value if plain else literal(quoted(value))
        pairs = list(zip(parts[1::3], parts[2::3], strict=True))
        if any(kind == "str" for kind, _ in pairs):
            form = quoted("%v".join(part.replace("%", "%%") for part in parts[0::3]))
            args = " ".join(self.operand(self.typed(*pair)) for pair in pairs)
            return f"{{{{ printf {form} {args} | quote }}}}"
        return f'"{self.inline(value, in_quotes=True)}"'

    def inline(self, text: str, *, in_quotes: bool = False) -> str:
        parts = TOKEN.split(text)
        literals = [quoted(part)[1:-1] if in_quotes else part for part in parts[0::3]]
        actions = [f"{{{{ {self.typed(*p)} }}}}" for p in zip(parts[1::3], parts[2::3], strict=True)]
        return "".join(literal(word) + action for word, action in zip(literals, [*actions, ""], strict=True))

    @staticmethod
    def operand(expr: str) -> str:
        return f"({expr})" if " " in expr else expr

    def typed(self, kind: str, expr: str) -> str:
        """Helm reads every number as float64 and prints 1000000 as 1e+06: whole numbers need a cast."""
        return f"int64 {self.operand(self.expr(expr))}" if kind == "int" else self.expr(expr)


def literal(text: str) -> str:
    """Keep braces that belong to the data from Helm."""
    return BRACES.sub(lambda m: "{{ `" + m[0] + "` }}", text)


def blockable(text: str) -> bool:
    """Tell whether a block scalar is safe: printable lines, no stray blanks, no text reference."""
    lines = text.removesuffix("\n").split("\n")
    clean = all(line.isprintable() and line == line.rstrip() for line in lines)
    starts = lines[0][:1] not in ("", " ")
    return len(lines) > 1 and clean and starts and bool(lines[-1]) and f"{OPEN}str|" not in text


def presence(value: Any) -> str | None:
    """Give the condition under which a tree of optional parts only is not empty; None: never empty."""
    if isinstance(value, Mapping):
        parts: list[tuple[str, Any]] = list(value.items())
    elif isinstance(value, list):
        parts = [(next(iter(i)), next(iter(i.values()))) if control(i) else ("", i) for i in value]
    else:
        return None
    found: list[str] = []
    for key, item in parts:
        test = _optional(key, item, in_list=isinstance(value, list))
        if test is None:
            return None
        found.append(test)
    if not found:
        return None
    return found[0] if len(found) == 1 else "or " + " ".join(Emitter.operand(test) for test in found)


def _optional(key: str, item: Any, *, in_list: bool) -> str | None:
    mark = whole(key)
    if mark and mark[0] in CONTROLS:
        names, _, test = mark[1].rpartition(" := ")
        inner = presence(item)
        if inner and any(re.search(rf"{re.escape(name)}\b", inner) for name in names.split(", ") if name):
            raise ValueError(f"{mark[1]}: no turn of this loop is sure to leave something; give it a fixed part")
        return f"and {Emitter.operand(test)} ({inner})" if inner else test
    if mark and mark[0] == "map":
        return mark[1]
    reference = whole(item)
    if reference and (reference[0] == "list" or (reference[0] == "map" and not in_list)):
        return reference[1]
    return None if in_list else presence(item)
