"""The stack dynamo: what its two charts render, and why every other point of it is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import recipes, schemas
from generator.charts.build import Chart, build, minimal
from generator.facts import check_arguments, check_environment, load
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology
from generator.objects.pod import EXIT_SECONDS
from generator.sources.check import Schema, violations
from generator.stacks import dynamo
from generator.template.expand import expand, holds
from generator.tools import find
from generator.values.schema import overlay_schema
from generator.values.tree import merge

NAMESPACE = "assistants"
TOPOLOGIES = (Topology.DISAGGREGATED, Topology.AGGREGATED)
STANDING = {
    "image": {"repository": "nvcr.io/nvidia/ai-dynamo/vllm-runtime", "tag": "1.6.1"},
    "security": {"runAsUser": 1000, "runAsGroup": 0, "fsGroup": 1000},
}
# everything on: each switch that makes an object or a flag appear
FULL: dict[str, Any] = {
    "model": {"revision": "c1899de289a04d12100db370d81485cdf75e47ca", "contextTokens": 4096, "trustRemoteCode": True},
    "monitoring": {"enabled": True, "labels": {"release": "monitoring"}},
    "route": {"enabled": True, "hostnames": ["qwen3.example.org"]},
    "engine": {"toolParser": "hermes", "reasoningParser": "qwen3", "chatTemplate": "/models/template.jinja"},
    "security": {"token": {"remoteKey": "hub/token"}},
    "platform": {
        "gateway": {"name": "public", "namespace": "gateway"},
        "secretStore": {"name": "vault"},
        "caBundle": "corporate",
        "hubEndpoint": "https://hub.example.org",
        "pullSecrets": ["registry"],
        "priorityClass": "model-serving",
        "tolerations": [{"key": "models", "operator": "Exists"}],
    },
}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def recipe(topology: Topology) -> Recipe:
    return Recipe(Engine.VLLM, Stack.DYNAMO, topology, Scaling.FIXED)


def full(topology: Topology) -> dict[str, Any]:
    role = {"tolerations": [TOLERATION], "rdma": {"resource": "rdma/ib"}}
    return merge(FULL, {"roles": dict.fromkeys(recipes.TOPOLOGIES[topology].ROLES, role)})


@pytest.fixture(scope="module", params=TOPOLOGIES, ids=lambda t: t.value)
def topology(request: pytest.FixtureRequest) -> Topology:
    found: Topology = request.param
    return found


@pytest.fixture(scope="module")
def chart(topology: Topology) -> Chart:
    return build(recipe(topology), STANDING, "1.6.1")


def rendered(chart: Chart, topology: Topology, more: dict[str, Any]) -> list[dict[str, Any]]:
    defaults = yaml.safe_load(chart.files["values.yaml"])
    values = merge(merge(defaults, minimal(recipe(topology))), more)
    return [
        expand(part.manifest, values, NAMESPACE).data
        for part in chart.skeleton
        if holds(part.condition, values, NAMESPACE)
    ]


@pytest.fixture(scope="module")
def objects(chart: Chart, topology: Topology) -> list[dict[str, Any]]:
    return rendered(chart, topology, full(topology))


def one(objects: list[dict[str, Any]], kind: str, name: str = "my-model") -> dict[str, Any]:
    return next(o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)


def components(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one(objects, "DynamoGraphDeployment")["spec"]["components"]
    return found


def workers(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [c for c in components(objects) if c["type"] != "frontend"]


def frontend(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return next(c for c in components(objects) if c["type"] == "frontend")


def main(component: dict[str, Any]) -> dict[str, Any]:
    (container,) = component["podTemplate"]["spec"]["containers"]
    assert container["name"] == "main"
    return dict(container)


def environment(component: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in main(component)["env"]}


def value_of(component: dict[str, Any], flag: str) -> str | None:
    args: list[str] = main(component)["args"]
    return args[args.index(flag) + 1] if flag in args else None


def test_every_flag_of_a_worker_is_known_to_the_facts_of_its_release(objects: list[dict[str, Any]]) -> None:
    facts = load("dynamo-vllm", "1.6.1")
    for worker in workers(objects):
        assert check_arguments(facts, main(worker)["args"]) == []


def test_every_flag_of_the_frontend_is_known_to_the_facts_of_its_release(objects: list[dict[str, Any]]) -> None:
    assert check_arguments(load("dynamo-frontend", "1.6.1"), main(frontend(objects))["args"]) == []


def test_every_variable_is_known_to_the_facts_of_its_release(objects: list[dict[str, Any]]) -> None:
    for component in components(objects):
        program = "dynamo-frontend" if component["type"] == "frontend" else "dynamo-vllm"
        facts = load(program, "1.6.1")
        assert check_environment(facts, environment(component)) == []
        for name in environment(component):
            if name.startswith("DYN_"):
                assert facts.variable(name), name


def test_the_engine_servers_own_flags_are_left_out(objects: list[dict[str, Any]]) -> None:
    for worker in workers(objects):
        assert not {"--port", "--shutdown-timeout", "--enable-auto-tool-choice"} & set(main(worker)["args"])


def test_parsers_are_said_in_dynamos_own_flags(objects: list[dict[str, Any]]) -> None:
    for worker in workers(objects):
        assert value_of(worker, "--dyn-tool-call-parser") == "hermes"
        assert value_of(worker, "--dyn-reasoning-parser") == "qwen3"
        assert value_of(worker, "--custom-jinja-template") == "/models/template.jinja"
        assert value_of(worker, "--tool-call-parser") is None


def test_a_parser_may_have_another_name_in_dynamo_than_in_the_engine(chart: Chart, topology: Topology) -> None:
    more = {
        "engine": {"toolParser": "openai", "reasoningParser": "openai_gptoss"},
        "stack": {"toolParser": "harmony", "reasoningParser": "gpt_oss"},
    }
    for worker in workers(rendered(chart, topology, more)):
        assert value_of(worker, "--dyn-tool-call-parser") == "harmony"
        assert value_of(worker, "--dyn-reasoning-parser") == "gpt_oss"
        assert value_of(worker, "--reasoning-parser") == "openai_gptoss"


def test_a_pair_says_its_halves_and_one_pool_says_nothing(objects: list[dict[str, Any]], topology: Topology) -> None:
    modes = {c["name"]: (c["type"], value_of(c, "--disaggregation-mode")) for c in workers(objects)}
    pair = topology is Topology.DISAGGREGATED
    halves = {"prefill": ("prefill", "prefill"), "decode": ("decode", "decode")}
    assert modes == (halves if pair else {"server": ("worker", None)})
    for worker in workers(objects):
        config = value_of(worker, "--kv-transfer-config")
        assert (config is not None) == pair
        assert config is None or json.loads(config)["kv_connector"] == "NixlConnector"


def test_every_flag_and_its_value_are_two_arguments(objects: list[dict[str, Any]]) -> None:
    for component in components(objects):
        assert main(component)["command"][:2] == ["python3", "-m"]
        assert not [arg for arg in main(component)["args"] if arg.startswith("--") and "=" in arg]


def test_the_system_port_of_probes_variable_and_container_agree(objects: list[dict[str, Any]]) -> None:
    for worker in workers(objects):
        container = main(worker)
        (port,) = [p["containerPort"] for p in container["ports"] if p["name"] == "system"]
        assert environment(worker)["DYN_SYSTEM_PORT"] == str(port)
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] == "system"


def test_startup_is_given_the_time_of_the_values(objects: list[dict[str, Any]]) -> None:
    for worker in workers(objects):
        probe = main(worker)["startupProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] == 3600


def test_the_frontend_is_ready_once_the_model_is(objects: list[dict[str, Any]]) -> None:
    assert main(frontend(objects))["readinessProbe"]["httpGet"]["path"] == "/v1/models/qwen3-0.6b/ready"


def test_waiting_draining_and_exit_are_shorter_than_the_grace_period(objects: list[dict[str, Any]]) -> None:
    assert dynamo.RUNTIME_EXIT_SECONDS < EXIT_SECONDS
    for component in components(objects):
        is_frontend = component["type"] == "frontend"
        own = environment(component)
        drain = own[
            "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS" if is_frontend else "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS"
        ]
        wait = main(component)["lifecycle"]["preStop"]["sleep"]["seconds"]
        inside = wait + int(drain) + int(own["DYN_RUNTIME_GRACEFUL_SHUTDOWN_TIMEOUT_SECS"])
        assert int(drain) == 300
        assert inside < component["podTemplate"]["spec"]["terminationGracePeriodSeconds"]


def test_every_pod_template_selects_an_architecture(objects: list[dict[str, Any]]) -> None:
    assert len(components(objects)) == len(workers(objects)) + 1
    for component in components(objects):
        assert component["podTemplate"]["spec"]["nodeSelector"]["kubernetes.io/arch"] in ("amd64", "arm64")


def test_workers_and_frontend_may_stand_on_different_architectures(chart: Chart, topology: Topology) -> None:
    arm = {name: {"architecture": "arm64"} for name in recipes.TOPOLOGIES[topology].ROLES}
    found = rendered(chart, topology, {"roles": arm})
    arch = {c["name"]: c["podTemplate"]["spec"]["nodeSelector"]["kubernetes.io/arch"] for c in components(found)}
    assert arch.pop("frontend") == "amd64"
    assert set(arch.values()) == {"arm64"}


def test_every_component_says_its_runtime_version(objects: list[dict[str, Any]]) -> None:
    assert {c["runtimeVersionOverride"] for c in components(objects)} == {"1.6.1"}


def test_an_image_by_digest_keeps_the_runtime_version(chart: Chart, topology: Topology) -> None:
    digest = f"sha256:{'a' * 64}"
    found = rendered(chart, topology, {"image": {"digest": digest}, "stack": {"version": "1.6.2"}})
    for worker in workers(found):
        assert main(worker)["image"].endswith(f"@{digest}")
        assert worker["runtimeVersionOverride"] == "1.6.2"


def test_shared_memory_comes_from_the_role_and_only_from_the_operator(chart: Chart, topology: Topology) -> None:
    for size, wanted in (("64Gi", "64Gi"), ("", "0")):
        roles = {name: {"sharedMemory": size} for name in recipes.TOPOLOGIES[topology].ROLES}
        for worker in workers(rendered(chart, topology, {"roles": roles})):
            assert worker["sharedMemorySize"] == wanted
            assert [mount["mountPath"] for mount in main(worker)["volumeMounts"]] == ["/models"]


def test_no_component_overrides_the_operators_account(objects: list[dict[str, Any]]) -> None:
    assert not [o for o in objects if o["kind"] == "ServiceAccount"]
    for component in components(objects):
        assert not {"serviceAccountName", "automountServiceAccountToken"} & set(component["podTemplate"]["spec"])


@pytest.mark.parametrize(
    ("rollout", "strategy", "surge", "unavailable"),
    [
        ("in-place", "RollingUpdate", "0", "1"),
        ("surge", "RollingUpdate", "1", "0"),
        ("recreate", "Recreate", None, None),
    ],
)
def test_the_rollout_is_said_to_the_operator(
    chart: Chart, topology: Topology, rollout: str, strategy: str, surge: str | None, unavailable: str | None
) -> None:
    for worker in workers(rendered(chart, topology, {"rollout": rollout})):
        said = worker["podTemplate"]["metadata"]["annotations"]
        assert said[dynamo.STRATEGY] == strategy
        assert (said.get(dynamo.MAX_SURGE), said.get(dynamo.MAX_UNAVAILABLE)) == (surge, unavailable)


def test_the_graph_runs_as_deployments_whatever_the_cluster_has(objects: list[dict[str, Any]]) -> None:
    assert one(objects, "DynamoGraphDeployment")["metadata"]["annotations"][dynamo.GROVE] == "false"


def test_annotations_are_texts(objects: list[dict[str, Any]]) -> None:
    for item in objects:
        assert all(isinstance(text, str) for text in item["metadata"].get("annotations", {}).values()), item["kind"]


def test_the_platforms_monitors_are_kept_off_where_ours_scrape(chart: Chart, topology: Topology) -> None:
    for enabled in (True, False):
        found = rendered(chart, topology, {"monitoring": {"enabled": enabled}})
        said = one(found, "DynamoGraphDeployment")["metadata"]["annotations"].get(dynamo.METRICS)
        monitors = [o for o in found if o["kind"] == "PodMonitor"]
        assert (said == "false") == enabled
        assert bool(monitors) == enabled


def test_each_pod_is_scraped_once_on_a_port_that_it_has(objects: list[dict[str, Any]]) -> None:
    monitors = [o["spec"] for o in objects if o["kind"] == "PodMonitor"]
    for component in components(objects):
        labels = component["podTemplate"]["metadata"]["labels"].items()
        hits = [m for m in monitors if m["selector"]["matchLabels"].items() <= labels]
        ports = [endpoint["port"] for m in hits for endpoint in m["podMetricsEndpoints"]]
        assert ports == [port["name"] for port in main(component)["ports"]]


def test_series_say_their_graph_and_their_kind(objects: list[dict[str, Any]]) -> None:
    for monitor in (o for o in objects if o["kind"] == "PodMonitor"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        said = {rule["targetLabel"]: rule.get("replacement") for rule in endpoint["relabelings"]}
        assert said["dynamo_graph_deployment"] == "my-model"
        assert said["dynamo_component_type"] in ("frontend", "worker", "prefill", "decode")


@pytest.mark.parametrize("kind", ["NetworkPolicy", "PodDisruptionBudget"])
def test_each_component_is_selected_by_exactly_one(objects: list[dict[str, Any]], kind: str) -> None:
    word = "podSelector" if kind == "NetworkPolicy" else "selector"
    selectors = [o["spec"][word]["matchLabels"].items() for o in objects if o["kind"] == kind]
    for component in components(objects):
        labels = component["podTemplate"]["metadata"]["labels"].items()
        assert len([s for s in selectors if s <= labels]) == 1


def test_the_route_leads_to_the_operators_service_of_the_frontend(objects: list[dict[str, Any]]) -> None:
    (rule,) = one(objects, "HTTPRoute")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "my-model-frontend", "port": 8000}]


def test_our_own_service_is_none_that_the_operator_makes(objects: list[dict[str, Any]]) -> None:
    theirs = {f"my-model-{component['name'].lower()}" for component in components(objects)}
    (service,) = [o for o in objects if o["kind"] == "Service"]
    assert service["metadata"]["name"] == "my-model"
    assert service["metadata"]["name"] not in theirs
    assert service["spec"]["selector"].items() <= frontend(objects)["podTemplate"]["metadata"]["labels"].items()


def test_only_the_frontend_admits_the_gateway(objects: list[dict[str, Any]]) -> None:
    policies = {
        o["metadata"]["name"]: json.dumps(o["spec"]["ingress"]) for o in objects if o["kind"] == "NetworkPolicy"
    }
    assert [name for name, rules in policies.items() if '"gateway"' in rules] == ["my-model-frontend"]


def test_the_frontend_reads_the_models_folder_where_one_is_named(chart: Chart, topology: Topology) -> None:
    for more, wanted in (
        ({}, "emptyDir"),
        ({"model": {"path": "/models/qwen3"}}, "persistentVolumeClaim"),
        ({"model": {"path": "/models/qwen3"}, "cache": {"kind": "ephemeral"}}, "emptyDir"),
        ({"model": {"path": "/models/qwen3"}, "cache": {"kind": "image", "image": "registry/weights:1"}}, "image"),
    ):
        (volume,) = frontend(rendered(chart, topology, more))["podTemplate"]["spec"]["volumes"]
        assert wanted in volume, more


def test_the_token_reaches_frontend_and_workers(objects: list[dict[str, Any]]) -> None:
    for component in components(objects):
        (token,) = [item for item in main(component)["env"] if item["name"] == "HF_TOKEN"]
        assert token["valueFrom"]["secretKeyRef"]["name"] == "my-model-token"


def test_a_key_that_nobody_would_check_cannot_be_set(topology: Topology) -> None:
    overlay = Schema(overlay_schema(recipes.values_type(recipe(topology))))
    assert violations(overlay, {"security": {"apiKey": {"secret": "keys"}}})
    assert not violations(overlay, {"security": {"token": {"secret": "hub"}}})


def test_the_scale_target_is_the_adapter_that_the_operator_makes(topology: Topology) -> None:
    plan = recipes.plan(recipe(topology))
    target = dynamo.scale_target(plan, plan.roles[0].name)
    assert (target.api, target.kind) == ("nvidia.com/v1beta1", "DynamoGraphDeploymentScalingAdapter")


def test_only_two_points_of_the_stack_become_charts() -> None:
    charts = [found.chart for found in recipes.charts() if found.stack is Stack.DYNAMO]
    assert sorted(charts) == ["dynamo-vllm-aggregated-fixed", "dynamo-vllm-disaggregated-fixed"]


def test_every_refusal_says_one_sentence_and_its_source() -> None:
    for refusal in dynamo.REFUSALS:
        assert refusal.stack is Stack.DYNAMO
        assert refusal.reason
        assert not refusal.reason.endswith(".")
        assert ". " not in refusal.reason.replace("Dynamo 1.6.1", "")
        assert refusal.source


@pytest.fixture(scope="module")
def folder(chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("charts") / chart.name
    for name, text in chart.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def helm(*arguments: str) -> str:
    done = subprocess.run([str(find("helm")), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_helm_lints_the_chart_strictly(folder: Path) -> None:
    helm("lint", "--strict", "--values", str(folder / "ci/minimal-values.yaml"), str(folder))


def test_helm_renders_what_the_expansion_in_python_gives(
    folder: Path, chart: Chart, topology: Topology, tmp_path: Path
) -> None:
    for more in ({}, full(topology)):
        values = tmp_path / "values.yaml"
        values.write_text(yaml.safe_dump(merge(minimal(recipe(topology)), more)))
        text = helm("template", "x", str(folder), "--namespace", NAMESPACE, "--values", str(values))

        def key(item: dict[str, Any]) -> tuple[str, str]:
            return item["kind"], item["metadata"]["name"]

        theirs = sorted((item for item in yaml.safe_load_all(text) if item), key=key)
        assert theirs == sorted(rendered(chart, topology, more), key=key)


def test_kubeconform_accepts_every_object(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    locations = [word for place in schemas.locations("1.37") for word in ("-schema-location", place)]
    done = subprocess.run(
        [str(find("kubeconform")), "-strict", "-summary", *locations, str(file)],
        cwd=schemas.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped: 0" in done.stdout
