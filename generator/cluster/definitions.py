"""What a cluster gets from the makers of its controllers: definitions, kwok's stages, LeaderWorkerSet's webhooks.

All of it is read from Go modules at pinned versions, without prose (the API server parses it at every start), and
kept in `.tools/cluster/`; `python -m generator.cluster.definitions` does so ahead of time.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from generator.schemas.crds import definitions_in
from generator.schemas.modules import download, generate_crds, read
from generator.schemas.sources import CRDS, CrdSource, Module
from generator.sources.environment import Versions
from generator.tools.build import go_command
from generator.tools.installed import ROOT

Manifest = dict[str, Any]

KWOK = Module("sigs.k8s.io/kwok", "v0.8.0", "h1:OTIOTwgROqPMovcTwxICx2eYQ4AwLpSx5EpjbDKF4SQ=")
_STAGES = (
    "node/fast/node-initialize",
    "node/heartbeat-with-lease/node-heartbeat-with-lease",
    "pod/fast/pod-ready",
    "pod/fast/pod-complete",
    "pod/fast/pod-delete",
    "volume/fast/pv-bind",
    "volume/fast/pv-delete",
    "volume/fast/pvc-delete",
    "volume/fast/pvc-provision",
)
_WEBHOOKS = "config/webhook/manifests.yaml"
# controllers that watch more kinds than our schemas hold need all definitions of their folder
_WHOLE = ("keda", "http-addon", "lws")

# which fact of the environment asks for which modules
GROUPS: dict[str, tuple[str, ...]] = {
    "argocd": ("github.com/argoproj/argo-cd/v3",),
    "keda": ("github.com/kedacore/keda/v2",),
    "http-addon": ("github.com/kedacore/http-add-on",),
    "lws": ("sigs.k8s.io/lws",),
    "gateway": ("sigs.k8s.io/gateway-api", "sigs.k8s.io/gateway-api-inference-extension"),
    "prometheus-operator": ("github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring",),
    "external-secrets": ("github.com/external-secrets/external-secrets",),
    "compute-domains": ("sigs.k8s.io/dra-driver-nvidia-gpu",),
}


class Definitions(msgspec.Struct, frozen=True):
    """Definitions by group, stages, and the webhooks of LeaderWorkerSet."""

    crds: dict[str, list[Manifest]]
    stages: list[Manifest]
    webhooks: list[Manifest]


def groups(versions: Versions) -> list[str]:
    """List the groups that an environment needs, by the versions that it names."""
    wanted = {
        "argocd": versions.argocd,
        "keda": versions.keda,
        "http-addon": versions.keda_http,
        "lws": versions.lws,
        "gateway": versions.gateway_api,
        "prometheus-operator": versions.prometheus_operator,
        "external-secrets": versions.external_secrets,
        "compute-domains": versions.dynamo,
    }
    return [name for name, version in wanted.items() if version]


def load(say: Callable[[str], None]) -> Definitions:
    """Read the definitions, from the modules where that was not done before.

    Raises: ProblemsFound when a module cannot be downloaded or is another one.
    """
    file = ROOT / ".tools" / "cluster" / f"definitions-{_digest()}.json"
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Definitions)
    say("cluster: reading definitions from the modules of their makers")
    made = _read_all(str(go_command(ROOT, say)))
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(made))
    partial.rename(file)
    return made


def _digest() -> str:
    parts = [Path(__file__).read_bytes(), msgspec.json.encode([source.module for source in CRDS])]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _read_all(go: str) -> Definitions:
    by_path = {source.module.path: source for source in CRDS}
    crds = {
        group: [crd for path in paths for crd in _crds(go, by_path[path], whole=group in _WHOLE)]
        for group, paths in GROUPS.items()
    }
    archive = download(go, KWOK)
    texts = [read(archive, KWOK, f"kustomize/stage/{name}.yaml") for name in _STAGES]
    lws = by_path["sigs.k8s.io/lws"].module
    webhooks = yaml.safe_load_all(read(download(go, lws), lws, _WEBHOOKS))
    return Definitions(crds, [yaml.safe_load(text) for text in texts], [w for w in webhooks if w])


def _crds(go: str, source: CrdSource, *, whole: bool) -> list[Manifest]:
    archive = download(go, source.module)
    if source.generated:
        made = generate_crds(go, archive, source.module, source.folder)
        texts = [made[custom.file] for custom in source.customs]
    else:
        names = _in_folder(archive, source) if whole else [custom.file for custom in source.customs]
        texts = [read(archive, source.module, f"{source.folder}/{name}") for name in names]
    found = [_plain(crd) for text in texts for crd in definitions_in(text)]
    for crd in found:
        crd.pop("status", None)
    return found


def _in_folder(archive: Path, source: CrdSource) -> list[str]:
    start = f"{source.module}/{source.folder}/"
    with zipfile.ZipFile(archive) as files:
        inside = [name.removeprefix(start) for name in files.namelist() if name.startswith(start)]
    return sorted(name for name in inside if name.endswith(".yaml") and "/" not in name and "kustomiz" not in name)


def _plain(node: Any, *, named: bool = False) -> Any:
    """Drop descriptions; `named` tells that the keys here are names of fields, one of which may be that word."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value, named=key == "properties" and not named)
        for key, value in node.items()
        if named or key != "description"
    }


if __name__ == "__main__":
    load(print)
