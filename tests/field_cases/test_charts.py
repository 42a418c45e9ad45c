"""Field cases HELM and ARGO-6: arguments byte for byte, one source of schema and template, one spelling of a size."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from generator.charts.build import Chart
from generator.render.batch import Job, render
from tests.support.scopes import GRAPH, PLAIN, charts, overridden

ODD = (
    "--speculative-config",
    '{"method":"eagle3","num_speculative_tokens":3}',
    "--override-generation-config",
    '{"top_p":0.95}',
    "--response-role",
    "{{x}}",
    "--tool-parser-plugin",
    "*star",
    "--middleware",
    "a: b # c 'd' \"e\" \\n",
)
SERVER = "deployment-server.yaml"
_READ = re.compile(r"\.Values((?:\.\w+)+)")
# one door for all charts: the facts of a cluster are passed whole, whatever a chart has use for
PASSED = ("global", "platform")
# Values of the common part that a chart takes and that change nothing in it. The simulator stands in for vLLM and takes
# the same values, without weights and without GPUs; a group of several pods is always rolled out in place.
WITHOUT_EFFECT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("simulator", ("model", "revision")),
    ("simulator", ("model", "trustRemoteCode")),
    *(("simulator", ("roles", "server", "parallelism", key)) for key in ("tensor", "pipeline", "data", "expert")),
)


def arguments(manifest: dict[str, Any]) -> list[str]:
    found: list[str] = manifest["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def test_helm_2_every_argument_arrives_byte_for_byte(helm: Path) -> None:
    scope = overridden(PLAIN, f"roles:\n  server:\n    extraArgs: {json.dumps(list(ODD))}")
    assert tuple(arguments(scope.objects[SERVER])[-len(ODD) :]) == ODD
    resolved = scope.resolved
    job = Job("x", resolved.chart, resolved.namespace, resolved.values, "1.37")
    place = resolved.context.release.document.locate(())
    done, problems = render(helm, {name: chart.files for name, chart in charts().items()}, [job], {"x": place})
    assert not problems
    assert arguments(done["x"].objects[SERVER]) == arguments(scope.objects[SERVER])
    words = arguments(done["x"].objects[SERVER])
    assert json.loads(words[words.index("--speculative-config") + 1]) == {
        "method": "eagle3",
        "num_speculative_tokens": 3,
    }


def allowed(chart: Chart) -> dict[tuple[str, ...], dict[str, Any]]:
    """The leaves of a chart's schema."""
    schema = json.loads(chart.files["values.schema.json"])

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return node

    def walk(node: dict[str, Any], path: tuple[str, ...], found: dict[tuple[str, ...], dict[str, Any]]) -> None:
        node = resolve(node)
        if "properties" not in node:
            found[path] = node
            return
        for key, child in node["properties"].items():
            walk(child, (*path, key), found)

    leaves: dict[tuple[str, ...], dict[str, Any]] = {}
    walk(schema, (), leaves)
    return leaves


def read(chart: Chart) -> set[tuple[str, ...]]:
    """The paths that a chart's templates read."""
    texts = [text for file, text in chart.files.items() if file.startswith("templates/")]
    return {tuple(hit[1][1:].split(".")) for text in texts for hit in _READ.finditer(text)}


@pytest.mark.parametrize("name", sorted(charts()))
def test_helm_3_schema_and_templates_know_the_same_paths(name: str) -> None:
    chart = charts()[name]
    leaves, paths = set(allowed(chart)), read(chart)
    unknown = [
        path for path in paths if not any(leaf[: len(path)] == path or path[: len(leaf)] == leaf for leaf in leaves)
    ]
    assert unknown == []
    unread = {leaf for leaf in leaves if not any(leaf[: len(path)] == path for path in paths)}
    engine = name.partition("-")[0]
    idle = {path for of, path in WITHOUT_EFFECT if of in (engine, name)}
    assert {leaf for leaf in unread if leaf[0] not in PASSED} == idle


@pytest.mark.parametrize(("key", "role"), [(PLAIN, "server"), (GRAPH, "decode")])
def test_argo_6_equal_sizes_are_rendered_alike(key: str, role: str) -> None:
    spellings = (("1500m", "65536Mi", "102400Mi"), ("1.5", "64Gi", "100Gi"))
    text = "roles:\n  {3}:\n    resources: {{cpu: '{0}', memory: {1}}}\ncache: {{size: {2}}}"
    one, other = (overridden(key, text.format(*spelling, role)) for spelling in spellings)
    assert one.objects == other.objects
