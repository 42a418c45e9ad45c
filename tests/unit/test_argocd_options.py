"""Options of Argo CD that are misspelt or misplaced, each found with a hint."""

from __future__ import annotations

from typing import Any

import pytest

from generator import argocd
from generator.argocd.options import options
from generator.validate import argocd_options
from tests.unit.test_argocd_files import ENVIRONMENT, a_release, an_object, the_files

Manifest = dict[str, Any]
KEY = "argocd.argoproj.io/"


def annotated(key: str, value: str, kind: str = "Deployment", api: str = "apps/v1") -> Manifest:
    metadata = {"name": "a", "namespace": "chat", "annotations": {key: value}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def an_application(**spec: Any) -> Manifest:
    metadata = {"name": "a", "namespace": "argocd"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def problems(manifest: Manifest) -> list[tuple[Any, ...]]:
    return [found[1:] for found in argocd_options.check([("a.yaml", manifest)])]


def the_problem(manifest: Manifest) -> tuple[str, str]:
    ((_, message, hint),) = problems(manifest)
    return message, hint


GOOD = [
    annotated(KEY + "sync-options", "Prune=false, Delete=false"),
    annotated(KEY + "sync-options", "Force=true"),
    annotated(KEY + "compare-options", "IgnoreExtraneous"),
    annotated(KEY + "sync-wave", "-2"),
    annotated(KEY + "hook", "PreSync,PostSync"),
    annotated(KEY + "hook-delete-policy", "BeforeHookCreation"),
    annotated(KEY + "ignore-healthcheck", "true"),
    annotated(KEY + "ignore-differences", "jsonPointers: [/spec/replicas]"),
    annotated("link." + KEY + "dashboard", "https://example.com"),
    annotated("prometheus.io/scrape", "yes"),
    annotated(KEY + "manifest-generate-paths", ".", "Application", "argoproj.io/v1alpha1"),
    annotated(KEY + "compare-options", "ServerSideDiff=false", "Application", "argoproj.io/v1alpha1"),
]


@pytest.mark.parametrize("manifest", GOOD, ids=lambda m: str(m["metadata"]["annotations"]))
def test_an_option_that_argo_cd_reads_is_no_problem(manifest: Manifest) -> None:
    assert problems(manifest) == []


def test_what_we_make_ourselves_is_no_problem() -> None:
    scaler = an_object("ScaledObject", "a", "keda.sh/v1alpha1", scaleTargetRef={"name": "a"})
    made = the_files(a_release("a", an_object("Deployment", "a"), scaler))
    objects = [*made.items(), *(("bootstrap", manifest) for manifest in argocd.bootstrap(ENVIRONMENT))]
    assert list(argocd_options.check(objects)) == []


def test_a_problem_names_the_file_and_the_place() -> None:
    ((file, path, _, _),) = argocd_options.check([("b.yaml", annotated(KEY + "sync-wave", "first"))])
    assert (file, path) == ("b.yaml", ("metadata", "annotations", KEY + "sync-wave"))


BAD = [
    (
        annotated(KEY + "sync-options", "Prune=flase"),
        "Argo CD has no sync option Prune=flase",
        "did you mean Prune=false?",
    ),
    (
        annotated(KEY + "sync-options", "Delete=false,prune=false"),
        "Argo CD has no sync option prune=false",
        "did you mean Prune=false?",
    ),
    (
        annotated(KEY + "sync-options", "Replace=false"),
        "Argo CD has no sync option Replace=false",
        "did you mean Replace=true?",
    ),
    (
        annotated(KEY + "sync-options", "RespectIgnoreDifferences=true"),
        "sync option RespectIgnoreDifferences=true has no effect in an annotation",
        "set it in the Application's spec.syncPolicy.syncOptions",
    ),
    (
        annotated(KEY + "compare-options", "IgnoreExtranous"),
        "Argo CD has no compare option IgnoreExtranous",
        "did you mean IgnoreExtraneous?",
    ),
    (
        annotated(KEY + "compare-options", "ServerSideDiff=true"),
        "compare option ServerSideDiff=true has an effect on an Application only",
        "move it to the Application",
    ),
    (
        annotated(KEY + "sync-wave", "first"),
        "sync wave 'first' is no whole number; Argo CD takes it for 0",
        'write a number as text, such as "-1"',
    ),
    (annotated(KEY + "hook", "Presync"), "Argo CD has no hook Presync", "did you mean PreSync?"),
    (
        annotated(KEY + "hook-delete-policy", "HookSuccess"),
        "Argo CD has no hook delete policy HookSuccess",
        "did you mean HookSucceeded?",
    ),
    (
        annotated(KEY + "sync_wave", "1"),
        f"Argo CD reads no annotation {KEY}sync_wave",
        f"did you mean {KEY}sync-wave?",
    ),
    (
        annotated("argocd.argoprj.io/sync-wave", "1"),
        "Argo CD reads no annotation argocd.argoprj.io/sync-wave",
        f"did you mean {KEY}sync-wave?",
    ),
    (
        annotated(KEY + "tracking-id", "a"),
        f"{KEY}tracking-id belongs to the live object, not to Git",
        "leave it out; Argo CD writes or reads it there",
    ),
    (
        annotated(KEY + "manifest-generate-paths", "."),
        f"{KEY}manifest-generate-paths has an effect on an Application only",
        "move it to the release's Application",
    ),
    (
        annotated(KEY + "ignore-healthcheck", "yes"),
        "'yes' has no effect",
        'write "true", or leave the annotation out',
    ),
    (
        annotated(KEY + "ignore-differences", "/spec/replicas"),
        "'/spec/replicas' names no field to ignore",
        "write YAML with a list `jsonPointers`, the only key it reads",
    ),
    (
        an_application(syncPolicy={"syncOptions": ["ServersideApply=true"]}),
        "Argo CD has no sync option ServersideApply=true",
        "did you mean ServerSideApply=true?",
    ),
    (
        an_application(syncPolicy={"syncOptions": ["Force=true"]}),
        "sync option Force=true has no effect on an Application",
        f"write it in the annotation {KEY}sync-options of the object",
    ),
    (
        an_application(syncPolicy={"automated": {"selfheal": True}}),
        "Argo CD has no field selfheal here",
        "did you mean selfHeal?",
    ),
    (
        an_application(ignoreDifferences=[{"kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]),
        "without a group this rule matches no Deployment",
        "name the API group, such as apps",
    ),
]


@pytest.mark.parametrize(("manifest", "message", "hint"), BAD, ids=lambda value: str(value)[:60])
def test_an_option_without_effect_is_a_problem_with_a_hint(manifest: Manifest, message: str, hint: str) -> None:
    assert the_problem(manifest) == (message, hint)


def test_a_finalizer_that_argo_cd_lacks_is_a_problem() -> None:
    application = an_application()
    application["metadata"]["finalizers"] = ["resource-finalizer.argocd.argoproj.io"]
    assert the_problem(application) == (
        "Argo CD has no finalizer resource-finalizer.argocd.argoproj.io",
        "did you mean resources-finalizer.argocd.argoproj.io?",
    )


def test_an_unknown_field_inside_a_list_is_named_with_its_place() -> None:
    application = an_application(sources=[{"repoURL": "a"}, {"repoUrl": "b"}])
    assert [path for path, _, _ in problems(application)] == [("spec", "sources", 1, "repoUrl")]


def test_an_unknown_field_of_a_project_is_a_problem() -> None:
    project = {**an_application(sourceRepo=["a"]), "kind": "AppProject"}
    assert the_problem(project) == ("Argo CD has no field sourceRepo here", "did you mean sourceRepos?")


def test_every_annotation_with_a_place_is_one_that_argo_cd_reads() -> None:
    placed = {*argocd_options.ON_APPLICATION, *argocd_options.NEVER_IN_GIT, *argocd_options._VALUES}
    assert placed <= set(options().annotations)
