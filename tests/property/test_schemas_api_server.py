"""A second opinion on our schemas: objects of every custom kind, each changed at one place, judged twice.

kubeconform reads what our converter made of a CRD; crdcheck reads the CRD itself with the API server's own code. Where
they differ, the converter is wrong, unless the difference is one that we want. The objects are made from the CRDs with
every member that these have, and repaired until the API server takes them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from generator import schemas
from generator.schemas.convert import inline
from generator.tools import find
from generator.validate import cel, kubeconform

ROOT = schemas.ROOT
MINOR = schemas.versions()[-1]
DEPTH = 8
CHANGES_OF_A_KIND = 40
REMOVED = object()
# of each sort, and at each edge; also what YAML makes of text without quotes
VALUES: tuple[Any, ...] = ("text", "", 1, -1, 0, 1.5, 2**33, True, None, [], {}, ["a"], {"a": "b"}, "0s", "9" * 300)
WORDS = (
    *("a", "A", "1", "0s", "a.b", "/a", "/", "a/b", "http://a.b", "1.0.0", "a.example.com", "10.0.0.1", "200", "GET"),
    *("2024-01-01T00:00:00Z", "aGk=", "#000", "h2c", "Exact"),
)
# kinds that ask for one of many members, or whose parts are those of another kind
GIVEN: dict[str, Any] = {
    "SecretStore": {"provider": {"fake": {"data": [{"key": "a", "value": "b"}]}}},
    "ClusterSecretStore": {"provider": {"fake": {"data": [{"key": "a", "value": "b"}]}}},
    "DisaggregatedSet": {
        "roles": [
            {
                "name": name,
                "spec": {"leaderWorkerTemplate": {"workerTemplate": {"spec": {"containers": [{"name": "a"}]}}}},
            }
            for name in "ab"
        ]
    },
}
Place = tuple[str | int, ...]
Object = dict[str, Any]


def sample(node: dict[str, Any], depth: int = 0) -> Any:
    """Make a value of a schema with every member down to some depth."""
    if node.get("x-kubernetes-int-or-string"):
        return 1
    if "enum" in node:
        return node["enum"][0]
    makers: dict[str, Callable[[dict[str, Any]], Any]] = {
        "string": word,
        "integer": number,
        "number": lambda _: 1.5,
        "boolean": lambda _: True,
    }
    if node.get("type") in makers:
        return makers[node["type"]](node)
    if node.get("type") == "array":
        count = node.get("minItems", 1 if depth < DEPTH else 0)
        return [sample(node["items"], depth + 1) for _ in range(count)]
    if "properties" in node:
        wanted = node["properties"] if depth < DEPTH else node.get("required", [])
        return {name: sample(node["properties"][name], depth + 1) for name in wanted}
    values = node.get("additionalProperties")
    return {"k": sample(values, depth + 1)} if isinstance(values, dict) else {}


def word(node: dict[str, Any]) -> str:
    pattern = node.get("pattern", "")
    flags = re.IGNORECASE if "(?i)" in pattern else re.NOFLAG
    fitting = re.compile(pattern.replace("(?i)", "").replace(r"\z", "$"), flags)
    return next((text for text in WORDS if fitting.search(text)), "a" * max(1, node.get("minLength", 1)))


def number(node: dict[str, Any]) -> int:
    return int(min(max(node.get("minimum", 1), 1), node.get("maximum", 1)))


@cache
def samples() -> dict[str, Object]:
    """An object of every custom kind at every version, which the API server takes."""
    objects = dict(_raw())
    for _ in range(40):
        refused = judged(objects)
        if not refused:
            break
        for found in refused:
            # what requires a missing member goes with it
            missing = found.kind == "structure" and "equired" in found.message
            _forget(objects[found.key], found.path[:-1] if missing else found.path)
    assert judged(objects) == []
    return objects


def _raw() -> Iterator[tuple[str, Object]]:
    for path in sorted((ROOT / "schemas" / "crds").rglob("*.structural.json")):
        schema = json.loads(path.read_bytes())
        root = inline({key: value for key, value in schema.items() if key != "$comment"}, schema.get("$defs", {}))
        closed = json.loads(path.with_name(path.name.replace(".structural", "")).read_bytes())["properties"]
        kind = closed["kind"]["const"]
        made = {**sample(root), "apiVersion": closed["apiVersion"]["const"], "kind": kind, "metadata": {"name": "a"}}
        made.pop("status", None)
        yield path.name.split(".")[0], {**made, "spec": GIVEN.get(kind, made["spec"])}


def _forget(manifest: Object, path: Place) -> None:
    target: Any = manifest
    for step in path[:-1]:
        target = target[step] if _has(target, step) else None
    if _has(target, path[-1]):
        del target[path[-1]]


def _has(value: Any, step: str | int) -> bool:
    """Tell whether a place is still there: what was forgotten before may have held it."""
    return step < len(value) if isinstance(value, list) and isinstance(step, int) else step in (value or ())


def judged(objects: dict[str, Object]) -> list[cel.Verdict]:
    """What the API server's own code says of fields, values and repetitions; rules are no matter of schemas."""
    verdicts = cel.check(find("crdcheck"), ROOT, {key: (MINOR, item) for key, item in objects.items()})
    return [verdict for verdict in verdicts if verdict.kind not in ("rule", "unevaluated")]


