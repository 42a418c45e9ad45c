"""What an API server would refuse in objects that fit their JSON Schema: rules, repeated keys, and its own reading."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator import schemas
from generator.errors import ProblemsFound
from generator.schemas.convert import inline
from generator.tools import find
from generator.validate import kubeconform
from generator.validate.cel import Verdict, beside, check
from tests.support.scopes import PLAIN, ROOT, changed, scopes

MINOR = schemas.versions()[-1]
Place = tuple[str | int, ...]


def an_object(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec}


def run(objects: Mapping[str, dict[str, Any]], minor: str = MINOR, root: Path = ROOT) -> list[Verdict]:
    return check(find("crdcheck"), root, {key: (minor, item) for key, item in objects.items()})


POD: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            "image": "registry.example/engine:1",
            "ports": [{"name": "http", "containerPort": 8000}],
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
        }
    ],
    "volumes": [{"name": "cache", "emptyDir": {}}],
}
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD}
GOOD: dict[str, dict[str, Any]] = {
    "deployment": an_object("apps/v1", "Deployment", {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}),
    "service": an_object("v1", "Service", {"ports": [{"name": "http", "port": 80}, {"name": "system", "port": 90}]}),
    "httproute": an_object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {
            "parentRefs": [{"name": "gateway", "namespace": "b", "sectionName": "https"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                    "backendRefs": [{"name": "a", "port": 80}],
                    "timeouts": {"request": "600s", "backendRequest": "600s"},
                }
            ],
        },
    ),
    "scaledobject": an_object(
        "keda.sh/v1alpha1",
        "ScaledObject",
        {
            "scaleTargetRef": {"name": "a"},
            "minReplicaCount": 0,
            "maxReplicaCount": 2,
            "triggers": [{"type": "prometheus", "metadata": {"threshold": "5"}}],
        },
    ),
    "interceptorroute": an_object(
        "http.keda.sh/v1beta1",
        "InterceptorRoute",
        {"target": {"service": "a", "port": 80}, "scalingMetric": {"concurrency": {"targetValue": 4}}},
    ),
    "inferencepool": an_object(
        "inference.networking.k8s.io/v1",
        "InferencePool",
        {
            "selector": {"matchLabels": {"app": "a"}},
            "targetPorts": [{"number": 8000}],
            "endpointPickerRef": {"name": "picker", "port": {"number": 9002}},
        },
    ),
    "gateway": an_object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        {"gatewayClassName": "a", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    ),
    "clusterqueue": an_object(
        "kueue.x-k8s.io/v1beta2",
        "ClusterQueue",
        {
            "cohortName": "a",
            "preemption": {"reclaimWithinCohort": "Any", "borrowWithinCohort": {"policy": "LowerPriority"}},
        },
    ),
    "podmonitor": an_object(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        {"selector": {"matchLabels": {"app": "a"}}, "podMetricsEndpoints": [{"port": "http"}]},
    ),
    "prometheusrule": an_object(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        {"groups": [{"name": "a", "rules": [{"record": "a:b", "expr": "1"}]}]},
    ),
    "leaderworkerset": an_object(
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        {"leaderWorkerTemplate": {"size": 2, "leaderTemplate": TEMPLATE, "workerTemplate": TEMPLATE}},
    ),
    "graph": an_object(
        "nvidia.com/v1beta1",
        "DynamoGraphDeployment",
        {"components": [{"name": "Frontend", "type": "frontend", "podTemplate": TEMPLATE}]},
    ),
    "externalsecret": an_object(
        "external-secrets.io/v1",
        "ExternalSecret",
        {"secretStoreRef": {"name": "a"}, "data": [{"secretKey": "a", "remoteRef": {"key": "b"}}]},
    ),
}
ROUTE = ("spec", "rules", 0)
CONTAINER = ("spec", "template", "spec", "containers", 0)
GROUP = ("spec", "leaderWorkerTemplate", "workerTemplate", "spec")
REPEATED_PORT = [{"name": "http", "containerPort": 8000}, {"name": "more", "containerPort": 8000, "protocol": "TCP"}]
# what is changed, the place, its new value; where it is found, and what the message holds
Rule = tuple[str, Place, object, Place, str]
RULES: tuple[Rule, ...] = (
    ("scaledobject", ("spec", "minReplicaCount"), 3, ("spec",), "minReplicaCount must be less than or equal to"),
    (
        "httproute",
        (*ROUTE, "filters"),
        [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}}],
        ROUTE,
        "RequestRedirect filter must not be used together with backendRefs",
    ),
    ("httproute", (*ROUTE, "backendRefs", 0), {"name": "a"}, (*ROUTE, "backendRefs", 0), "Must have port for Service"),
    (
        "httproute",
        (*ROUTE, "timeouts", "request"),
        "1s",
        (*ROUTE, "timeouts"),
        "backendRequest timeout cannot be longer than request timeout",
    ),
    (
        "httproute",
        (*ROUTE, "matches", 0, "path", "value"),
        "v1",
        (*ROUTE, "matches", 0, "path"),
        "value must be an absolute path",
    ),
    ("interceptorroute", ("spec", "target", "portName"), "http", ("spec", "target"), "port"),
    ("interceptorroute", ("spec", "scalingMetric"), {}, ("spec", "scalingMetric"), "concurrency"),
    (
        "inferencepool",
        ("spec", "endpointPickerRef", "port"),
        None,
        ("spec", "endpointPickerRef"),
        "port is required when kind is 'Service'",
    ),
    (
        "inferencepool",
        ("spec", "targetPorts"),
        [{"number": 8000}, {"number": 8000}],
        ("spec", "targetPorts"),
        "must be unique",
    ),
    ("gateway", ("spec", "listeners", 0, "tls"), {"mode": "Passthrough"}, ("spec", "listeners"), "tls"),
    (
        "clusterqueue",
        ("spec", "preemption", "reclaimWithinCohort"),
        "Never",
        ("spec", "preemption"),
        "reclaimWithinCohort=Never and borrowWithinCohort.Policy!=Never",
    ),
)
DUPLICATES: tuple[Rule, ...] = (
    (
        "deployment",
        (*CONTAINER, "ports"),
        REPEATED_PORT,
        (*CONTAINER, "ports", 1),
        "containerPort 8000, protocol TCP stands in the list twice: entry 0 has it too",
    ),
    (
        "deployment",
        ("spec", "template", "spec", "containers"),
        POD["containers"] * 2,
        ("spec", "template", "spec", "containers", 1),
        "name main",
    ),
    (
        "deployment",
        (*CONTAINER, "volumeMounts"),
        [{"name": "a", "mountPath": "/cache"}, {"name": "b", "mountPath": "/cache"}],
        (*CONTAINER, "volumeMounts", 1),
        "mountPath /cache",
    ),
    (
        "service",
        ("spec", "ports"),
        [{"name": "a", "port": 80}, {"name": "b", "port": 80}],
        ("spec", "ports", 1),
        "port 80, protocol TCP",
    ),
    (
        "leaderworkerset",
        (*GROUP, "volumes"),
        [{"name": "cache"}, {"name": "cache"}],
        (*GROUP, "volumes", 1),
        '{"name":"cache"}',
    ),
    (
        "graph",
        ("spec", "components", 0, "podTemplate", "spec", "volumes"),
        [{"name": "cache"}, {"name": "cache"}],
        ("spec", "components", 0, "podTemplate", "spec", "volumes", 1),
        '{"name":"cache"}',
    ),
    (
        "prometheusrule",
        ("spec", "groups"),
        [{"name": "a"}, {"name": "a"}],
        ("spec", "groups", 1),
        '{"name":"a"}',
    ),
)


def broken(name: str, place: Place, value: object) -> dict[str, Any]:
    """Copy a good object with one place changed; None removes it."""
    copied: dict[str, Any] = json.loads(json.dumps(GOOD[name]))
    target: Any = copied
    for part in place[:-1]:
        target = target[part]
    if value is None:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    return copied


@pytest.mark.parametrize("minor", schemas.versions())
def test_good_objects_pass_on_every_minor(minor: str) -> None:
    assert run(GOOD, minor) == []


@pytest.mark.parametrize("minor", schemas.versions())
def test_real_objects_pass_on_every_minor(minor: str) -> None:
    objects = {f"{key}/{file}": item for key, scope in scopes().items() for file, item in scope.objects.items()}
    assert run(objects, minor) == []


def test_good_objects_fit_their_json_schemas_too() -> None:
    """Otherwise a broken one below could be broken in another way."""
    assert kubeconform.check(find("kubeconform"), ROOT, MINOR, GOOD) == []


@pytest.mark.parametrize(("name", "place", "value", "where", "message"), RULES)
def test_a_broken_rule_is_found_at_its_place(
    name: str, place: Place, value: object, where: Place, message: str
) -> None:
    manifest = broken(name, place, value)
    verdicts = run({"a": manifest})
    assert [(found.kind, found.path) for found in verdicts] == [("rule", where)]
    assert message in verdicts[0].message
    assert verdicts[0].message.endswith(f"(a rule of {manifest['kind']} of {manifest['apiVersion']})")


@pytest.mark.parametrize(("name", "place", "value", "where", "message"), RULES)
def test_kubeconform_knows_no_rules(name: str, place: Place, value: object, where: Place, message: str) -> None:
    assert kubeconform.check(find("kubeconform"), ROOT, MINOR, {"a": broken(name, place, value)}) == []


@pytest.mark.parametrize(("name", "place", "value", "where", "message"), DUPLICATES)
def test_an_entry_that_stands_twice_is_found(
    name: str, place: Place, value: object, where: Place, message: str
) -> None:
    verdicts = run({"a": broken(name, place, value)})
    assert [(found.kind, found.path) for found in verdicts] == [("duplicate", where)]
    assert message in verdicts[0].message


def test_one_port_of_two_protocols_is_no_repetition() -> None:
    both = [{"containerPort": 8000}, {"containerPort": 8000, "protocol": "UDP"}]
    assert run({"a": broken("deployment", (*CONTAINER, "ports"), both)}) == []


def test_variables_set_twice_are_left_to_the_check_of_flags() -> None:
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert run({"a": broken("deployment", (*CONTAINER, "env"), twice)}) == []


def test_equal_objects_are_judged_once_and_each_is_told() -> None:
    bad = broken("scaledobject", ("spec", "minReplicaCount"), 3)
    twin = {**bad, "metadata": {"name": "b", "namespace": "c"}}
    assert [found.key for found in run({"a": bad, "b": twin})] == ["a", "b"]
    lines = [json.dumps({"key": key, "minor": MINOR, "object": item}) for key, item in {"a": bad, "b": twin}.items()]
    answer = json.loads(crdcheck("-schemas", "schemas", stdin="\n".join(lines)))
    assert (answer["read"], answer["distinct"], answer["evaluated"]) == (2, 1, 2)


def crdcheck(*arguments: str, stdin: str = "", root: Path = ROOT) -> str:
    command = [str(find("crdcheck")), *arguments]
    return subprocess.run(command, cwd=root, input=stdin, capture_output=True, text=True, check=True).stdout


def test_every_vendored_rule_can_be_evaluated_or_is_about_a_change_or_listed_in_words() -> None:
    listed = json.loads(crdcheck("-rules", "-schemas", "schemas"))
    assert {rule["state"] for rule in listed} == {"evaluated", "transition", "unwritten"}
    words = [rule for rule in listed if rule["state"] == "unwritten"]
    assert {rule["schema"].partition("/")[0] for rule in words} == {"grove.io", "nvidia.com"}
    rules = [rule for rule in listed if rule["state"] != "unwritten"]
    assert all("oldSelf" in rule["rule"] for rule in rules if rule["state"] == "transition")
    assert len(rules) == sum(rules_in(file) for file in (ROOT / "schemas" / "crds").rglob("*.structural.json")) > 100


def rules_in(file: Path) -> int:
    """Count the rules of a file, wherever they stand; a subtree that occurs twice stands in its file once."""
    whole = json.loads(file.read_bytes())
    schema = inline({key: value for key, value in whole.items() if key != "$comment"}, whole.get("$defs", {}))
    return _rules_below({key: value for key, value in schema.items() if key != "$defs"})


def _rules_below(node: Any) -> int:
    if isinstance(node, list):
        return sum(map(_rules_below, node))
    if not isinstance(node, dict):
        return 0
    return len(node.get("x-kubernetes-validations", ())) + sum(
        _rules_below(value) for key, value in node.items() if key != "x-kubernetes-validations"
    )


@pytest.fixture
def with_odd_rule(tmp_path: Path) -> Path:
    """Schemas of one kind, with a rule that this release of the library does not know."""
    folder = tmp_path / "schemas" / "crds" / "example.com"
    folder.mkdir(parents=True)
    spec = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "x-kubernetes-validations": [{"rule": "futureFunction(self.a)"}, {"rule": "self.a > 0", "message": "a is > 0"}],
    }
    whole = {"type": "object", "properties": {"spec": spec}}
    (folder / "odd-v1.structural.json").write_text(json.dumps(whole))
    return tmp_path


def test_a_rule_that_cannot_be_evaluated_is_listed_and_never_passed(with_odd_rule: Path) -> None:
    rules = json.loads(crdcheck("-rules", root=with_odd_rule))
    assert [(rule["path"], rule["state"]) for rule in rules] == [(".spec", "uncompilable"), (".spec", "evaluated")]
    assert "futureFunction" in rules[0]["error"]
    verdicts = run({"a": an_object("example.com/v1", "Odd", {"a": 0})}, root=with_odd_rule)
    assert [(found.kind, found.path) for found in verdicts] == [("rule", ("spec",)), ("unevaluated", ("spec",))]
    assert "raise the versions in tools/crdcheck/go.mod" in verdicts[1].found[3]


def test_a_rule_that_costs_too_much_is_refused_as_the_api_server_does(tmp_path: Path) -> None:
    folder = tmp_path / "schemas" / "crds" / "example.com"
    folder.mkdir(parents=True)
    rule = "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))"
    numbers = {"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": [{"rule": rule}]}
    spec = {"type": "object", "properties": {"numbers": numbers}}
    whole = {"type": "object", "properties": {"spec": spec}}
    (folder / "costly-v1.structural.json").write_text(json.dumps(whole))
    few = an_object("example.com/v1", "Costly", {"numbers": [1] * 10})
    many = an_object("example.com/v1", "Costly", {"numbers": [1] * 200})
    (verdict,) = run({"few": few, "many": many}, root=tmp_path)
    assert (verdict.key, verdict.kind) == ("many", "rule")
    assert "cost" in verdict.message


def test_a_kind_without_a_schema_is_never_passed() -> None:
    (verdict,) = run({"a": an_object("example.com/v1", "Nonsense", {})})
    assert (verdict.kind, verdict.path) == ("unread", ("kind",))
    assert verdict.message == "there is no schema of Nonsense of example.com/v1"


def test_an_unknown_minor_is_left_to_the_check_of_the_cluster() -> None:
    assert run(GOOD, "1.20") == []


def test_an_object_that_is_none_is_never_passed() -> None:
    assert [found.kind for found in run({"a": {"metadata": {"name": "a"}}})] == ["unread"]


def test_what_kubeconform_says_is_not_said_again() -> None:
    objects = {
        "a": broken("scaledobject", ("spec", "cooldown"), 3),
        "b": broken("scaledobject", ("spec", "minReplicaCount"), 3),
    }
    first = kubeconform.check(find("kubeconform"), ROOT, MINOR, objects)
    verdicts = run(objects)
    assert {found.kind for found in verdicts} == {"unknown", "rule"}
    assert [(key, path) for key, path, _, _ in beside(first, verdicts)] == [("b", ("spec",))]


def test_what_only_the_api_server_knows_is_said() -> None:
    verdicts = run({"a": broken("scaledobject", ("spec", "cooldown"), 3)})
    assert [found[1] for found in beside([], verdicts)] == [("spec", "cooldown")]


def test_a_secret_in_a_message_is_masked() -> None:
    token = "hf_" + "A1b2" * 9
    manifest = broken("deployment", (*CONTAINER, "volumeMounts"), [{"name": "a", "mountPath": f"/{token}"}] * 2)
    (verdict,) = run({"a": manifest})
    assert token not in verdict.message


def test_a_program_that_crashes_is_a_problem(tmp_path: Path) -> None:
    program = tmp_path / "crdcheck"
    program.write_text("#!/bin/sh\necho 'panic: no' >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(ProblemsFound) as caught:
        check(program, ROOT, {"a": (MINOR, GOOD["service"])})
    assert caught.value.problems[0].message == "`crdcheck -schemas schemas` ended with 2:\n  panic: no"


def test_a_program_that_reads_too_little_is_a_problem(tmp_path: Path) -> None:
    program = tmp_path / "crdcheck"
    program.write_text('#!/bin/sh\necho \'{"read": 0, "findings": []}\'\n')
    program.chmod(0o755)
    with pytest.raises(ProblemsFound) as caught:
        check(program, ROOT, {"a": (MINOR, GOOD["service"])})
    assert "it read 0 of 1 objects" in caught.value.problems[0].message


def test_a_real_release_is_followed_back_to_its_line() -> None:
    scope = changed(scopes()[PLAIN], "service.yaml", ("spec", "ports"), [{"port": 80}, {"port": 80}])
    verdicts = run({"a": scope.objects["service.yaml"]})
    assert [found.path for found in verdicts] == [("spec", "ports", 1)]
