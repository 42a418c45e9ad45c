"""Every chart by itself, as a person who never saw the catalog gets it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from generator import recipes, tools
from generator.charts.base import BASE_CHARTS, EXAMPLES
from generator.charts.build import Chart, minimal
from generator.dump import dump
from generator.model.axes import Engine, Recipe, Scaling, Stack, Topology
from generator.resolve.layers import find
from generator.template.expand import expand, holds
from generator.validate import cel, kubeconform
from generator.values.schema import fields
from generator.values.tree import merge
from tests.real.reads import reads
from tests.support.by_hand import Refused, template, write_chart

Tree = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
MINIMAL = {recipe.chart: minimal(recipe) for recipe in recipes.charts()} | EXAMPLES
TYPES: dict[str, type[msgspec.Struct]] = {
    **{recipe.chart: recipes.values_type(recipe) for recipe in recipes.charts()},
    **{chart.name: chart.type for chart in BASE_CHARTS},
}
NAMES = sorted(TYPES)

# Keys of a schema that no template of the chart reads, each with the reason why it may stand there anyway.
DOOR = "the door of the environment is one for all charts: a release changes its recipe without it"
SIMULATED = "a simulator takes the values of the release that it rehearses and has no weights to split or to pin"
UNREAD: tuple[tuple[str, str, str], ...] = (
    (".*", r"platform\..*", DOOR),
    ("simulator-.*", r"model\.(revision|trustRemoteCode)|roles\.\w+\.parallelism\.\w+", SIMULATED),
)


@pytest.fixture(scope="module")
def folder(charts: Mapping[str, Chart], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All charts on disk."""
    place = tmp_path_factory.mktemp("charts")
    for name, chart in charts.items():
        write_chart(chart.files, place / name)
    return place


def by_helm(helm: Path, folder: Path, name: str, values: Tree, tmp_path: Path) -> list[Tree]:
    file = tmp_path / "values.yaml"
    file.write_text(dump(values), encoding="utf-8")
    return template(helm, folder / name, file, namespace="team", minor="1.35")


def objects(chart: Chart, values: Tree) -> Iterator[Tree]:
    whole = merge(chart.defaults, values)
    for part in chart.skeleton:
        if holds(part.condition, whole, "team"):
            yield expand(part.manifest, whole, "team").data


