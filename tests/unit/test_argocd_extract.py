"""Reading Argo CD's source, and what the reading says about our own checks."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from generator.argocd import extract, health
from generator.argocd.options import options
from generator.tools import TOOLS

ENGINE = {
    "pkg/sync/common/types.go": """
const (
\tAnnotationSyncOptions = "argocd.argoproj.io/sync-options"
\tSyncOptionForce = "Force=true"
\tSyncOptionDisableReplace = "Replace=false"
\tSyncOptionPrune = "Prune"
\tSyncValueConfirm = "confirm"
\tSyncValueFalse = "false"
\tHookTypeSkip     HookType = "Skip"
)
""",
    "pkg/sync/context.go": """
force := resourceutil.HasAnnotationOption(t.targetObj, common.AnnotationSyncOptions, common.SyncOptionForce)
value := resourceutil.GetAnnotationOptionValue(obj, common.AnnotationSyncOptions, common.SyncOptionPrune)
""",
    "pkg/sync/context_test.go": 'x := SyncOptions.HasOption("OnlyInATest=true")',
    "pkg/health/health.go": """
func GetHealthCheckFunc(gvk schema.GroupVersionKind) func() {
\tswitch gvk.Group {
\tcase "apps":
\t\tswitch gvk.Kind {
\t\tcase kube.DeploymentKind:
\t\t\treturn a
\t\tcase kube.StatefulSetKind:
\t\t\treturn b
\t\t}
\tcase "argoproj.io":
\t\tif gvk.Kind == "Workflow" {
\t\t\treturn c
\t\t}
\t}
""",
}
CRD = """
spec:
  versions:
    - schema:
        openAPIV3Schema:
          properties:
            spec:
              properties:
                source: {properties: {path: {type: string}}}
                sources: {items: {properties: {ref: {type: string}}}}
"""
ARGOCD = {
    "controller/sync.go": """
if syncOp.SyncOptions.HasOption("CreateNamespace=true") {
opt := app.Spec.SyncPolicy.SyncOptions.GetOptionValue(common.SyncOptionPrune)
if resourceutil.HasAnnotationOption(obj, common.AnnotationCompareOptions, "IgnoreExtraneous") {
if resourceutil.HasAnnotationOption(app, common.AnnotationCompareOptions, "ServerSideDiff=true") {
""",
    "pkg/defaults.go": 'const ResourcesFinalizerName string = "resources-finalizer.argocd.argoproj.io"\n',
    "resource_customizations/_.example.com/_/health.lua": "",
    "resource_customizations/keda.sh/ScaledObject/health.lua": "",
    "manifests/crds/application-crd.yaml": CRD,
    "manifests/crds/appproject-crd.yaml": CRD,
}
FOUND = extract.extract(ARGOCD, ENGINE)


def test_an_option_that_only_a_test_names_is_not_taken() -> None:
    assert FOUND["syncOptions"]["application"] == ["CreateNamespace=true", "Prune=confirm", "Prune=false"]


def test_an_option_that_is_defined_but_read_nowhere_is_not_taken() -> None:
    assert FOUND["syncOptions"]["resource"] == ["Force=true", "Prune=confirm", "Prune=false"]


def test_compare_options_are_told_apart_by_the_object_that_carries_them() -> None:
    assert FOUND["compareOptions"] == {"application": ["ServerSideDiff=true"], "resource": ["IgnoreExtraneous"]}


def test_annotations_hooks_and_finalizers_come_from_constants() -> None:
    assert FOUND["annotations"] == ["argocd.argoproj.io/sync-options"]
    assert FOUND["hooks"] == ["Skip"]
    assert FOUND["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_health_checks_in_go_are_read_by_group_and_kind() -> None:
    assert FOUND["healthChecks"]["go"] == [
        ["apps", "Deployment"],
        ["apps", "StatefulSet"],
        ["argoproj.io", "Workflow"],
    ]


def test_an_underscore_in_the_folder_of_a_lua_check_is_a_star() -> None:
    assert FOUND["healthChecks"]["lua"] == [["*.example.com", "*"], ["keda.sh", "ScaledObject"]]


def test_fields_of_a_spec_are_a_tree_through_lists() -> None:
    assert FOUND["fields"]["Application"] == {"source": {"path": None}, "sources": {"ref": None}}


def test_the_options_are_those_of_the_version_that_tests_run() -> None:
    assert options().source.version == extract.VERSION == TOOLS["argocd"].module_version


@pytest.mark.parametrize(("group", "kind"), sorted(health.CHECKS))
def test_no_check_of_ours_replaces_one_that_argo_cd_brings(group: str, kind: str) -> None:
    known = [*options().health_checks.go, *options().health_checks.lua]
    assert not [(g, k) for g, k in known if fnmatchcase(group, g) and fnmatchcase(kind, k)]


@pytest.mark.parametrize(
    "kind",
    [
        ("apps", "Deployment"),
        ("", "PersistentVolumeClaim"),
        ("keda.sh", "ScaledObject"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
        ("external-secrets.io", "ExternalSecret"),
        ("policy", "PodDisruptionBudget"),
    ],
)
def test_kinds_that_we_leave_to_argo_cd_have_a_check_there(kind: tuple[str, str]) -> None:
    assert kind in {*options().health_checks.go, *options().health_checks.lua}
