"""Random objects through the writer and one real `helm template`, and through `expand`."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.render.parse import build
from generator.template.emit import template
from generator.template.expand import expand, holds
from tests.property.manifests import ABSENT, Maker

COUNT = 300
SEEDS = range(6)

Tree = dict[str, Any]


def rendered(helm: Path, folder: Path, files: dict[str, str], values: Tree) -> dict[str, Any]:
    """Render a throw-away chart; give the object of each template by name."""
    import yaml

    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.0.0\n")
    (folder / "values.json").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    for name, text in files.items():
        (folder / "templates" / name).write_text(text, encoding="utf-8")
    command = [str(helm), "template", "x", str(folder), "--values", str(folder / "values.json")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    found = {}
    for part in done.stdout.split("---\n# Source: c/templates/")[1:]:
        name, _, text = part.partition("\n")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        assert node is not None
        found[name] = build(node)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_helm_and_expand_make_of_a_random_object_what_was_meant(seed: int, helm: Path, tmp_path: Path) -> None:
    maker = Maker(random.Random(seed))
    objects = [maker.object(index) for index in range(COUNT)]
    values = {f"m{index}": found for index, (_, found, _, _) in enumerate(objects)}
    files = {f"o{index}.yaml": template(body, test) for index, (body, _, test, _) in enumerate(objects)}
    by_helm = rendered(helm, tmp_path / "c", files, values)
    for index, (body, _, test, want) in enumerate(objects):
        expected = want({})
        file = f"o{index}.yaml"
        found = by_helm.get(file, ABSENT)
        assert found == expected, f"{files[file]}\n{found}\n{expected}"
        assert holds(test, values, "team") is (expected is not ABSENT)
        if expected is not ABSENT:
            assert expand(body, values, "team").data == expected, files[file]


@given(st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_expand_makes_of_an_object_what_was_meant_and_knows_where_it_came_from(chance: random.Random) -> None:
    body, values, _, want = Maker(chance).object(0)
    expansion = expand(body, {"m0": values}, "team")
    if want({}) is not ABSENT:
        assert expansion.data == want({})
    for paths in expansion.origins.values():
        assert all(path[0] == "m0" for path in paths)