def chart_of(engine: Engine, scaling: Scaling, topology: Topology, stack: Stack = Stack.KUBERNETES) -> str | None:
    recipe = Recipe(engine, stack, topology, scaling)
    return recipe.chart if recipes.refusal(recipe) is None else None


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def test_every_recipe_and_every_base_has_its_chart(charts: Mapping[str, Chart]) -> None:
    assert sorted(charts) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_clean_to_helms_linter(name: str, helm: Path, folder: Path) -> None:
    values = folder / name / "ci" / "minimal-values.yaml"
    command = [str(helm), "lint", "--strict", "--quiet", str(folder / name), "--values", str(values)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_five_values_install_a_chart_and_helm_makes_of_them_what_expand_does(
    name: str, helm: Path, folder: Path, charts: Mapping[str, Chart], tmp_path: Path
) -> None:
    found = by_helm(helm, folder, name, MINIMAL[name], tmp_path)
    assert found
    assert sorted(map(dump, found)) == sorted(map(dump, objects(charts[name], MINIMAL[name])))


def test_the_cluster_takes_what_five_values_make(charts: Mapping[str, Chart]) -> None:
    """By schema and CEL rule, for every chart; an empty name of a store, for one, was no name."""
    made = {
        f"{name}/{number}": ("1.35", manifest)
        for name in NAMES
        for number, manifest in enumerate(objects(charts[name], MINIMAL[name]))
    }
    manifests = {key: manifest for key, (_, manifest) in made.items()}
    assert kubeconform.check(tools.find("kubeconform"), ROOT, "1.35", manifests) == []
    assert cel.check(tools.find("crdcheck"), ROOT, made) == []


@pytest.mark.parametrize("name", NAMES)
def test_helm_refuses_an_unknown_key_and_a_wrong_type_by_the_schema(
    name: str, helm: Path, folder: Path, tmp_path: Path
) -> None:
    key = next(iter(MINIMAL[name]))
    wrong = {**MINIMAL[name], "naem": "x", key: 7}
    with pytest.raises(Refused) as found:
        by_helm(helm, folder, name, wrong, tmp_path)
    message = str(found.value)
    assert "additional properties 'naem' not allowed" in message
    assert f"at '/{key}': got number, want string" in message


@pytest.mark.parametrize("name", NAMES)
def test_templates_read_exactly_the_keys_of_the_schema(name: str, charts: Mapping[str, Chart]) -> None:
    known = {field.path for field in fields(TYPES[name]) if field.type_name != "section"}
    read = reads(charts[name])
    assert not read - known
    unread = {".".join(path) for path in known - read}
    assert not {path for path in unread if not excused(name, path)}


def excused(name: str, path: str) -> bool:
    return any(re.fullmatch(chart, name) and re.fullmatch(key, path) for chart, key, _ in UNREAD)


def test_every_key_of_the_door_is_read_by_some_chart(charts: Mapping[str, Chart]) -> None:
    known = {field.path for t in TYPES.values() for field in fields(t) if field.type_name != "section"}
    assert not {path for path in known if path[0] == "platform"} - {
        p for chart in charts.values() for p in reads(chart)
    }


def test_every_excuse_is_needed(charts: Mapping[str, Chart]) -> None:
    for chart, key, reason in UNREAD:
        assert any(
            re.fullmatch(chart, name) and re.fullmatch(key, ".".join(field.path)) and field.path not in reads(made)
            for name, made in charts.items()
            for field in fields(TYPES[name])
        ), reason


@pytest.mark.parametrize("name", NAMES)
def test_a_template_asks_nothing_that_differs_inside_a_batch(name: str, charts: Mapping[str, Chart]) -> None:
    for file, text in charts[name].files.items():
        if file.startswith("templates/"):
            assert not re.search(r"\.Release\.Name\b|\.Chart\.Name\b|\.Template\b|\.Capabilities\b|lookup", text), file


@pytest.mark.parametrize("name", NAMES)
def test_no_object_holds_the_name_or_the_version_of_its_chart(name: str, charts: Mapping[str, Chart]) -> None:
    for item in objects(charts[name], MINIMAL[name]):
        for text in strings(item):
            assert name not in text and charts[name].version not in re.split(r"[^\d.]", text), (item["kind"], text)


@pytest.mark.parametrize("topology", Topology, ids=lambda topology: topology.value)
@pytest.mark.parametrize("engine", Engine, ids=lambda engine: engine.value)
def test_a_workload_is_the_same_under_every_scaling_but_for_its_replicas(
    engine: Engine, topology: Topology, charts: Mapping[str, Chart]
) -> None:
    found = []
    for scaling in Scaling:
        name = chart_of(engine, scaling, topology)
        if name is not None:
            workloads = [item for item in objects(charts[name], MINIMAL[name]) if "template" in item.get("spec", {})]
            found.append(dump({"items": [without_replicas(item) for item in workloads]}))
    assert len(set(found)) <= 1


def without_replicas(item: Tree) -> Tree:
    return {**item, "spec": {key: value for key, value in item["spec"].items() if key != "replicas"}}


@pytest.mark.parametrize("name", sorted(recipe.chart for recipe in recipes.charts()))
def test_replicas_are_written_where_no_autoscaler_owns_them_and_nowhere_else(
    name: str, charts: Mapping[str, Chart]
) -> None:
    made = list(objects(charts[name], MINIMAL[name]))
    owned = [item["spec"]["scaleTargetRef"] for item in made if item["kind"] == "ScaledObject"]
    targets = {(target["kind"], target["name"]) for target in owned}
    for item in made:
        if item["kind"] in ("Deployment", "LeaderWorkerSet"):
            assert ("replicas" in item["spec"]) is ((item["kind"], item["metadata"]["name"]) not in targets)
    assert targets <= {(item["kind"], item["metadata"]["name"]) for item in made}
    assert bool(targets) is not name.endswith("-fixed")


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_lists_every_key_of_the_schema_and_every_kind(name: str, charts: Mapping[str, Chart]) -> None:
    readme = charts[name].files["README.md"]
    rows = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    assert rows == {".".join(field.path) for field in fields(TYPES[name]) if field.type_name != "section"}
    listed = readme.partition("## Objects\n")[2].partition("## ")[0]
    kinds = set(re.findall(r"^- (\w+)$", listed, flags=re.MULTILINE))
    assert kinds == {kind for _, kind in charts[name].kinds()}


@pytest.mark.parametrize("name", NAMES)
def test_the_values_of_the_readme_are_enough(name: str, charts: Mapping[str, Chart]) -> None:
    block = charts[name].files["README.md"].partition("```yaml\n")[2].partition("```")[0]
    assert yaml.safe_load(block) == MINIMAL[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_can_says_that_it_is_made(name: str, charts: Mapping[str, Chart]) -> None:
    for file, text in charts[name].files.items():
        if not file.endswith("NOTES.txt"):
            assert "do not edit" in "".join(text.splitlines(keepends=True)[:3]), file


def test_the_defaults_of_values_yaml_are_those_that_resolve_starts_from(charts: Mapping[str, Chart]) -> None:
    for name, chart in charts.items():
        read = yaml.load(chart.files["values.yaml"], Loader=yaml.CSafeLoader)
        for field in fields(TYPES[name]):
            if field.type_name != "section" and not field.required:
                assert find(read, field.path) == find(chart.defaults, field.path), (name, field.path)
