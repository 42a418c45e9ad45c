"""Each rule of the converter, with an object that it accepts and one that it refuses."""

import json
from typing import Any

import jsonschema_rs
import pytest

from generator.schemas import crds, kubernetes
from generator.schemas.convert import (
    CONVERTER_VERSION,
    QUANTITY,
    compact,
    convert,
    digest,
    dump,
    inline,
    references,
    rooted,
    share,
)
from generator.schemas.sources import BuiltIn

META = {"meta.v1.ObjectMeta": {"type": "object", "properties": {"name": {"type": "string"}}}}


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def custom(node: dict[str, Any]) -> dict[str, Any]:
    return convert(node, structural=True)


def built_in(node: dict[str, Any]) -> dict[str, Any]:
    return convert(node, structural=False)


def test_an_object_with_members_is_closed() -> None:
    schema = custom({"type": "object", "properties": {"a": {"type": "string"}}})
    assert accepts(schema, {"a": "x"})
    assert not accepts(schema, {"a": "x", "b": 1})


def test_a_list_of_objects_is_closed() -> None:
    schema = built_in({"type": "array", "items": {"type": "object", "properties": {"a": {}}}})
    assert accepts(schema, [{"a": 1}])
    assert not accepts(schema, [{"b": 1}])


def test_preserved_unknown_fields_stay_open_at_their_level_only() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = custom({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"inner": inner}})
    assert accepts(schema, {"anything": 1, "inner": {"a": "x"}})
    assert not accepts(schema, {"inner": {"anything": 1}})


def test_a_bare_object_is_empty_in_a_crd_and_free_in_a_built_in_kind() -> None:
    assert accepts(custom({"type": "object"}), {})
    assert not accepts(custom({"type": "object"}), {"a": 1})
    assert accepts(built_in({"type": "object"}), {"a": 1})


def test_a_map_keeps_the_schema_of_its_values() -> None:
    schema = custom({"type": "object", "additionalProperties": {"type": "string"}})
    assert accepts(schema, {"any": "x"})
    assert not accepts(schema, {"any": 1})


def test_a_map_of_anything_is_open() -> None:
    assert accepts(custom({"type": "object", "additionalProperties": True}), {"any": [1]})


@pytest.mark.parametrize(
    "marked",
    [
        {"x-kubernetes-int-or-string": True},
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {
            "x-kubernetes-int-or-string": True,
            "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"minimum": 0}],
        },
        {"type": "string", "format": "int-or-string"},
    ],
)
def test_int_or_string_takes_both_and_no_fraction(marked: dict[str, Any]) -> None:
    schema = custom(marked)
    assert accepts(schema, 1)
    assert accepts(schema, "25%")
    assert not accepts(schema, 0.5)
    assert not accepts(schema, True)


def test_null_is_refused_unless_nullable() -> None:
    assert not accepts(custom({"type": "string"}), None)
    assert accepts(custom({"type": "string", "nullable": True}), None)
    pair = [{"type": "integer"}, {"type": "string"}]
    assert accepts(custom({"x-kubernetes-int-or-string": True, "nullable": True, "anyOf": pair}), None)


@pytest.mark.parametrize("good", ["1", "0.5", "100m", "10Gi", "1.5Ki", ".5", "1e3", "2E", "-1", 2, 0.5])
def test_a_quantity_is_accepted(good: object) -> None:
    assert accepts(QUANTITY, good)


@pytest.mark.parametrize("bad", ["10 Gi", "10GB", "10gi", "Gi", "1,5", "", "1e", "8K", None, True])
def test_a_wrong_quantity_is_refused(bad: object) -> None:
    assert not accepts(QUANTITY, bad)


def test_prose_defaults_formats_and_examples_go() -> None:
    noise = {"description": "d", "title": "t", "example": 1, "default": 2, "format": "int64"}
    assert custom({"type": "integer", **noise}) == {"type": "integer"}


def test_members_named_like_keywords_are_members() -> None:
    words = ("$ref", "properties", "default", "description", "required", "items", "enum", "not")
    schema = custom({"type": "object", "properties": {word: {"type": "string"} for word in words}})
    assert accepts(schema, dict.fromkeys(words, "x"))
    assert not accepts(schema, {"default": 1})
    assert list(references(schema)) == []


