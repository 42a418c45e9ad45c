"""Writes options.json from Argo CD's own source: run by hand when its version changes.

    python -m generator.argocd.extract

It needs Go on PATH and a module proxy, and accepts only the bytes that tools/argocd/go.sum names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MODULE = "github.com/argoproj/argo-cd/v3"
ENGINE = "github.com/argoproj/argo-cd/gitops-engine/v3"
VERSION = "v3.6.1"
HERE = Path(__file__).parent
SUMS = HERE.parents[1] / "tools" / "argocd" / "go.sum"

_CONSTANT = re.compile(r'^\s*(?:const )?(\w+)(?:\s+[\w.]+)?\s*=\s*"([^"]*)"', re.MULTILINE)
_HAS_OPTION = re.compile(r"SyncOptions\.HasOption\(([^)]+)\)")
_OPTION_VALUE = re.compile(r"SyncOptions\.GetOptionValue\(([^)]+)\)")
_HAS_ON_OBJECT = re.compile(r"HasAnnotationOption\(([^,]+), [\w.]*?(Annotation\w+), ([^)]+)\)")
_VALUE_ON_OBJECT = re.compile(r"GetAnnotationOptionValue\([^,]+, [\w.]*AnnotationSyncOptions, ([^)]+)\)")
_HEALTH_CASE = re.compile(r'case "([^"]*)":(.*?)(?=\n\tcase |\n\t\}\n)', re.DOTALL)
_KIND = re.compile(r'(?:kube\.(\w+)Kind|gvk\.Kind == "(\w+)")')
_ANNOTATION = re.compile(r"(?:link\.)?argocd\.argoproj\.io/[\w-]*")

Source = dict[str, str]


def extract(argocd: Source, engine: Source) -> dict[str, Any]:
    """Read what can be written in manifests from the files of both modules, by path inside the module."""
    code = "\n".join(text for _, text in _go(argocd, engine))
    constants = dict(_CONSTANT.findall(code))
    return {
        "source": {"modules": [MODULE, ENGINE], "version": VERSION},
        "syncOptions": _sync_options(code, constants),
        "compareOptions": _compare_options(code),
        "annotations": _annotations(constants),
        "hooks": _values(constants, r"(HookType\w+|\w+HookType)"),
        "hookDeletePolicies": _values(constants, r"HookDeletePolicy\w+"),
        "finalizers": _values(constants, r"\w*Finalizer(sName|Name)?", holding=".argocd.argoproj.io"),
        "healthStatuses": _values(constants, r"HealthStatus\w+"),
        "healthChecks": {"go": _go_checks(engine), "lua": _lua_checks(argocd)},
        "fields": {
            kind: _spec_fields(argocd[f"manifests/crds/{kind.lower()}-crd.yaml"])
            for kind in ("Application", "AppProject")
        },
    }


def _go(*modules: Source) -> Iterator[tuple[str, str]]:
    for module in modules:
        for path, text in sorted(module.items()):
            if path.endswith(".go") and not path.endswith("_test.go"):
                yield path, text


def _sync_options(code: str, constants: dict[str, str]) -> dict[str, list[str]]:
    values = (constants["SyncValueConfirm"], constants["SyncValueFalse"])

    def options(written: list[str], keys: list[str]) -> list[str]:
        whole = {_resolve(name, constants) for name in written}
        by_key = {f"{_resolve(key, constants)}={value}" for key in keys for value in values}
        return sorted(whole | by_key)

    on_objects = [option for _, key, option in _HAS_ON_OBJECT.findall(code) if key == "AnnotationSyncOptions"]
    return {
        "application": options(_HAS_OPTION.findall(code), _OPTION_VALUE.findall(code)),
        "resource": options(on_objects, _VALUE_ON_OBJECT.findall(code)),
    }


def _compare_options(code: str) -> dict[str, list[str]]:
    places: dict[str, set[str]] = {"application": set(), "resource": set()}
    for holder, key, option in _HAS_ON_OBJECT.findall(code):
        if key == "AnnotationCompareOptions":
            # the code names an Application `app` or `a`, any other object `obj`
            places["resource" if holder == "obj" else "application"].add(option.strip('"'))
    return {place: sorted(options) for place, options in places.items()}


def _resolve(name: str, constants: dict[str, str]) -> str:
    return name.strip('"') if name.startswith('"') else constants[name.rpartition(".")[2]]


def _annotations(constants: dict[str, str]) -> list[str]:
    return sorted({value for name, value in constants.items() if "Annotation" in name and _ANNOTATION.fullmatch(value)})


def _values(constants: dict[str, str], names: str, *, holding: str = "") -> list[str]:
    pattern = re.compile(names)
    return sorted({value for name, value in constants.items() if pattern.fullmatch(name) and holding in value})


def _go_checks(engine: Source) -> list[list[str]]:
    body = engine["pkg/health/health.go"].partition("func GetHealthCheckFunc(")[2]
    return sorted(
        [group, known or other] for group, kinds in _HEALTH_CASE.findall(body) for known, other in _KIND.findall(kinds)
    )


def _lua_checks(argocd: Source) -> list[list[str]]:
    # a path part `_` stands for `*` in a group or kind
    parts = [path.split("/") for path in argocd if re.match(r"resource_customizations/.*/health\.lua$", path)]
    return sorted([group.replace("_", "*"), kind.replace("_", "*")] for _, group, kind, _ in parts)


def _spec_fields(crd: str) -> Any:
    schema = yaml.load(crd, Loader=yaml.CSafeLoader)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return _fields(schema["properties"]["spec"])


def _fields(schema: dict[str, Any]) -> Any:
    """Give the names below a field as a tree; None where anything may follow or nothing does."""
    if "properties" in schema:
        return {name: _fields(child) for name, child in sorted(schema["properties"].items())}
    if "items" in schema:
        return _fields(schema["items"])
    return None


def download(module: str, folder: Path) -> Source:
    """Fetch a module through Go and read the text of its files.

    Raises: SystemExit when Go cannot fetch it, or its sum is not the one in go.sum.
    """
    command = ["go", "mod", "download", "-json", f"{module}@{VERSION}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout or "{}")
    # an older Go reports that it could not build the module; the archive is there all the same
    if "Zip" not in told:
        sys.exit(f"{' '.join(command)}: {told.get('Error') or done.stderr.strip()}")
    if f"{module} {VERSION} {told['Sum']}" not in SUMS.read_text(encoding="utf-8").splitlines():
        sys.exit(f"{module} {VERSION}: {told['Sum']} is not the sum in {SUMS.name}")
    return _unpack(Path(told["Zip"]), f"{module}@{VERSION}/")


def _unpack(archive: Path, prefix: str) -> Source:
    with zipfile.ZipFile(archive) as files:
        names = [name for name in files.namelist() if name.endswith((".go", ".lua", "-crd.yaml"))]
        return {name.removeprefix(prefix): files.read(name).decode() for name in names}


def main() -> None:
    """Write options.json anew."""
    with tempfile.TemporaryDirectory() as folder:
        found = extract(*(download(module, Path(folder)) for module in (MODULE, ENGINE)))
    text = json.dumps(found, indent=1, sort_keys=True) + "\n"
    (HERE / "options.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
