"""Which objects a build hands to the programs that read objects: those that are not on the disk as they would be."""

from __future__ import annotations

from generator.argocd import ignore
from generator.pipeline import differing
from generator.write import Changes

OBJECT = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "llama"}}
FILE = "environments/prod/rendered/llama/service-llama.yaml"
OBJECTS = {"prod/llama/service.yaml": ("1.35", OBJECT)}
FOLDERS = {"prod/llama": "llama"}
TREE = {FILE: "made\n"}
NAME = {"name": "llama"}
KINDS = ("deployment", "scaledobject")


def test_an_object_that_is_on_the_disk_as_it_would_be_is_left_out() -> None:
    assert differing(TREE, Changes((), (), ()), OBJECTS, FOLDERS) == {}


def test_an_object_that_changed_is_read() -> None:
    assert differing(TREE, Changes((), (FILE,), ()), OBJECTS, FOLDERS) == OBJECTS


def test_an_object_that_is_new_is_read() -> None:
    assert differing(TREE, Changes((FILE,), (), ()), OBJECTS, FOLDERS) == OBJECTS


def test_an_object_that_a_filter_leaves_unwritten_is_read() -> None:
    assert differing({}, Changes((), (), ()), OBJECTS, FOLDERS) == OBJECTS


def test_an_object_of_the_environment_is_known_by_its_own_path() -> None:
    assert differing(TREE, Changes((), (), ()), {f"prod/_base/{FILE}": ("1.35", OBJECT)}, {}) == {}


def test_an_object_of_an_autoscaled_release_is_known_by_the_folder_of_such_releases() -> None:
    scaled = {
        "prod/llama/deployment.yaml": ("1.35", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": NAME}),
        "prod/llama/scaledobject.yaml": (
            "1.35",
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": NAME,
                "spec": {"scaleTargetRef": NAME},
            },
        ),
    }
    tree = dict.fromkeys((f"environments/prod/rendered/llama/autoscaled/{kind}-llama.yaml" for kind in KINDS), "made\n")
    folder = ignore.folder("llama", ignore.rules(manifest for _, manifest in scaled.values()))
    assert differing(tree, Changes((), (), ()), scaled, {"prod/llama": folder}) == {}
