"""Who reaches what."""

from __future__ import annotations

from typing import Any

import pytest

from generator.validate.security import check
from tests.support.scopes import GRAPH, PAIR, PLAIN, REMOVED, changed, scopes, texts, without

FILE = "deployment-server.yaml"
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
MATCH = ("spec", "rules", 0, "matches")
CASES: tuple[tuple[str, tuple[str | int, ...], Any, str], ...] = (
    (FILE, (*POD, "automountServiceAccountToken"), True, "the pod gets a token of the account llama-8b"),
    (FILE, (*POD, "hostNetwork"), True, "hostNetwork puts the pod beside"),
    (FILE, (*POD, "hostIPC"), True, "hostIPC puts the pod beside"),
    (FILE, (*POD, "enableServiceLinks"), REMOVED, "every Service of the namespace sets variables here"),
    (FILE, (*POD, "volumes", 0, "hostPath"), {"path": "/"}, "the volume models is a folder of the node"),
    (FILE, (*CONTAINER, "securityContext", "privileged"), True, "a privileged container is root on its node"),
    (FILE, (*CONTAINER, "securityContext"), REMOVED, "a process of the container may become root"),
    (FILE, (*CONTAINER, "image"), "example.com:5000/vllm", "the image example.com:5000/vllm has no tag"),
    (FILE, (*CONTAINER, "image"), "example.com/vllm:latest", "the tag latest moves"),
    (FILE, (*CONTAINER, "image"), "example.com/vllm:nightly", "the tag nightly moves"),
    ("service.yaml", ("spec", "type"), "NodePort", "a NodePort leads past the gateway"),
    ("service.yaml", ("spec", "type"), "LoadBalancer", "a LoadBalancer leads past the gateway"),
    ("httproute.yaml", (*MATCH, 0, "path", "value"), "/", "the path / is none that clients of a chat model need"),
    ("httproute.yaml", (*MATCH, 0, "path", "value"), "/v1", "the path /v1 is none"),
    ("httproute.yaml", (*MATCH, 0, "path", "value"), "/v1/models-of-others", "the path /v1/models-of-others is none"),
    ("httproute.yaml", (*MATCH, 0, "path", "type"), "RegularExpression", "the path /v1/chat/completions is none"),
    ("httproute.yaml", MATCH, REMOVED, "the path / is none"),
)


@pytest.mark.parametrize(("file", "path", "value", "message"), CASES)
def test_what_opens_more_than_needed_is_refused(
    file: str, path: tuple[str | int, ...], value: object, message: str
) -> None:
    messages = texts(check, changed(scopes()[PLAIN], file, path, value))
    assert any(text.startswith(message) for text in messages), messages


@pytest.mark.parametrize("path", ["/invocations", "/tokenize", "/metrics", "/sleep", "/health", "/collective_rpc"])
def test_no_real_route_leads_to_an_inner_path(path: str) -> None:
    for scope in scopes().values():
        for _, route in scope.of_kind("HTTPRoute"):
            values = [match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]]
            assert not any(path == value or path.startswith(f"{value}/") for value in values)


def test_a_path_below_an_api_path_is_allowed() -> None:
    path = (*MATCH, 0, "path", "value")
    assert not texts(check, changed(scopes()[PLAIN], "httproute.yaml", path, "/v1/models/llama"))


def test_an_image_by_digest_needs_no_tag() -> None:
    image = f"example.com/vllm@sha256:{'0' * 64}"
    assert not texts(check, changed(scopes()[PLAIN], FILE, (*CONTAINER, "image"), image))


def test_a_router_that_lists_pods_has_a_token_as_long_as_it_has_a_role() -> None:
    assert not texts(check, scopes()[PAIR])
    (message,) = texts(check, without(scopes()[PAIR], "rolebinding.yaml"))
    assert message.startswith("the pod gets a token of the account llama-70b-pd-router")


def test_the_accounts_of_a_graph_are_its_operators() -> None:
    assert not texts(check, scopes()[GRAPH])


def test_real_releases_pass() -> None:
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