@pytest.mark.parametrize(
    ("keywords", "good", "bad"),
    [
        ({"type": "string", "enum": ["a"]}, "a", "b"),
        ({"type": "string", "pattern": "^a+$"}, "aa", "b"),
        ({"type": "string", "minLength": 1}, "a", ""),
        ({"type": "string", "maxLength": 1}, "a", "aa"),
        ({"type": "integer", "minimum": 0, "maximum": 3}, 0, -1),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1, 0),
        ({"type": "integer", "maximum": 3, "exclusiveMaximum": True}, 2, 3),
        ({"type": "integer", "format": "int32"}, 2**31 - 1, 2**31),
        ({"type": "integer", "format": "int32", "maximum": 3}, 3, 4),
        ({"type": "integer", "multipleOf": 2}, 4, 3),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, ["a"], []),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a"], ["a", "b"]),
        ({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, ["a"], ["a", "a"]),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            {"a": "b"},
            {},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1},
            {"a": "b"},
            {"a": "b", "c": "d"},
        ),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a"], ["a", "a"]),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"a": 1}, {}),
    ],
)
def test_a_constraint_is_kept(keywords: dict[str, Any], good: object, bad: object) -> None:
    assert accepts(custom(keywords), good)
    assert not accepts(custom(keywords), bad)


def test_a_required_member_with_a_default_may_be_missing_in_a_crd_only() -> None:
    node = {"type": "object", "properties": {"a": {"default": 1}, "b": {}}, "required": ["a", "b"]}
    assert accepts(custom(node), {"b": 1})
    assert not accepts(custom(node), {"a": 1})
    assert not accepts(built_in(node), {"b": 1})


def test_branches_narrow_without_closing() -> None:
    schema = custom(
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [
                {"properties": {"a": {"enum": ["x"]}}, "required": ["a"]},
                {"not": {"required": ["a"]}},
            ],
        }
    )
    assert accepts(schema, {"a": "x", "b": "y"})
    assert not accepts(schema, {"a": "z", "b": "y"})


def test_objects_inside_a_branch_stay_open_too() -> None:
    members = {name: {"type": "string"} for name in "xy"}
    inner = {"type": "object", "properties": members}
    branch = {"properties": {"a": {"properties": {"x": {"enum": ["1"]}}}}}
    schema = custom({"type": "object", "properties": {"a": inner}, "allOf": [branch]})
    assert accepts(schema, {"a": {"x": "1", "y": "2"}})
    assert not accepts(schema, {"a": {"x": "2", "y": "2"}})


@pytest.mark.parametrize(("default", "missing"), [({"default": "IP"}, True), ({}, False)])
def test_branches_told_apart_by_a_default_may_both_match(default: dict[str, str], *, missing: bool) -> None:
    ip = {"properties": {"type": {"enum": ["IP"]}}}
    other = {"properties": {"type": {"not": {"enum": ["IP"]}}}}
    members = {"type": {"type": "string", **default}}
    schema = custom({"type": "object", "properties": members, "oneOf": [ip, other]})
    assert accepts(schema, {"type": "IP"})
    assert accepts(schema, {}) is missing


