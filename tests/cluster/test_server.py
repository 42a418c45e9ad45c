"""Server truth: the real API server takes every object that is rendered, with its strictest reading."""

from __future__ import annotations

import copy
import time

import pytest
import yaml

from generator.cluster.client import Refused
from tests.cluster import proof
from tests.cluster.conftest import ROOT, STAGES, Cluster
from tests.cluster.rendered import File, golden

SECTION = "The API server takes every object"
DERIVED_GROUP = "nvidia.com/"
GOLDEN = golden(ROOT)
# the environment whose cluster has every definition that a recipe may need
FULLEST = "prod"


def refused(cluster: Cluster, files: list[File], *, dry_run: bool = False) -> list[str]:
    """Apply the texts as they are; give what was refused, by file."""

    def one(file: File) -> str:
        try:
            cluster.api.apply(file.manifest, text=file.text, dry_run=dry_run)
        except Refused as no:
            return f"{file.name}: {no}"
        return ""

    return [line for line in cluster.api.at_once(one, files) if line]


@pytest.fixture
def with_base(cluster: Cluster) -> Cluster:
    """The environment's own objects are in place: namespaces first."""
    for file in cluster.rendered.base():
        cluster.api.apply(file.manifest, text=file.text)
    return cluster


def test_every_object_passes_a_dry_run(with_base: Cluster) -> None:
    """Server-side dry run with fieldValidation=Strict, so that CEL rules and admission run too.

    Seen to fail: see the broken manifests at the end of this file, each refused for its own reason.
    """
    begin = time.monotonic()
    files = [*with_base.rendered.base(), *with_base.rendered.releases(), *with_base.rendered.argocd()]
    assert refused(with_base, files, dry_run=True) == []
    marks = (proof.DERIVED,) if any(f.manifest["apiVersion"].startswith(DERIVED_GROUP) for f in files) else ()
    what = f"dry run of {len(files)} objects of {len({file.kind for file in files})} kinds"
    proof.note(SECTION, with_base.name, what, seconds=time.monotonic() - begin, marks=marks)


def test_every_object_is_applied_and_a_second_time_changes_nothing(with_base: Cluster) -> None:
    """What the server stores is what was asked for: defaults and webhooks leave nothing to fight about.

    Seen to fail with a replica count changed between the two applies: its generation then moves on.
    """
    begin = time.monotonic()
    files = with_base.rendered.releases()
    assert refused(with_base, files) == []
    before = generations(with_base, files)
    assert refused(with_base, files) == []
    assert generations(with_base, files) == before
    proof.note(SECTION, with_base.name, f"{len(files)} objects applied twice", seconds=time.monotonic() - begin)


def generations(cluster: Cluster, files: list[File]) -> dict[str, int]:
    found = {}
    for file in files:
        metadata = file.manifest["metadata"]
        live = cluster.get(file.manifest["apiVersion"], file.kind, metadata["namespace"], metadata["name"])
        found[file.name] = live["metadata"].get("generation", 0)
    return found


@pytest.mark.parametrize("cluster", [FULLEST], indirect=True, scope="session")
@pytest.mark.parametrize("recipe", GOLDEN)
def test_every_golden_recipe_is_taken(with_base: Cluster, recipe: str) -> None:
    """A recipe need not stand in an environment to be proven: what it makes of the fewest values is applied too.

    Seen to fail with `dev`, whose cluster has no LeaderWorkerSet: the multi-node recipe's group is of no known kind.
    """
    begin = time.monotonic()
    namespaces = [file for file in GOLDEN[recipe] if file.kind == "Namespace"]
    assert refused(with_base, namespaces) == []
    assert refused(with_base, GOLDEN[recipe], dry_run=True) == []
    assert refused(with_base, GOLDEN[recipe]) == []
    derived = any(file.manifest["apiVersion"].startswith(DERIVED_GROUP) for file in GOLDEN[recipe])
    what = f"golden {recipe}: dry run of {len(GOLDEN[recipe])} objects, then applied"
    seconds = time.monotonic() - begin
    proof.note(SECTION, with_base.name, what, seconds=seconds, marks=(proof.DERIVED,) if derived else ())


def any_of(cluster: Cluster, kind: str) -> File:
    """Take an object of a kind to break it."""
    found = next((file for file in cluster.rendered.releases() if file.kind == kind), None)
    assert found is not None, f"{cluster.name} renders no {kind}"
    return found


def test_a_misspelt_field_is_refused(with_base: Cluster) -> None:
    """The dry run above is worth something: it sees a field that the kind does not have."""
    broken = copy.deepcopy(any_of(with_base, "Deployment").manifest)
    container = broken["spec"]["template"]["spec"]["containers"][0]
    container["readinesProbe"] = container.pop("readinessProbe")
    with pytest.raises(Refused, match="readinesProbe"):
        with_base.api.apply(broken, dry_run=True)


def test_a_text_that_yaml_takes_for_a_truth_is_refused(with_base: Cluster) -> None:
    """The text itself is read by the server: `y` without quotes is no text for it."""
    file = any_of(with_base, "Deployment")
    broken = file.text.replace("app.kubernetes.io/managed-by: modelyard", "app.kubernetes.io/managed-by: y", 1)
    with pytest.raises(Refused, match=r"expected string, got|cannot unmarshal bool"):
        with_base.api.apply(file.manifest, text=broken, dry_run=True)


def test_a_rule_of_a_definition_is_applied(with_base: Cluster) -> None:
    """The definitions carry their CEL rules: a path match that may not stand beside a rewrite is refused."""
    broken = copy.deepcopy(any_of(with_base, "HTTPRoute").manifest)
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    rule = broken["spec"]["rules"][0]
    rule["matches"] = [{"path": {"type": "Exact", "value": "/v1"}}]
    rule["filters"] = [rewrite]
    with pytest.raises(Refused, match="exactly one PathPrefix"):
        with_base.api.apply(broken, dry_run=True)


def test_an_unknown_kind_is_refused(with_base: Cluster) -> None:
    """Only the definitions that the environment names are there."""
    stranger = {
        "apiVersion": "kueue.x-k8s.io/v1beta1",
        "kind": "LocalQueue",
        "metadata": {"name": "x", "namespace": "d"},
    }
    with pytest.raises(Refused, match="no kind"):
        with_base.api.apply(stranger, dry_run=True)


def test_every_kind_that_a_stage_plays_is_described(cluster: Cluster) -> None:
    """Seen to fail: kwok, started before the server described an ExternalSecret, ended, and with it the cluster."""
    stages = [yaml.safe_load(file.read_text()) for file in sorted(STAGES.glob("*.yaml"))]
    kinds = [stage["spec"]["resourceRef"] for stage in stages]
    played = [kind for kind in kinds if cluster.api.knows(kind)]
    assert played and all(map(cluster.api.describes, played))
    assert not cluster.api.describes({**played[0], "kind": "Nonsense"})
    assert not cluster.api.describes({"apiGroup": "nobody.example.com/v1", "kind": played[0]["kind"]})
