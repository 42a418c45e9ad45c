"""Random objects with references inside, with the values they read and the data that must come out.

What must come out is computed beside the object from the same random choices, never from its markers: it is
a third opinion next to Helm's and `expand`'s.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from generator.template.refs import (
    Ref,
    add,
    both,
    ceil_div,
    each,
    either,
    equals,
    filled,
    negate,
    or_else,
    spread,
    text,
    when,
)
from generator.values.base import Values

Tree = dict[str, Any]
# loop variables of one turn -> the data, or ABSENT
Want = Callable[[Tree], Any]

ABSENT = object()

WORDS = (
    "plain", "two words", "", " leading", "trailing ", "a: b", "- a", "# no comment", "a #b", "{{ .Values.x }}",
    "}}", "{{{", "{}", "{", "}", "%v %d %%", 'say "no"', "it's", "back\\slash", "\\n", "`tick`", "😀 ünï", "\u2028x",
    "yes", "on", "y", "n", "null", "~", "true", "1_000", "2024-01-01", "0o17", "017", "0x1F", "1e3", "1.5", "=", "<<",
    "&anchor", "*alias", "!tag", "|", ">", "@", "%", "?", ":", "[a]", "12:30:45", ".inf", "two\nlines", "two\n\n  more",
    "tab\there", "a\n", " first\nblank", "end \nblank", "$x", "[[", "⟧", "--- x", "a\n---\nb",
    "{{- /* x */ -}}", "\u00a0",
)  # fmt: skip
KEYS = ("alpha", "be-ta", "ga_mma", "example.com/key", "delta e", "yes", "1", "x{{y", "=", "<<", "ключ")
# in the text of a template, where a person put them; no value may hold such a character
HIDDEN = ("bell\x07", "nul\x00", "del\x7f", "next\x85line", "\ufeffmark", "esc\x1b[0m")
NUMBERS = (0.5, 1.5, 0.92, 1e-7, 123456.75, 1e6, 2.5e9, 1e21, 3.0)


class Item(Values, frozen=True, kw_only=True):
    """One element of a list of values."""

    name: str
    size: int
    on: bool
    words: list[str]
    labels: dict[str, str]


class Maker:
    """Makes one object after another, each reading values of its own."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.values: Tree = {}

    def object(self, index: int) -> tuple[Tree, Tree, str, Want]:
        """Give a skeleton, the values it reads, the condition on the whole, and what must come out."""
        self.root = f"@.Values.m{index}"
        self.values = {}
        fixed = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": f"thing-{index}"}}
        condition, holds = self.condition(())
        body, want = self.mapping(3, (), sure=True)
        conditional = self.chance.random() < 0.3

        def expected(turn: Tree) -> Any:
            return {**fixed, "spec": want(turn)} if not conditional or holds(turn) else ABSENT

        return {**fixed, "spec": body}, self.values, str.__str__(condition) if conditional else "", expected

    # values and references to them

    def pick(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def words(self, low: int = 0) -> list[str]:
        return [self.pick(*WORDS) for _ in range(self.chance.randint(low, 3))]

    def entries(self) -> dict[str, str]:
        # Helm writes a key << without quotes and then fails to read it; sources refuse it
        keys = [key for key in KEYS if key != "<<"]
        return {key: self.pick(*WORDS) for key in self.chance.sample(keys, self.chance.randint(0, 3))}

    def store(self, type_: Any, value: Any) -> tuple[Ref, Want]:
        """Put a value among the values; give the reference to it."""
        key = f"k{len(self.values)}"
        self.values[key] = value
        return Ref(type_, f"{self.root}.{key}"), lambda turn: value

    def number(self) -> int:
        return int(self.pick(0, 1, 7, 1048576, 10**6, 2**40, self.chance.randint(0, 99)))

    def scalar_ref(self, around: tuple[str, ...]) -> tuple[Ref, Want]:
        """A reference to a scalar: a value, or a part of a loop's element."""
        if around and self.chance.random() < 0.5:
            name = self.pick(*around)
            if name.startswith("item"):
                field, type_ = self.pick(("name", str), ("size", int), ("on", bool))
                return Ref(type_, f"${name}.{field}"), lambda turn: turn[name][field]
            return Ref(str, f"${name}"), lambda turn: turn[name]
        kind = self.pick("str", "str", "int", "bool", "number")
        if kind == "str":
            return self.store(str, self.pick(*WORDS))
        if kind == "int":
            return self.store(int, self.number())
        return self.store(bool, self.pick(True, False)) if kind == "bool" else self.store(float, self.pick(*NUMBERS))

    def condition(self, around: tuple[str, ...], depth: int = 2) -> tuple[Any, Want]:
        """A condition, nested or plain."""
        form = self.pick("bool", "filled", "equals", "not", "both", "either") if depth else "bool"
        if form == "bool":
            return self.store(bool, self.pick(True, False))
        if form == "filled":
            value, want = self.store(*self.pick((str, self.pick("", "x")), (list[str], self.words()), (int, 0)))
            return filled(value), lambda turn: bool(want(turn))
        if form == "equals":
            value, want = self.store(*self.pick((str, self.pick("a", "b")), (int, self.pick(1, 2))))
            other = self.pick("a", "b") if value.type is str else self.pick(1, 2)
            return equals(value, other), lambda turn: want(turn) == other
        left, first = self.condition(around, depth - 1)
        if form == "not":
            return negate(left), lambda turn: not first(turn)
        right, second = self.condition(around, depth - 1)
        if form == "both":
            return both(left, right), lambda turn: first(turn) and second(turn)
        return either(left, right), lambda turn: first(turn) or second(turn)

    # parts of an object

    def leaf(self, around: tuple[str, ...]) -> tuple[Any, Want]:
        form = self.pick("literal", "ref", "ref", "text", "mixed", "mixed", "sum", "fallback")
        if form == "literal":
            value = self.pick(*WORDS, *HIDDEN, 0, 12, True, False, 0.25, {}, [])
            return value, lambda turn: value
        if form == "text":
            number, want = self.store(*self.pick((int, self.number()), (float, self.pick(*NUMBERS))))
            return text(number), lambda turn: printed(want(turn))
        if form == "sum":
            number, want = self.store(int, self.number())
            return ceil_div(add(number, 5), 3), lambda turn: -(-(want(turn) + 5) // 3)
        if form == "fallback":
            first, second = self.store(str, self.pick("", "x y")), self.store(str, self.pick(*WORDS))
            return or_else(first[0], second[0]), lambda turn: first[1](turn) or second[1](turn)
        if form == "ref":
            return self.scalar_ref(around)
        return self.mixed(around)

    def mixed(self, around: tuple[str, ...]) -> tuple[str, Want]:
        """Text with references in it."""
        # a reference alone is no text
        parts: list[tuple[str, Want]] = [("v", lambda turn: "v")] if self.chance.random() < 0.5 else []
        for _ in range(self.chance.randint(1, 3)):
            word = self.pick(*WORDS[:16], "\n", "a\nb") or "w"
            parts.append((word, lambda turn, word=word: word))
            value, want = self.scalar_ref(around)
            parts.append((str.__str__(value), lambda turn, want=want: printed(want(turn))))
        return "".join(part for part, _ in parts), lambda turn: "".join(want(turn) for _, want in parts)

    def node(self, depth: int, around: tuple[str, ...]) -> tuple[Any, Want]:
        """The value of a key: whatever may stand there."""
        form = self.pick("leaf", "leaf", "map", "list", "whole") if depth else "leaf"
        if form == "leaf":
            return self.leaf(around)
        if form == "map":
            return self.mapping(depth - 1, around)
        if form == "list":
            return self.sequence(depth - 1, around)
        value, want = self.store(*self.pick((list[str], self.words()), (dict[str, str], self.entries())))
        return value, lambda turn: want(turn) or ABSENT

    def mapping(self, depth: int, around: tuple[str, ...], *, sure: bool = False) -> tuple[Tree, Want]:
        """A map; `sure`: never empty, as a map in a list must be."""
        body: Tree = {"sure": "here"} if sure else {}
        wants: list[Want] = [lambda turn: {"sure": "here"}] if sure else []
        for index in range(self.chance.randint(0 if sure else 1, 3)):
            key = f"{self.pick(*KEYS)}-{index}"
            form = self.pick("plain", "plain", "plain", "when", "spread", "key", "each")
            if form == "plain":
                value, want = self.node(depth, around)
                body[key] = value
                wants.append(lambda turn, key=key, want=want: one(key, want(turn)))
            elif form == "key":
                name, named = self.store(str, f"{self.pick(*WORDS)}-{index}")
                value, want = self.leaf(around)
                body[str.__str__(name)] = value
                wants.append(lambda turn, named=named, want=want: one(named(turn), want(turn)))
            elif form == "when":
                test, holds = self.condition(around)
                inner, want = self.mapping(max(0, depth - 1), around)
                fresh, more = self.node(depth, around)
                body |= when(test, {f"when {key}": fresh, **inner})
                wants.append(
                    lambda turn, key=f"when {key}", holds=holds, want=want, more=more: (
                        {
                            **one(key, more(turn)),
                            **present(want(turn)),
                        }
                        if holds(turn)
                        else {}
                    )
                )
            elif form == "spread":
                some, want = self.store(dict[str, str], {f"{k} {index} {depth}": v for k, v in self.entries().items()})
                body |= spread(some)
                wants.append(want)
            else:
                some, want = self.store(dict[str, str], {f"{k} {index} each": v for k, v in self.entries().items()})
                body |= each(some, lambda name, value: {str.__str__(name): value})  # type: ignore[arg-type]
                wants.append(lambda turn, want=want: dict(sorted(want(turn).items())))
        return body, lambda turn: {k: v for want in wants for k, v in want(turn).items()} or ABSENT

    def sequence(self, depth: int, around: tuple[str, ...]) -> tuple[list[Any], Want]:
        body: list[Any] = []
        wants: list[Want] = []
        for _ in range(self.chance.randint(1, 3)):
            form = self.pick("leaf", "leaf", "map", "list", "splice", "whole map", "when", "each", "each map")
            item, want = self.items(form, depth, around)
            body.append(item)
            wants.append(want)
        return body, lambda turn: [item for want in wants for item in want(turn)] or ABSENT

    def items(self, form: str, depth: int, around: tuple[str, ...]) -> tuple[Any, Want]:
        """One entry of a list, which stands for none, one or many items."""
        if form == "splice":
            return self.store(list[str], self.words())
        if form == "whole map":
            value, want = self.store(dict[str, str], {**self.entries(), "some": "thing"})
            return value, lambda turn: [want(turn)]
        if form == "map":
            inner, want = self.mapping(depth - 1 if depth else 0, around, sure=True)
            return inner, lambda turn: [want(turn)]
        if form == "list":
            value, want = self.leaf(around)
            return [value], lambda turn: [[want(turn)]]
        if form == "when" and depth:
            test, holds = self.condition(around)
            body, want = self.sequence(depth - 1, around)
            return when(test, body), lambda turn: listed(want(turn)) if holds(turn) else []
        if form.startswith("each") and depth:
            return self.loop(form, depth, around)
        value, want = self.leaf(around)
        return value, lambda turn: [want(turn)]

    def loop(self, form: str, depth: int, around: tuple[str, ...]) -> tuple[Any, Want]:
        """Items repeated over a list of structs, a list of texts, or a map."""
        if form == "each map":
            source, all_of = self.store(dict[str, str], self.entries())
            name = source.expr.rpartition(".")[2]
            body, want = self.sequence(depth - 1, (*around, name, f"{name}Key"))
            turns: Callable[[Any], list[Tree]] = lambda found: [  # noqa: E731
                {name: value, f"{name}Key": key} for key, value in sorted(found.items())
            ]
            loop = each(source, lambda key, value: body)  # type: ignore[arg-type]
        elif self.chance.random() < 0.5:
            source, all_of = self.store(list[str], self.words())
            name = source.expr.rpartition(".")[2]
            body, want = self.sequence(depth - 1, (*around, name))
            turns = lambda found: [{name: value} for value in found]  # noqa: E731
            loop = each(source, lambda value: body)
        else:
            count = self.chance.randint(0, 3)
            key = f"item{len(self.values)}"
            self.values[key] = [self.element() for _ in range(count)]
            all_of = lambda turn, found=self.values[key]: found  # noqa: E731
            inner, more = self.sequence(depth - 1, (*around, key))
            part, parted = self.fields(key)
            body = [part, *inner]
            want = lambda turn: [*parted(turn), *listed(more(turn))]  # noqa: E731
            turns = lambda found: [{key: value} for value in found]  # noqa: E731
            loop = each(Ref(list[Item], f"{self.root}.{key}"), lambda value: body)
        return loop, lambda turn: [item for inner in turns(all_of(turn)) for item in listed(want({**turn, **inner}))]

    def element(self) -> Tree:
        return {
            "name": self.pick(*WORDS),
            "size": self.number(),
            "on": self.pick(True, False),
            "words": self.words(),
            "labels": self.entries(),
        }

    def fields(self, key: str) -> tuple[Any, Want]:
        """A map that reads every field of a loop's element."""
        words, labels = Ref(list[str], f"${key}.words"), Ref(dict[str, str], f"${key}.labels")
        body = {"name": Ref(str, f"${key}.name"), "words": words, "labels": {**spread(labels)}}

        def want(turn: Tree) -> Any:
            found = turn[key]
            filled_ones = {k: found[k] for k in ("words", "labels") if found[k]}
            return [{"name": found["name"], **filled_ones}]

        return body, want


def one(key: str, value: Any) -> Tree:
    return {} if value is ABSENT else {key: value}


def present(value: Any) -> Tree:
    return {} if value is ABSENT else value


def listed(value: Any) -> list[Any]:
    return [] if value is ABSENT else value


def printed(value: Any) -> str:
    """Print as Go does: its switch to an exponent is the only surprise."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return EXPONENTS.get(value, f"{value:g}" if value < 1e6 else "") or f"{value:f}"
    return str(value)


# written by hand, from what Go prints
EXPONENTS = {1e-7: "1e-07", 123456.75: "123456.75", 1e6: "1e+06", 2.5e9: "2.5e+09", 1e21: "1e+21"}
