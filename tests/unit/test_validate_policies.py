"""What an environment allows, and exceptions that end."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from generator.errors import Problem, Severity
from generator.sources.environment import Licences, MaximumGpus, Policies, PolicyException, RequiredLabels
from generator.validate import digests, policies, revisions
from generator.validate.scope import EnvironmentScope
from tests.support.scopes import GRAPH, GROUP, PAIR, PLAIN, environment, facts_of, scopes

TODAY = date(2026, 11, 26)
LLAMA = "llama-8b"


def on(name: str, *releases: str, today: date | None = TODAY, **changes: Any) -> EnvironmentScope:
    """An environment with other policies, and some of its releases."""
    facts = facts_of(name, policies=Policies(**changes))
    scope = environment(name, *(scopes()[key] for key in releases), facts=facts)
    return msgspec.structs.replace(scope, today=today)


def exception(policy: Any, expires: str = "2026-12-31", release: str = LLAMA) -> PolicyException:
    return PolicyException(policy=policy, release=release, owner="assistants", expires=expires, reason="a trial")


def found(scope: EnvironmentScope) -> list[Problem]:
    return list(policies.check(scope))


def test_without_policies_everything_goes() -> None:
    assert found(on("staging")) == []


def test_a_licence_that_is_not_allowed_is_refused_at_the_model() -> None:
    (problem,) = found(on("staging", PLAIN, licences=Licences(allow=["apache-2.0"])))
    assert problem.message == (
        "the weights meta-llama/Llama-3.1-8B-Instruct have the licence llama3.1, which staging does not allow"
    )
    assert problem.location.file == "catalog/models/llama-3-1-8b-instruct.yaml"
    assert found(on("staging", PLAIN, licences=Licences(allow=["llama3.1"]))) == []


def test_what_loads_no_weights_needs_no_licence() -> None:
    assert found(on("dev", licences=Licences(allow=["none"]))) == []


def test_a_warning_is_one_for_all() -> None:
    (problem,) = found(on("staging", licences=Licences(level="warn", allow=["none"])))
    assert problem.severity is Severity.WARNING
    assert problem.message.endswith("and 18 more)") and problem.location.file.endswith("environment.yaml")
    assert found(on("staging", licences=Licences(level="off", allow=["none"]))) == []


@pytest.mark.parametrize(("key", "gpus"), [(PLAIN, 2), (GROUP, 8), (PAIR, 16), (GRAPH, 2)])
def test_a_release_is_weighed_at_its_largest(key: str, gpus: int) -> None:
    name = key.partition("/")[0]
    assert found(on(name, key, maximum_gpus=MaximumGpus(per_release=gpus))) == []
    (problem,) = found(on(name, key, maximum_gpus=MaximumGpus(per_release=gpus - 1)))
    assert f"may grow to {gpus} GPUs, and {name} allows {gpus - 1} a release" in problem.message


def test_pods_carry_the_labels_that_are_wanted() -> None:
    mine = RequiredLabels(labels=["app.kubernetes.io/instance"])
    assert found(on("staging", required_labels=mine)) == []
    (problem,) = found(on("staging", PLAIN, required_labels=RequiredLabels(labels=["cost-centre"])))
    assert problem.message == "pods of llama-8b lack the labels cost-centre, which staging wants"


@pytest.mark.parametrize(
    ("expires", "today", "holds"),
    [
        ("2026-11-26", TODAY, True),
        ("2026-11-25", TODAY, False),
        ("2026-11-25", None, True),
        ("2026-02-30", TODAY, False),
    ],
)
def test_an_exception_holds_until_its_last_day(expires: str, today: date | None, holds: bool) -> None:
    licences = Licences(allow=["none"])
    scope = on("staging", PLAIN, today=today, licences=licences, exceptions=[exception("licences", expires)])
    errors = [problem for problem in found(scope) if "have the licence" in problem.message]
    assert (not errors) is holds


def test_an_exception_that_ended_is_named_with_its_owner() -> None:
    licences = Licences(level="off", allow=["none"])
    (problem,) = found(on("staging", PLAIN, licences=licences, exceptions=[exception("licences", "2026-01-01")]))
    assert problem.message == "the exception of llama-8b from licences ended on 2026-01-01"
    assert "ask assistants for a new day" in problem.hint and problem.severity is Severity.WARNING


def test_a_day_that_is_none_is_refused() -> None:
    (problem,) = found(on("staging", PLAIN, exceptions=[exception("digests", "2026-13-01")]))
    assert problem.message == "2026-13-01 is no day of the calendar, so the exception never holds"


def test_an_exception_without_effect_is_reported() -> None:
    licences = Licences(allow=["llama3.1"])
    (problem,) = found(on("staging", PLAIN, licences=licences, exceptions=[exception("licences")]))
    assert problem.message == "llama-8b does not break licences: the exception has no effect"


def test_digests_and_revisions_know_exceptions_too() -> None:
    for check, policy in ((digests.check, "digests"), (revisions.check, "revisions")):
        denied: dict[str, Any] = {policy: "deny"}
        scope = on("staging", PLAIN, **denied)
        bare = in_scope_without_revision(scope)
        assert [p.check for p in check(bare)] == [policy]
        excused = msgspec.structs.replace(
            facts_of("staging"), policies=Policies(**denied, exceptions=[exception(policy)])
        )
        again = in_scope_without_revision(environment("staging", scopes()[PLAIN], facts=excused))
        assert list(check(again)) == []


def in_scope_without_revision(scope: EnvironmentScope) -> EnvironmentScope:
    """The same environment, its release without a revision of its weights."""
    (release,) = scope.releases
    values = {**release.resolved.values, "model": {**release.resolved.values["model"], "revision": ""}}
    resolved = msgspec.structs.replace(release.resolved, values=values)
    bare = msgspec.structs.replace(release, resolved=resolved)
    return msgspec.structs.replace(scope, releases=(bare,))
