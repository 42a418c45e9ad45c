"""Names and labels, and what controllers derive of them."""

from __future__ import annotations

import copy

import pytest

from generator.validate.names import check
from tests.support.scopes import GRAPH, GROUP, PLAIN, ZERO, changed, scopes, texts, with_object

NAME = ("metadata", "name")


@pytest.mark.parametrize(
    ("file", "length", "most"),
    [("scaledobject-server.yaml", 55, 54), ("deployment-server.yaml", 64, 63), ("service.yaml", 64, 63)],
)
def test_a_name_longer_than_its_kind_may_have_is_refused(file: str, length: int, most: int) -> None:
    messages = texts(check, changed(scopes()[ZERO], file, NAME, "a" * length))
    assert f"has {length} characters; a " in messages[0] and messages[0].endswith(f"may have {most}")
    assert not texts(check, changed(scopes()[ZERO], file, NAME, "a" * most))


def test_the_autoscaler_that_keda_derives_counts() -> None:
    path = ("spec", "advanced", "horizontalPodAutoscalerConfig", "name")
    (message,) = texts(check, changed(scopes()[ZERO], "scaledobject-server.yaml", path, "h" * 64))
    assert "makes a HorizontalPodAutoscaler named" in message


def test_a_service_that_a_group_would_make_itself_is_refused() -> None:
    scope = changed(scopes()[GROUP], "leaderworkerset-server.yaml", NAME, "other")
    service = scope.objects["service.yaml"]["metadata"]["name"]
    assert not texts(check, scope)
    (message,) = texts(check, changed(scope, "leaderworkerset-server.yaml", NAME, service))
    assert message.startswith(f"the controller of LeaderWorkerSet/{service} makes a Service named {service}")


def test_a_service_that_a_graph_would_make_itself_is_refused() -> None:
    name = f"{scopes()[GRAPH].name}-decode"
    (message,) = texts(check, changed(scopes()[GRAPH], "service.yaml", NAME, name))
    assert f"makes a Service named {name}" in message


def test_two_objects_of_one_kind_and_name_are_refused() -> None:
    twin = copy.deepcopy(scopes()[PLAIN].objects["service.yaml"])
    (message,) = texts(check, with_object(scopes()[PLAIN], "service-2.yaml", twin))
    assert message == "a second Service is named llama-8b: service.yaml makes it too"


def test_a_label_longer_than_its_limit_is_refused() -> None:
    path = ("spec", "template", "metadata", "labels", "team")
    (message,) = texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, "t" * 64))
    assert message == "the label's value has 64 characters; Kubernetes takes 63"


def test_a_label_with_a_character_that_labels_lack_is_refused() -> None:
    path = ("metadata", "labels", "team")
    (message,) = texts(check, changed(scopes()[PLAIN], "service.yaml", path, "a b"))
    assert message == "'a b' cannot be the value of a label"


def test_a_name_that_is_none_is_refused() -> None:
    (message, *_) = texts(check, changed(scopes()[PLAIN], "service.yaml", NAME, "Llama_8b"))
    assert message == "'Llama_8b' cannot be a name"


POD = ("spec", "template")


@pytest.mark.parametrize(
    ("label", "words"), [({"a b": "x"}, "cannot be the key"), ({"pool": "b c"}, "cannot be the value")]
)
def test_a_node_label_that_no_node_can_have_is_refused(label: dict[str, str], words: str) -> None:
    path = (*POD, "spec", "nodeSelector")
    (message,) = texts(check, changed(scopes()[PLAIN], "deployment-server.yaml", path, label))
    assert words in message


@pytest.mark.parametrize("key", ["a b", "-a/b", "a/" + "b" * 64])
def test_an_annotation_of_pods_has_a_key_that_kubernetes_takes(key: str) -> None:
    path = (*POD, "metadata", "annotations")
    scope = scopes()[PLAIN]
    assert texts(check, changed(scope, "deployment-server.yaml", path, {key: "x"}))
    assert not texts(check, changed(scope, "deployment-server.yaml", path, {"example.com/a_b": "x"}))
