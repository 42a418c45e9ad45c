"""A first look at PromQL: which series a query reads, and what stands around each."""

from __future__ import annotations

import re

import msgspec

AGGREGATIONS = frozenset(
    ("sum", "min", "max", "avg", "count", "group", "stddev", "stdvar", "quantile", "scalar", "absent")
)
# words whose parentheses hold labels
_LABEL_LISTS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))
_SPLITS = frozenset(("by", "without"))
_WORDS = frozenset(("and", "or", "unless", "bool", "offset", "inf", "nan", "atan2", "start", "end"))
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<labels>\{(?:[^"'}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\})"""
    r"""|(?P<range>\[[^\]]*\])|(?P<number>(?<![\w:])\d[\w.]*)|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>[()/])"""
)


class Selector(msgspec.Struct, frozen=True):
    """One series in a query: its name, the functions around it from outside in, and whether they split it by labels."""

    name: str
    around: tuple[str, ...]
    split: bool
    labels: str = ""

    @property
    def aggregated(self) -> bool:
        """It comes out as one element."""
        return not self.split and not AGGREGATIONS.isdisjoint(self.around)


def selectors(query: str) -> list[Selector]:
    """List the series that a query reads, in its order."""
    return _Reader(query).read()


class _Reader:
    """Walks a query once."""

    def __init__(self, query: str) -> None:
        self.tokens = list(_TOKEN.finditer(query))
        # name, labels, and a word for each parenthesis around, of those that split by labels with that
        self.found: list[tuple[str, str, list[str]]] = []
        self.around: list[str] = []
        # by depth: where the selectors of a call begin that a `by` after it would split
        self.begins: list[int] = []

    def read(self) -> list[Selector]:
        index = 0
        pending = ""
        split = False
        last = 0
        while index < len(self.tokens):
            token = self.tokens[index]
            word = token["name"]
            index += 1
            if token["sign"] == "(":
                self.around.append(f"{pending} by" if split else pending)
                self.begins.append(len(self.found))
                pending, split = "", False
            elif token["sign"] == ")" and self.around:
                self.around.pop()
                last = self.begins.pop()
            elif word in _LABEL_LISTS:
                if word in _SPLITS:
                    split = bool(pending)
                    if not pending:
                        self._split_from(last)
                index = self._after_list(index)
            elif word is not None and self._calls(index):
                pending = word
            elif word is not None and word.lower() not in _WORDS:
                index = self._selector(word, index)
            elif token["labels"]:
                self._add("", token["labels"])
        return [_made(*item) for item in self.found]

    def _calls(self, index: int) -> bool:
        following = self.tokens[index] if index < len(self.tokens) else None
        return following is not None and (following["sign"] == "(" or following["name"] in _SPLITS)

    def _selector(self, name: str, index: int) -> int:
        following = self.tokens[index] if index < len(self.tokens) else None
        if following is not None and following["labels"]:
            self._add(name, following["labels"])
            return index + 1
        self._add(name, "")
        return index

    def _add(self, name: str, labels: str) -> None:
        self.found.append((name, labels, list(self.around)))

    def _split_from(self, first: int) -> None:
        level = len(self.around)
        for _, _, around in self.found[first:]:
            around[level] += " by"

    def _after_list(self, index: int) -> int:
        if index >= len(self.tokens) or self.tokens[index]["sign"] != "(":
            return index
        while index < len(self.tokens) and self.tokens[index]["sign"] != ")":
            index += 1
        return index + 1


def _made(name: str, labels: str, around: list[str]) -> Selector:
    # what came out as one element at any level is one at the end
    single = not AGGREGATIONS.isdisjoint(around)
    split = not single and any(word.endswith(" by") for word in around)
    return Selector(name, tuple(word.removesuffix(" by") for word in around if word), split, labels)
