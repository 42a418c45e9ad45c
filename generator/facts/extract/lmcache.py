"""Facts of an LMCache release, from its wheel: a library inside an engine, set by environment variables."""

from __future__ import annotations

import ast
from pathlib import Path

from generator.facts.extract import metrics
from generator.facts.extract.environment import read_in, with_more
from generator.facts.extract.literals import parsed, plain
from generator.facts.extract.package import wheel
from generator.facts.model import Facts, Provenance, Syntax, Variable

_PREFIX = "LMCACHE_"
# What `_metadata_to_labels` puts together for every metric. Source: LMCache 0.5.6 `observability.py`.
_READING = metrics.Reading(
    prefixes=("lmcache:",),
    labels={"labelnames": ("model_name", "worker_id", "role", "served_model_name")},
    factories=("_create_counter", "_create_histogram", "_create_gauge"),
)


def extract(version: str, work: Path) -> Facts:
    """Read the table of settings and the metrics from the source."""
    package = wheel("lmcache", version, work)
    folder = package.folder / "lmcache"
    return Facts(
        engine="lmcache",
        version=version,
        provenance=Provenance(
            sources=(package.source,),
            methods={
                "environment": "table from AST; further names from the source",
                "flags": "none: a library",
                "metrics": "AST; labels by hand",
            },
        ),
        syntax=Syntax(parser="none"),
        environment=with_more(_table(folder / "v1" / "config.py"), _further(folder)),
        open_prefixes=(_PREFIX,),  # some names are put together at run time
        metrics=tuple(metrics.read(folder, _READING)),
    )


def _further(folder: Path) -> set[str]:
    """List names in literals; one that ends with `_` is the start of others."""
    names = read_in(sorted(folder.rglob("*.py")), _PREFIX, quoted=True)
    return {name for name in names if not name.endswith("_")}


def _table(file: Path) -> list[Variable]:
    """Read `_CONFIG_DEFINITIONS`: each setting has a variable of its name in capitals."""
    for node in parsed(file).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_CONFIG_DEFINITIONS":
            table = node.value
            assert isinstance(table, ast.Dict)
            return [_variable(key, value) for key, value in zip(table.keys, table.values, strict=True)]
    raise LookupError(f"{file.name} holds no _CONFIG_DEFINITIONS: the package has moved it")


def _variable(key: ast.expr | None, value: ast.expr) -> Variable:
    assert isinstance(key, ast.Constant) and isinstance(value, ast.Dict)
    said = {plain(name): part for name, part in zip(value.keys, value.values, strict=True)}
    kind = ast.unparse(said["type"]) if "type" in said else ""
    return Variable(_PREFIX + str(key.value).upper(), kind, plain(said.get("default")))