def places(value: Any, path: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place of an object with its value."""
    yield path, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield from places(below, (*path, step))


def changes(value: Any) -> Iterator[tuple[str, Any]]:
    """What may stand in the place of a value, with a name for it."""
    for other in VALUES:
        if type(other) is not type(value) or other != value:
            yield repr(other)[:12], other
    yield "removed", REMOVED
    if isinstance(value, dict):
        yield "unknown member", {**value, "zzUnknown": 1}
    if isinstance(value, list) and value:
        yield "first entry twice", [*value, value[0]]


def changed(manifest: Object, path: Place, value: object) -> Object:
    copied: Object = json.loads(json.dumps(manifest))
    target: Any = copied
    for step in path[:-1]:
        target = target[step]
    if value is REMOVED:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return copied


@cache
def mutants() -> dict[tuple[str, Place, str], Object]:
    """Samples with one place changed, the same ones in every run."""
    chance = random.Random(20)
    found: dict[tuple[str, Place, str], Object] = {}
    for name, manifest in samples().items():
        inside = [(path, value) for path, value in places(manifest) if path[:1] == ("spec",)]
        possible = [(path, title, new) for path, value in inside for title, new in changes(value)]
        for path, title, new in chance.sample(possible, min(CHANGES_OF_A_KIND, len(possible))):
            found[name, path, title] = changed(manifest, path, new)
    return found


def is_wanted(path: Place, title: str) -> bool:
    """Tell whether we refuse on purpose what the API server takes.

    It drops a null where none may stand, and takes an object without a spec; neither is ever meant.
    """
    return title == "None" or (path, title) == (("spec",), "removed")


def _verdicts() -> tuple[set[str], set[str], dict[str, tuple[str, Place, str]]]:
    names = {f"{number:05}": key for number, key in enumerate(mutants())}
    objects = dict(zip(names, mutants().values(), strict=True))
    # entries with one key in a list that is merged by key: only crdcheck looks at those
    server = {found.key for found in judged(objects) if found.kind != "duplicate"}
    ours = {key for key, _, _, _ in kubeconform.check(find("kubeconform"), ROOT, MINOR, objects)}
    return server, ours, names


def test_samples_show_most_of_every_kind() -> None:
    sizes = {name: sum(1 for _ in places(manifest)) for name, manifest in samples().items()}
    assert min(sizes.values()) >= 6, sizes
    assert sum(sizes.values()) > 3000


def test_our_schemas_take_what_the_api_server_takes() -> None:
    assert kubeconform.check(find("kubeconform"), ROOT, MINOR, samples()) == []


def test_our_schemas_and_the_api_server_agree_on_every_change() -> None:
    server, ours, names = _verdicts()
    assert len(server & ours) > 500
    assert [names[key] for key in sorted(server - ours)] == []
    stricter = [names[key] for key in sorted(ours - server)]
    assert [key for key in stricter if not is_wanted(key[1], key[2])] == []


def test_no_structural_schema_is_left_out() -> None:
    files = {path.name.split(".")[0] for path in Path(ROOT / "schemas" / "crds").rglob("*.structural.json")}
    assert set(samples()) == files
