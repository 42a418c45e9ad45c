"""All schema files as one value: path to bytes, with the record of where each comes from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml

from generator.schemas import crds, kubernetes, summaries
from generator.schemas.convert import (
    COMMENT,
    CONVERTER_VERSION,
    Schema,
    digest,
    dump,
    dump_structural,
    with_reachable,
)
from generator.schemas.sources import (
    BUILT_INS,
    CONTROLLER_GEN,
    CRDS,
    GO_OPENAPI,
    KUBERNETES,
    SWAGGER,
    CrdSource,
    Module,
    built_in_path,
    custom_path,
    structural_path,
)

Files = dict[str, bytes]
# Gives the text of a file of a module; for generated CRDs the path starts with `MADE`.
Reader = Callable[[Module, str], str]

PROVENANCE = "schemas/PROVENANCE.yaml"
# Where a reader finds the CRDs that controller-gen makes.
MADE = "made/"


def everything(reader: Reader, derived: Iterable[dict[str, Any]]) -> Files:
    """Make every schema file from the modules that `reader` reads and the summaries of CRDs that none has."""
    files: Files = {}
    records: list[dict[str, Any]] = []
    oldest: Schema = {}
    newest: Schema = {}
    for minor, module in KUBERNETES.items():
        swagger = json.loads(reader(module, SWAGGER))
        made, newest = _built_ins(minor, module, swagger, reader)
        oldest = oldest or newest
        files |= made
        records.append(_kubernetes_record(minor, module, swagger, made))
    object_meta = _object_meta(newest)
    for source in CRDS:
        for made, record in _customs(source, reader, object_meta):
            files |= made
            records.append(record)
    for summary in derived:
        for made, record in _derived(summary, oldest, object_meta):
            files |= made
            records.append(record)
    files[PROVENANCE] = _provenance(records)
    return files


def _built_ins(minor: str, module: Module, swagger: dict[str, Any], reader: Reader) -> tuple[Files, Schema]:
    converted = kubernetes.definitions(swagger, kubernetes.enums(reader(module, GO_OPENAPI)))
    files: Files = {}
    for kind in BUILT_INS:
        if kind.since <= int(minor.split(".")[1]):
            name = kubernetes.find_definition(swagger, kind)
            files[built_in_path(minor, kind)] = dump(kubernetes.schema_of(kind, name, converted))
    return files, converted


def _object_meta(converted: Schema) -> Schema:
    name = "meta.v1.ObjectMeta"
    definitions: Schema = with_reachable({"$ref": f"#/$defs/{name}"}, converted)["$defs"]
    return definitions


def _customs(source: CrdSource, reader: Reader, object_meta: Schema) -> Iterator[tuple[Files, dict[str, Any]]]:
    for custom in source.customs:
        path = f"{MADE}{custom.file}" if source.generated else f"{source.folder}/{custom.file}"
        for crd in crds.definitions_in(reader(source.module, path)):
            group = crd["spec"]["group"]
            files: Files = {}
            for version in custom.versions:
                openapi = crds.version_schema(crd, version)
                files |= _custom_files(openapi, group, custom.kind, version, object_meta)
            yield files, _crd_record(source, path, crd, files)


def _custom_files(openapi: Schema, group: str, kind: str, version: str, object_meta: Schema) -> Files:
    path = custom_path(group, kind, version)
    api_version = f"{group}/{version}"
    schema = crds.schema_of(openapi, api_version=api_version, kind=kind, object_meta=object_meta)
    return {path: dump(schema), structural_path(path): dump_structural(*crds.structural(openapi))}


def _derived(summary: dict[str, Any], built_ins: Schema, object_meta: Schema) -> Iterator[tuple[Files, dict[str, Any]]]:
    for kind in summary["kinds"]:
        path = custom_path(summary["group"], kind["kind"], kind["version"])
        made = {
            path: dump(summaries.schema_of(summary["group"], kind, built_ins, object_meta)),
            structural_path(path): dump_structural(*summaries.structural_of(summary, kind, built_ins)),
        }
        yield (
            made,
            {
                "files": path.replace(".json", "*.json"),
                "group": summary["group"],
                "kind": kind["kind"],
                "versions": [{"name": kind["version"], **{flag: kind[flag] for flag in crds.FLAGS}}],
                "derived": True,
                "source": summary["source"],
                "podsFrom": str(next(iter(KUBERNETES.values()))),
                "notCovered": summary["notCovered"],
                "sha256": digest(made),
            },
        )


def _kubernetes_record(minor: str, module: Module, swagger: dict[str, Any], made: Files) -> dict[str, Any]:
    return {
        "files": f"schemas/kubernetes/{minor}/*.json",
        "derived": False,
        "module": str(module),
        "sum": module.sum,
        "paths": [SWAGGER, GO_OPENAPI],
        "kinds": kubernetes.kinds(swagger),
        "sha256": digest(made),
    }


def _crd_record(source: CrdSource, path: str, crd: dict[str, Any], made: Files) -> dict[str, Any]:
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    record: dict[str, Any] = {
        "files": f"schemas/crds/{group}/{kind.lower()}-*.json",
        "group": group,
        "kind": kind,
        "versions": crds.served(crd),
        "derived": False,
        "module": str(source.module),
        "sum": source.module.sum,
        "paths": [source.folder if source.generated else path],
        "sha256": digest(made),
    }
    return record | ({"generatedWith": str(CONTROLLER_GEN)} if source.generated else {})


def _provenance(records: list[dict[str, Any]]) -> bytes:
    whole = {"converter": CONVERTER_VERSION, "groups": records}
    return f"# {COMMENT}\n{yaml.safe_dump(whole, sort_keys=False, width=110, default_flow_style=None)}".encode()
