"""A large repository made from the real one: the same releases again and again, with room for all of them.

Each round copies releases under a new number, spread over a few times as many namespaces; quotas, pools and
racks grow with the rounds. Models, variants, values and everything else are the real ones.
"""

from __future__ import annotations

import itertools
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from generator.model.names import RELEASE_LIMIT

Tree = dict[str, Any]

# what a build reads beside environments/, hand-written or vendored
INPUTS = ("catalog", "schemas/crds", "schemas/kubernetes", "schemas/PROVENANCE.yaml", "requirements.lock")
HAND_WRITTEN = ("environment.yaml", "releases")
# namespaces for each real one; a ReferenceGrant admits 16, and staging has three
SPREAD = 5


def copy_inputs(source: Path, root: Path) -> None:
    """Copy what a build reads, without environments and without anything that it makes."""
    for name in INPUTS:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, place)
        else:
            shutil.copyfile(source / name, place)


def copy_environments(source: Path, root: Path) -> None:
    """Copy the hand-written part of every environment."""
    for folder in _environments(source):
        for name in HAND_WRITTEN:
            place = root / "environments" / folder.name / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if (folder / name).is_dir():
                shutil.copytree(folder / name, place)
            else:
                shutil.copyfile(folder / name, place)


def multiply(source: Path, root: Path, releases: int) -> None:
    """Write environments with so many releases, all environments together."""
    served = _served_names(source)
    rounds: dict[str, int] = {}
    for environment, number, file in itertools.islice(_copies(source), releases):
        rounds[environment.name] = number
        written = _numbered_release(_read(file), number, served)
        name = f"{file.stem[: RELEASE_LIMIT - 4].rstrip('-')}-{number:03}"
        _write(root / "environments" / environment.name / "releases" / f"{name}.yaml", written)
    for name, last in rounds.items():
        facts = _read(source / "environments" / name / "environment.yaml")
        _write(root / "environments" / name / "environment.yaml", _grown(facts, last))


def _environments(source: Path) -> list[Path]:
    return sorted(path.parent for path in (source / "environments").glob("*/environment.yaml"))


def _copies(source: Path) -> Iterator[tuple[Path, int, Path]]:
    for number in itertools.count(1):
        for environment in _environments(source):
            for file in sorted((environment / "releases").glob("*.yaml")):
                yield environment, number, file


def _served_names(source: Path) -> dict[str, str]:
    models = [_read(file) for file in (source / "catalog" / "models").glob("*.yaml")]
    return {model["name"]: model["servedName"] for model in models}


def _numbered_release(release: Tree, number: int, served: dict[str, str]) -> Tree:
    name = release.get("servedName", served[release["model"]])
    namespace = f"{release['namespace']}-{(number - 1) % SPREAD + 1}"
    return {**release, "namespace": namespace, "servedName": f"{name}-{number:03}"}


def _grown(environment: Tree, rounds: int) -> Tree:
    in_each = math.ceil(rounds / SPREAD)
    namespaces = {
        f"{name}-{number}": _times(namespace, in_each)
        for name, namespace in environment["namespaces"].items()
        for number in range(1, min(rounds, SPREAD) + 1)
    }
    pools = {name: _larger(pool, rounds) for name, pool in environment["pools"].items()}
    return {**environment, "namespaces": namespaces, "pools": pools}


def _times(namespace: Tree, times: int) -> Tree:
    return {**namespace, "quota": {name: _product(value, times) for name, value in namespace["quota"].items()}}


def _product(quantity: int | str, times: int) -> int | str:
    if isinstance(quantity, int):
        return quantity * times
    return re.sub(r"^\d+", lambda found: str(int(found[0]) * times), quantity)


def _larger(pool: Tree, times: int) -> Tree:
    grown = dict(pool)
    for key in ("nodes", "nvlinkDomains"):
        if key in pool:
            grown[key] = pool[key] * times
    return grown


def _read(file: Path) -> Tree:
    loaded: Tree = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    return loaded


def _write(file: Path, tree: Tree) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.dump(tree, Dumper=_Plain, sort_keys=False, allow_unicode=True), encoding="utf-8")


class _Plain(yaml.CSafeDumper):
    """Writes shared parts out: anchors are not read by modelyard."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
