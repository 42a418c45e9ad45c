"""The six things of a CRD that JSON Schema does not know, each judged twice.

Our schema, made by the converter, and the API server's own code, which reads the CRD itself, must give one verdict of
every value. The comments name the few values of which they do not, on purpose.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from generator import schemas
from generator.schemas import crds
from generator.schemas.convert import convert, inline
from generator.tools import find
from generator.validate import cel

MINOR = schemas.versions()[-1]
META = {
    "meta.v1.ObjectMeta": {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
}
PAIR = [{"type": "integer"}, {"type": "string"}]
TEXT = {"type": "string"}
ANY = {"x-kubernetes-preserve-unknown-fields": True}


class Judges:
    """The two judges of one schema; values stand as `spec.value`."""

    def __init__(self, root: Path, node: dict[str, Any]) -> None:
        self.root = root
        spec = {"type": "object", "properties": {"value": node}}
        openapi = {"type": "object", "properties": {"apiVersion": TEXT, "kind": TEXT, "spec": spec}}
        folder = root / "schemas" / "crds" / "example.com"
        folder.mkdir(parents=True)
        (folder / "case-v1.structural.json").write_text(json.dumps(inline(*crds.structural(openapi))))
        ours = crds.schema_of(openapi, api_version="example.com/v1", kind="Case", object_meta=META)
        self.ours = jsonschema_rs.Draft202012Validator(ours)

    def server(self, values: list[Any]) -> list[list[str]]:
        """Say for each value what sorts of things the API server would refuse."""
        verdicts = cel.check(find("crdcheck"), self.root, {f"{i:03}": (MINOR, case(v)) for i, v in enumerate(values)})
        return [[found.kind for found in verdicts if found.key == f"{i:03}"] for i in range(len(values))]

    def both(self, values: list[Any]) -> list[bool]:
        """Say for each value whether it is taken, where the two agree."""
        ours = [self.ours.is_valid(case(value)) for value in values]
        server = [not found for found in self.server(values)]
        assert ours == server, [value for value, a, b in zip(values, ours, server, strict=True) if a != b]
        return ours


def case(value: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Case", "metadata": {"name": "a"}, "spec": {"value": value}}


def check(root: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]) -> None:
    both = Judges(root, node).both([*taken, *refused])
    assert [value for value, good in zip(taken, both, strict=False) if not good] == []
    assert [value for value, good in zip(refused, both[len(taken) :], strict=True) if good] == []


def an_object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members}


@pytest.mark.parametrize(
    ("node", "taken", "refused"),
    [
        pytest.param(an_object(a=TEXT) | ANY, [{}, {"a": "x"}, {"b": [1, {"c": None}]}], [{"a": 1}, "x"], id="itself"),
        pytest.param(
            an_object(inner=an_object(a=TEXT) | ANY),
            [{"inner": {"a": "x", "b": 1}}],
            [{"b": 1}, {"inner": {"a": 1}}],
            id="below a closed object",
        ),
        pytest.param(
            an_object(inner=an_object(a=TEXT), bare={"type": "object"}) | ANY,
            [{"b": 1, "inner": {"a": "x"}, "bare": {}}],
            [{"inner": {"b": 1}}, {"bare": {"b": 1}}],
            id="above a closed object",
        ),
        pytest.param(
            an_object(middle=an_object(free=ANY, strict=an_object(a=TEXT))),
            [{"middle": {"free": 1}}, {"middle": {"free": {"b": [{}]}}}, {"middle": {"strict": {"a": "x"}}}],
            [{"middle": {"b": 1}}, {"middle": {"strict": {"b": 1}}}],
            id="two levels down, of no type",
        ),
        pytest.param({"type": "object"} | ANY, [{}, {"a": {"b": 1}}], [[], "x", 1], id="an object of anything"),
        pytest.param(
            {"type": "array", "items": an_object(a=TEXT) | ANY}, [[{"b": 1}]], [[{"a": 1}], ["x"]], id="in a list"
        ),
        pytest.param(
            {"type": "object", "additionalProperties": an_object(a=TEXT) | ANY},
            [{"k": {"b": 1}}],
            [{"k": {"a": 1}}, {"k": "x"}],
            id="in a map",
        ),
        pytest.param(
            an_object(a=TEXT) | ANY | {"required": ["a", "b"]}, [{"a": "x", "b": 1}], [{"a": "x"}], id="with a demand"
        ),
    ],
)
def test_unknown_fields_stay_where_they_are_preserved_and_nowhere_else(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)


INT_OR_STRING = {"x-kubernetes-int-or-string": True}


@pytest.mark.parametrize(
    ("node", "taken", "refused"),
    [
        pytest.param(INT_OR_STRING, [1, -1, 0, "25%", ""], [0.5, True, [], {}], id="plain"),
        pytest.param(INT_OR_STRING | {"anyOf": PAIR}, [1, "25%"], [0.5, True, {}], id="spelled out"),
        pytest.param(
            INT_OR_STRING | {"allOf": [{"anyOf": PAIR}, {"minimum": 1}]}, [1, "x"], [0, 0.5, False], id="with a bound"
        ),
        pytest.param(
            INT_OR_STRING | {"anyOf": PAIR, "pattern": "^[0-9]+%$"}, ["1%", 7, -7], ["1", "%", 0.5], id="with a pattern"
        ),
        pytest.param(INT_OR_STRING | {"maxLength": 2}, ["ab", 12345], ["abc"], id="with a length"),
        pytest.param(INT_OR_STRING | {"enum": [1, "all"]}, [1, "all"], [2, "some"], id="with an enum"),
        pytest.param(INT_OR_STRING | {"anyOf": PAIR, "nullable": True}, [None, 1, "a"], [0.5], id="nullable"),
        pytest.param(
            {"type": "object", "additionalProperties": INT_OR_STRING | {"anyOf": PAIR}},
            [{"cpu": 1, "memory": "1Gi"}],
            [{"cpu": 0.5}],
            id="in a map",
        ),
    ],
)
def test_int_or_string_takes_these_two_alone(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)


@pytest.mark.parametrize(
    ("node", "taken", "refused"),
    [
        pytest.param(TEXT | {"nullable": True}, [None, "a"], [1], id="text"),
        pytest.param(an_object(a=TEXT) | {"nullable": True}, [None, {}, {"a": "x"}], [{"b": 1}, []], id="an object"),
        pytest.param(
            an_object(a=TEXT) | {"nullable": True, "required": ["a"]}, [None, {"a": "x"}], [{}], id="with a demand"
        ),
        pytest.param({"type": "array", "items": TEXT, "nullable": True}, [None, [], ["a"]], [[1], [None]], id="a list"),
        pytest.param({"type": "array", "items": TEXT | {"nullable": True}}, [[None, "a"]], [[1]], id="an item"),
        pytest.param(
            {"type": "object", "additionalProperties": TEXT | {"nullable": True}}, [{"k": None}], [{"k": 1}], id="a map"
        ),
        # an enum refuses null, nullable or not, also where it names it
        pytest.param(TEXT | {"nullable": True, "enum": ["a"]}, ["a"], [None, "b"], id="an enum without null"),
        pytest.param(TEXT | {"nullable": True, "enum": ["a", None]}, ["a"], [None, "b"], id="an enum with null"),
        pytest.param(
            TEXT | {"nullable": True, "pattern": "^a", "minLength": 2}, [None, "ab"], ["b", "a"], id="with a pattern"
        ),
        pytest.param(
            {"type": "integer", "nullable": True, "minimum": 1, "maximum": 3}, [None, 1], [0, 4], id="with bounds"
        ),
    ],
)
def test_null_is_taken_where_it_is_said_alone(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)


def test_a_null_that_the_api_server_drops_is_refused(tmp_path: Path) -> None:
    """It is never meant: a value that was left out."""
    judges = Judges(tmp_path, an_object(a=TEXT, b=TEXT | {"default": "x"}))
    values = [{"a": None}, {"b": None}]
    assert judges.server(values) == [[], []]
    assert [judges.ours.is_valid(case(value)) for value in values] == [False, False]


def list_map(keys: list[str], members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    items = {"type": "object", "properties": members, **({"required": required} if required else {})}
    return {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
        "items": items,
    }


NUMBER = {"type": "integer"}
TCP = TEXT | {"default": "TCP"}


@pytest.mark.parametrize(
    ("node", "taken", "refused", "repeated"),
    [
        pytest.param(
            list_map(["name"], {"name": TEXT, "v": TEXT}, ["name"]),
            [[], [{"name": "a"}], [{"name": "a"}, {"name": "b"}]],
            [[{"v": "x"}], [{"name": 1}], [{"name": "a", "w": 1}], {}],
            [[{"name": "a", "v": "x"}, {"name": "a", "v": "y"}]],
            id="one key",
        ),
        pytest.param(
            list_map(["port", "protocol"], {"port": NUMBER, "protocol": TEXT}, ["port", "protocol"]),
            [[{"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP"}]],
            [[{"port": 1}], [{"protocol": "TCP"}]],
            [[{"port": 1, "protocol": "TCP"}, {"protocol": "TCP", "port": 1}]],
            id="two keys",
        ),
        pytest.param(
            list_map(["port", "protocol"], {"port": NUMBER, "protocol": TCP}, ["port", "protocol"]),
            [[{"port": 1}], [{"port": 1}, {"port": 2}], [{"port": 1}, {"port": 1, "protocol": "UDP"}]],
            [[{"protocol": "TCP"}]],
            [[{"port": 1}, {"port": 1}], [{"port": 1}, {"port": 1, "protocol": "TCP"}]],
            id="two keys, one with a default that is demanded",
        ),
        pytest.param(
            list_map(["port", "protocol"], {"port": NUMBER, "protocol": TCP}, ["port"]),
            [[{"port": 1}, {"port": 1, "protocol": "UDP"}]],
            [[{"port": "1"}]],
            [[{"port": 1}, {"port": 1, "protocol": "TCP"}]],
            id="two keys, one with a default",
        ),
    ],
)
def test_a_keyed_list_demands_keys_without_default_and_takes_each_once(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any], repeated: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)
    # JSON Schema has no word for it: crdcheck judges it, and our schema keeps the keys
    assert all(found == ["duplicate"] for found in Judges(tmp_path / "again", node).server(repeated))
    assert convert(node, structural=True)["x-kubernetes-list-map-keys"] == node["x-kubernetes-list-map-keys"]


EMBEDDED = {"x-kubernetes-embedded-resource": True}
HEAD = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("node", "taken", "refused"),
    [
        pytest.param(
            an_object(spec=an_object(a=TEXT)) | EMBEDDED,
            [HEAD, HEAD | {"spec": {"a": "x"}}],
            [HEAD | {"other": 1}, HEAD | {"spec": {"b": 1}}, HEAD | {"spec": {"a": 1}}, []],
            id="with members",
        ),
        pytest.param({"type": "object"} | EMBEDDED | ANY, [HEAD, HEAD | {"spec": {"a": 1}}], ["x"], id="of any kind"),
        pytest.param(
            {"type": "array", "items": {"type": "object"} | EMBEDDED | ANY}, [[HEAD | {"data": {}}]], [[1]], id="listed"
        ),
        pytest.param(
            an_object(apiVersion=TEXT | {"enum": ["v1"]}, kind=TEXT, metadata={"type": "object"}, a=TEXT) | EMBEDDED,
            [HEAD | {"a": "x"}],
            [HEAD | {"apiVersion": "v2"}],
            id="with a type of its own",
        ),
    ],
)
def test_an_embedded_object_keeps_its_head_and_is_closed_beside_it(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)


@pytest.mark.parametrize("missing", ["apiVersion", "kind"])
@pytest.mark.parametrize("more", [{}, ANY], ids=["closed", "open"])
def test_an_embedded_object_has_a_type(missing: str, more: dict[str, Any]) -> None:
    """The API server demands it beside its schemas, where crdcheck does not look.

    Source: k8s.io/apiextensions-apiserver v0.37 pkg/apiserver/schema/objectmeta/validation.go (Validate)
    """
    schema = convert({"type": "object", **EMBEDDED, **more}, structural=True)
    judge = jsonschema_rs.Draft202012Validator({**schema, "$defs": META})
    assert judge.is_valid(HEAD)
    assert not judge.is_valid({key: value for key, value in HEAD.items() if key != missing})
    assert not judge.is_valid(HEAD | {"metadata": {"nam": "a"}})


@pytest.mark.parametrize(
    ("node", "taken", "refused"),
    [
        pytest.param(an_object(a=TEXT), [{}, {"a": "x"}], [{"b": 1}, {"A": "x"}, {"a": "x", "b": None}], id="itself"),
        pytest.param({"type": "object"}, [{}], [{"a": 1}, []], id="without members"),
        pytest.param(
            an_object(a=an_object(b=an_object(c=TEXT))),
            [{"a": {"b": {"c": "x"}}}],
            [{"a": {"c": "x"}}, {"a": {"b": {"d": 1}}}],
            id="deep",
        ),
        pytest.param(
            {"type": "array", "items": an_object(a=TEXT)}, [[{"a": "x"}]], [[{"a": "x"}, {"b": 1}]], id="list"
        ),
        pytest.param(
            {"type": "object", "additionalProperties": an_object(a=TEXT)},
            [{"any": {"a": "x"}}],
            [{"any": {"b": 1}}],
            id="map",
        ),
        pytest.param({"type": "object", "additionalProperties": True}, [{"any": [1]}], [[]], id="map of anything"),
        pytest.param(
            an_object(a=TEXT, b=TEXT) | {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            [{"a": "x"}, {"b": "x"}],
            [{}, {"a": "x", "b": "x"}, {"a": "x", "c": 1}],
            id="one of two members",
        ),
        pytest.param(
            an_object(a=TEXT, b=TEXT) | {"anyOf": [{"properties": {"a": {"pattern": "^x"}}}, {"required": ["b"]}]},
            [{"a": "x"}, {"a": "y", "b": "z"}],
            [{"a": "y"}, {"a": "x", "c": 1}],
            id="any of two branches",
        ),
        pytest.param(
            an_object(a=TEXT | {"default": "x"}, b=TEXT) | {"required": ["a", "b"]},
            [{"b": "y"}],
            [{"a": "x"}, {}],
            id="a demand that a default meets",
        ),
    ],
)
def test_a_strict_object_takes_its_members_alone(
    tmp_path: Path, node: dict[str, Any], taken: list[Any], refused: list[Any]
) -> None:
    check(tmp_path, node, taken, refused)


def test_two_judges_who_differ_are_no_verdict(tmp_path: Path) -> None:
    judges = Judges(tmp_path, TEXT)
    judges.ours = jsonschema_rs.Draft202012Validator({})
    with pytest.raises(AssertionError):
        judges.both([1])
