"""No secret in what is rendered."""

from __future__ import annotations

import pytest

from generator.validate.secrets import check
from tests.support.scopes import PLAIN, changed, found, overridden, scopes, texts, with_object

FILE = "deployment-server.yaml"
CONTAINER = ("spec", "template", "spec", "containers", 0)
TOKEN = "hf_" + "a1B2" * 6
DISORDER = "q7Rz" * 3 + "Xk9Wm2Lp4Tn8Vb6Yc1"


def env(value: str, name: str) -> list[str]:
    path = (*CONTAINER, "env", 0)
    return texts(check, changed(scopes()[PLAIN], FILE, path, {"name": name, "value": value}))


@pytest.mark.parametrize(("name", "value"), [("ANY", TOKEN), ("API_KEY", DISORDER), ("DB_PASSWORD", DISORDER)])
def test_a_variable_that_holds_a_key_is_refused_and_not_shown(name: str, value: str) -> None:
    (message,) = env(value, name)
    assert message == "the value looks like a secret"


def test_a_disorder_under_a_name_that_tells_nothing_is_no_secret() -> None:
    assert not env(DISORDER, "CHECKSUM")


@pytest.mark.parametrize("more", [["--api-key", DISORDER], [f"--api-key={DISORDER}"], ["--seed", TOKEN]])
def test_an_argument_that_holds_a_key_is_refused(more: list[str]) -> None:
    args = scopes()[PLAIN].objects[FILE]["spec"]["template"]["spec"]["containers"][0]["args"]
    scope = changed(scopes()[PLAIN], FILE, (*CONTAINER, "args"), [*args, *more])
    (problem,) = found(check, scope)
    assert DISORDER not in problem.text() and TOKEN not in problem.text()


def test_a_secret_with_its_content_is_refused() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"token": "x"}}
    assert texts(check, with_object(scopes()[PLAIN], "secret.yaml", secret)) == [
        "a Secret would stand in Git with its content"
    ]


def test_a_key_that_was_pasted_into_a_value_is_found_at_its_line() -> None:
    values = f"roles:\n  server:\n    podAnnotations:\n      example.com/note: {TOKEN}"
    scope = overridden(PLAIN, values)
    (problem,) = found(check, scope)
    place = scope.resolved.context.release.document.locate(
        ("values", "roles", "server", "podAnnotations", "example.com/note")
    )
    assert problem.location == place


def test_real_releases_hold_none() -> None:
    assert not [(key, text) for key, scope in scopes().items() for text in texts(check, scope)]
