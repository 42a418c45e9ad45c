"""Projects, Applications and the root of one environment."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import argocd
from generator.argocd import ReleaseObjects
from generator.argocd.files import RESERVED
from generator.sources.environment import Cluster, Environment, Git, Namespace, Pool, Versions

ENVIRONMENT = Environment(
    name="prod",
    description="GPUs",
    versions=Versions(kubernetes="1.37", argocd="3.6.1"),
    cluster=Cluster(name="prod", server="https://prod.example.com"),
    git=Git(url="https://git.example.com/models.git"),
    domain="models.example.com",
    namespaces={"search": Namespace(team="search"), "chat": Namespace(team="chat")},
    pools={"cpu": Pool(nodes=1, cpus_per_node=8, memory_per_node="32Gi")},
)
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chat"}}


def an_object(kind: str, name: str = "a", api: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "chat"}, "spec": spec}


def a_release(name: str, *objects: dict[str, Any], emitable: tuple[tuple[str, str], ...] = ()) -> ReleaseObjects:
    held = list(objects) or [an_object("Deployment", name)]
    return ReleaseObjects(name=name, namespace="chat", objects=held, kinds_emitable=frozenset(emitable))


def the_files(*releases: ReleaseObjects, **emitable: Any) -> dict[str, dict[str, Any]]:
    return argocd.files(ENVIRONMENT, releases, [NAMESPACE], **emitable)


def application(name: str, *releases: ReleaseObjects) -> dict[str, Any]:
    return the_files(*releases)[f"application-{name}.yaml"]


def whitelist(files: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    entries = files["project-releases.yaml"]["spec"].get("namespaceResourceWhitelist", [])
    return [(entry["group"], entry["kind"]) for entry in entries]


def test_a_release_gets_an_application_over_its_own_folder() -> None:
    spec = application("qwen", a_release("qwen"))["spec"]
    assert spec["source"] == {
        "repoURL": "https://git.example.com/models.git",
        "targetRevision": "refs/heads/main",
        "path": "environments/prod/rendered/qwen",
    }


def test_a_release_goes_to_its_namespace_of_the_environments_cluster() -> None:
    spec = application("qwen", a_release("qwen"))["spec"]
    assert spec["destination"] == {"server": "https://prod.example.com", "namespace": "chat"}


def test_a_release_is_synced_pruned_and_healed_but_never_emptied() -> None:
    policy = application("qwen", a_release("qwen"))["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}


def test_a_retry_takes_the_newest_commit() -> None:
    assert application("qwen", a_release("qwen"))["spec"]["syncPolicy"]["retry"]["refresh"] is True


def test_live_replicas_are_respected_only_where_an_autoscaler_owns_them() -> None:
    fixed = application("a", a_release("a"))["spec"]
    scaler = an_object("ScaledObject", "a", "keda.sh/v1alpha1", scaleTargetRef={"name": "a"})
    scaled = application("a", a_release("a", an_object("Deployment", "a"), scaler))["spec"]
    assert "RespectIgnoreDifferences=true" not in fixed["syncPolicy"]["syncOptions"]
    assert "ignoreDifferences" not in fixed
    assert "RespectIgnoreDifferences=true" in scaled["syncPolicy"]["syncOptions"]
    assert scaled["ignoreDifferences"][0]["jsonPointers"] == ["/spec/replicas"]


def test_whoever_owns_the_replicas_decides_where_a_release_lies() -> None:
    """An Application under its old definition must not find what was rendered for the new one."""
    scaler = an_object("ScaledObject", "a", "keda.sh/v1alpha1", scaleTargetRef={"name": "a"})
    scaled = application("a", a_release("a", an_object("Deployment", "a"), scaler))["spec"]
    fixed = application("a", a_release("a", an_object("Deployment", "a")))["spec"]
    assert fixed["source"]["path"] == "environments/prod/rendered/a"
    assert scaled["source"]["path"] == "environments/prod/rendered/a/autoscaled"


def test_removing_a_release_removes_its_objects_without_holding_the_root() -> None:
    finalizers = application("qwen", a_release("qwen"))["metadata"]["finalizers"]
    assert finalizers == ["resources-finalizer.argocd.argoproj.io/background"]


@pytest.mark.parametrize("name", ["base", "settings"])
def test_removing_an_application_of_the_environment_itself_removes_nothing_else(name: str) -> None:
    assert "finalizers" not in application(name)["metadata"]


def test_removing_the_root_removes_nothing_else() -> None:
    _, root = argocd.bootstrap(ENVIRONMENT)
    assert "finalizers" not in root["metadata"]


def test_a_commit_elsewhere_refreshes_no_application() -> None:
    annotations = application("qwen", a_release("qwen"))["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/manifest-generate-paths"] == "."


def test_projects_come_before_the_base_and_the_base_before_the_releases() -> None:
    files = the_files(a_release("qwen"))

    def wave(name: str) -> int:
        return int(files[name]["metadata"]["annotations"].get("argocd.argoproj.io/sync-wave", 0))

    assert wave("project-releases.yaml") < wave("application-base.yaml") < wave("application-qwen.yaml")
    assert wave("project-root.yaml") < wave("application-base.yaml")


def test_nothing_waits_for_the_settings_so_that_they_may_be_refused() -> None:
    files = the_files(a_release("qwen"))
    assert "argocd.argoproj.io/sync-wave" not in files["application-settings.yaml"]["metadata"]["annotations"]


def test_refused_settings_leave_the_root_healthy() -> None:
    annotations = the_files()["application-settings.yaml"]["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/ignore-healthcheck"] == "true"


def test_the_settings_neither_prune_nor_take_over_a_configmap() -> None:
    policy = application("settings")["spec"]["syncPolicy"]
    assert policy["automated"]["prune"] is False
    assert {"FailOnSharedResource=true", "ClientSideApplyMigration=false"} <= set(policy["syncOptions"])


def test_the_settings_lie_outside_the_folder_that_the_root_reads() -> None:
    files = the_files(a_release("qwen"))
    configmaps = [name for name, manifest in files.items() if manifest["kind"] == "ConfigMap"]
    assert configmaps == ["settings/argocd-cm.yaml"]


def test_the_settings_fragment_is_kept_and_applied_by_field() -> None:
    metadata = the_files()["settings/argocd-cm.yaml"]["metadata"]
    assert metadata["annotations"]["argocd.argoproj.io/sync-options"] == (
        "Delete=false,Prune=false,ServerSideApply=true"
    )
    assert metadata["labels"] == {"app.kubernetes.io/part-of": "argocd"}


def test_the_settings_fragment_touches_nothing_but_health_checks() -> None:
    data = the_files()["settings/argocd-cm.yaml"]["data"]
    assert data
    assert all(key.startswith("resource.customizations.health.") for key in data)


def test_the_releases_may_create_what_charts_can_emit_and_what_the_base_rendered() -> None:
    release = a_release("a", an_object("Deployment"), emitable=(("keda.sh", "ScaledObject"),))
    files = the_files(release, emitable=frozenset({("policy", "PodDisruptionBudget")}))
    expected = [("apps", "Deployment"), ("keda.sh", "ScaledObject"), ("policy", "PodDisruptionBudget")]
    assert whitelist(files) == expected


def test_the_releases_may_create_nothing_for_the_whole_cluster() -> None:
    role = an_object("ClusterRole", "a", "rbac.authorization.k8s.io/v1")
    spec = the_files(a_release("a", role, an_object("Deployment")))["project-releases.yaml"]["spec"]
    assert "clusterResourceWhitelist" not in spec
    assert {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole"} not in spec["namespaceResourceWhitelist"]


def test_without_a_release_the_project_forbids_everything_because_an_empty_list_would_allow_it() -> None:
    spec = the_files()["project-releases.yaml"]["spec"]
    assert "namespaceResourceWhitelist" not in spec
    assert spec["namespaceResourceBlacklist"] == [{"group": "*", "kind": "*"}]


def test_the_releases_reach_only_the_environments_namespaces() -> None:
    destinations = the_files()["project-releases.yaml"]["spec"]["destinations"]
    assert destinations == [
        {"server": "https://prod.example.com", "namespace": "chat"},
        {"server": "https://prod.example.com", "namespace": "search"},
    ]


def test_every_project_reads_only_the_environments_repository() -> None:
    files = the_files(a_release("a"))
    projects = [manifest for manifest in files.values() if manifest["kind"] == "AppProject"]
    assert [p["spec"]["sourceRepos"] for p in projects] == [["https://git.example.com/models.git"]] * 2


def test_the_root_may_create_namespaces_but_no_cluster_role() -> None:
    spec = the_files()["project-root.yaml"]["spec"]
    assert spec["clusterResourceWhitelist"] == [
        {"group": "", "kind": "Namespace"},
        {"group": "scheduling.k8s.io", "kind": "PriorityClass"},
    ]


def test_the_root_reaches_a_namespace_that_the_base_writes_to() -> None:
    grant = an_object("ReferenceGrant", api="gateway.networking.k8s.io/v1beta1")
    grant["metadata"]["namespace"] = "keda"
    project = argocd.files(ENVIRONMENT, (), [grant])["project-root.yaml"]
    assert {"server": "https://prod.example.com", "namespace": "keda"} in project["spec"]["destinations"]


def test_the_root_may_still_prune_the_last_object_of_a_kind() -> None:
    files = the_files(emitable_base=frozenset({("example.com", "Widget")}))
    assert {"group": "example.com", "kind": "Widget"} in files["project-root.yaml"]["spec"][
        "namespaceResourceWhitelist"
    ]


def test_bootstrap_is_the_roots_project_and_the_root() -> None:
    project, root = argocd.bootstrap(ENVIRONMENT)
    assert (project["kind"], root["kind"]) == ("AppProject", "Application")
    assert project["metadata"]["name"] == root["spec"]["project"] == root["metadata"]["name"] == "prod-root"


def test_the_root_reads_its_folder_without_descending() -> None:
    _, root = argocd.bootstrap(ENVIRONMENT)
    assert root["spec"]["source"]["path"] == "environments/prod/argocd"
    assert "directory" not in root["spec"]["source"]


def test_the_project_of_bootstrap_is_the_one_in_git() -> None:
    project, _ = argocd.bootstrap(ENVIRONMENT)
    assert project == the_files()["project-root.yaml"]


def test_a_release_without_objects_gets_no_application() -> None:
    empty = ReleaseObjects(name="remote", namespace="chat", objects=[])
    assert "application-remote.yaml" not in the_files(empty)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_release_with_the_name_of_an_own_application_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is the name of one of the environment's own"):
        the_files(a_release(name))


KINDS = st.sampled_from(
    [("apps/v1", "Deployment"), ("v1", "Service"), ("keda.sh/v1alpha1", "ScaledObject"), ("v1", "ConfigMap")]
)


@st.composite
def some_releases(draw: st.DrawFn) -> list[ReleaseObjects]:
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, min_size=1))
    releases = []
    for name in names:
        chosen = draw(st.lists(KINDS, min_size=1, max_size=3))
        held = [an_object(kind, name, api, scaleTargetRef={"name": name}) for api, kind in chosen]
        releases.append(a_release(name, *held))
    return releases


@given(some_releases(), st.randoms())
def test_the_order_of_releases_and_objects_changes_nothing(releases: list[ReleaseObjects], random: Any) -> None:
    shuffled = [
        msgspec.structs.replace(release, objects=random.sample(release.objects, len(release.objects)))
        for release in random.sample(releases, len(releases))
    ]
    assert msgspec.json.encode(the_files(*shuffled)) == msgspec.json.encode(the_files(*releases))


@given(some_releases(), st.data())
def test_removing_a_release_changes_its_application_and_the_project_only(
    releases: list[ReleaseObjects], data: st.DataObject
) -> None:
    removed = data.draw(st.sampled_from(releases))
    before = the_files(*releases)
    after = the_files(*(release for release in releases if release is not removed))
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed <= {f"application-{removed.name}.yaml", "project-releases.yaml"}
    assert f"application-{removed.name}.yaml" not in after