def test_branches_that_differ_in_format_only_are_dropped() -> None:
    node = {"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}
    assert custom(node) == {"type": "string"}


def test_an_embedded_object_has_a_type_and_metadata() -> None:
    node = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {}}}
    schema = {**custom(node), "$defs": META}
    assert accepts(schema, {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": 1})
    assert not accepts(schema, {"spec": 1})


def test_the_keys_of_a_list_map_are_kept() -> None:
    node = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    assert custom(node)["x-kubernetes-list-map-keys"] == ["name"]


def whole(spec: dict[str, Any]) -> dict[str, Any]:
    body = custom({"type": "object", "properties": {"spec": spec, "status": {"type": "object"}}})
    return rooted(body, api_version="g/v1", kind="A", definitions=META)


@pytest.mark.parametrize(
    "change",
    [
        {"apiVersion": "g/v2"},
        {"kind": "B"},
        {"metadata": {}},
        {"metadata": None},
        {"extra": 1},
        {"spec": None},
    ],
)
def test_the_root_demands_the_exact_type_and_a_name(change: dict[str, Any]) -> None:
    schema = whole({"type": "object", "properties": {"a": {}}, "required": ["a"]})
    good = {"apiVersion": "g/v1", "kind": "A", "metadata": {"name": "n"}, "spec": {"a": 1}}
    assert accepts(schema, good)
    assert not accepts(schema, {key: value for key, value in {**good, **change}.items() if value is not None})


def test_a_spec_without_required_members_may_be_missing() -> None:
    schema = whole({"type": "object", "properties": {"a": {}}})
    assert accepts(schema, {"apiVersion": "g/v1", "kind": "A", "metadata": {"name": "n"}})


def test_equal_subtrees_are_shared_and_mean_the_same() -> None:
    part = {"type": "object", "properties": {n: {"type": "string", "maxLength": 63} for n in "abcdef"}}
    body = custom({"type": "object", "properties": {"x": part, "y": {"type": "array", "items": part}}})
    small, shared = share(body)
    assert list(shared) == ["x"]
    assert len(compact([small, shared])) < len(compact(body))
    assert inline(small, shared) == body


def test_a_part_of_a_shared_part_is_not_shared_again() -> None:
    deep = {"type": "object", "properties": {n: {"type": "string", "maxLength": 63} for n in "abcdef"}}
    part = {"type": "object", "properties": {"deep": deep}}
    _, shared = share(custom({"type": "object", "properties": {"x": part, "y": part}}))
    assert list(shared) == ["x"]


def test_the_order_of_the_source_does_not_matter() -> None:
    members = {"b": {"type": "string"}, "a": {"type": "integer"}}
    turned = dict(reversed(members.items()))
    one = custom({"type": "object", "properties": members, "required": ["a", "b"]})
    other = custom({"required": ["b", "a"], "properties": turned, "type": "object"})
    assert dump(one) == dump(other)


def test_a_file_says_that_it_is_generated_and_is_json() -> None:
    read = json.loads(dump({"type": "object", "properties": {"a": {}}, "$defs": {"b": {}}}))
    assert read["$comment"].startswith("generated by modelyard")
    assert read["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_digest_sees_names_and_contents() -> None:
    sums = {digest({"a": b"1"}), digest({"b": b"1"}), digest({"a": b"2"}), digest({"a": b"1", "b": b""})}
    assert len(sums) == 4
    assert CONVERTER_VERSION >= 1


GO_TEXT = """
func schema_k8sio_api_core_v1_Thing(ref common.ReferenceCallback) common.OpenAPIDefinition {
\t\t\t\t\t"policy": {
\t\t\t\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\t\t\t\tEnum:        []interface{}{"A", "B"},
\t\t\t\t\t"modes": {
\t\t\t\t\t\t\tItems: &spec.SchemaOrArray{
\t\t\t\t\t\t\t\t\t\tEnum:   []interface{}{"C"},
func schema_pkg_apis_other(ref common.ReferenceCallback) common.OpenAPIDefinition {
\t\t\t\t\t"ignored": {
\t\t\t\t\t\t\tEnum:        []interface{}{"D"},
"""
SWAGGER = {
    "definitions": {
        "io.k8s.api.core.v1.Thing": {
            "type": "object",
            "properties": {
                "policy": {"type": "string"},
                "modes": {"type": "array", "items": {"type": "string"}},
                "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
                "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
            },
            "x-kubernetes-group-version-kind": [{"group": "", "kind": "Thing", "version": "v1"}],
        },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": META["meta.v1.ObjectMeta"],
    }
}


def thing() -> dict[str, Any]:
    kind = BuiltIn("v1", "Thing")
    converted = kubernetes.definitions(SWAGGER, kubernetes.enums(GO_TEXT))
    return kubernetes.schema_of(kind, kubernetes.find_definition(SWAGGER, kind), converted)


@pytest.mark.parametrize(
    ("member", "good", "bad"),
    [("policy", "A", "D"), ("modes", ["C"], ["A"]), ("size", 0.5, "1GB")],
)
def test_a_built_in_kind_has_the_enums_of_the_go_text(member: str, good: object, bad: object) -> None:
    base = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "n"}}
    assert accepts(thing(), {**base, member: good})
    assert not accepts(thing(), {**base, member: bad})


def test_a_built_in_kind_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="v1 Other has 0 definitions"):
        kubernetes.find_definition(SWAGGER, BuiltIn("v1", "Other"))


def test_an_enum_of_an_unknown_member_is_an_error() -> None:
    with pytest.raises(KeyError):
        kubernetes.definitions(SWAGGER, [("api_core_v1_Thing", "gone", ["A"], False)])


def test_a_crd_version_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="a has no version v9"):
        crds.version_schema({"metadata": {"name": "a"}, "spec": {"versions": []}}, "v9")


def test_a_crd_file_may_hold_a_plain_equals_sign_and_other_kinds() -> None:
    text = "kind: CustomResourceDefinition\nenum: [=, '!=']\n---\nkind: Other\n---\n"
    assert crds.definitions_in(text) == [{"kind": "CustomResourceDefinition", "enum": ["=", "!="]}]


def test_what_the_api_server_reads_loses_prose_and_status_alone() -> None:
    rule = {"rule": "self > 0", "message": "positive"}
    kept = {"type": "integer", "format": "int32", "default": 1, "x-kubernetes-validations": [rule]}
    node = {**kept, "description": "prose", "example": 2}
    members = {"a": {"type": "array", "items": node}, "b": {"type": "object", "additionalProperties": node}}
    spec = {"type": "object", "properties": {"description": node, **members}}
    small, shared = crds.structural({"type": "object", "properties": {"spec": spec, "status": node}})
    whole = inline(small, shared)
    assert whole["properties"]["status"] == {"type": "object"}
    found = whole["properties"]["spec"]["properties"]
    assert (found["a"]["items"], found["b"]["additionalProperties"], found["description"]) == (kept, kept, kept)
