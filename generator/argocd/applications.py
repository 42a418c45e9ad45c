"""Applications: plain YAML folders of this repository, synced automatically."""

from __future__ import annotations

from generator.argocd import ignore
from generator.argocd.objects import Manifest, ReleaseObjects
from generator.argocd.projects import IN_CLUSTER
from generator.model.waves import WAVE
from generator.sources.environment import Environment

BASE_WAVE = "-1"

# Removing a release removes its objects, so that no GPU is held by something Git no longer knows. Claims
# stay: they say Delete=false. In the background: pods may drain for an hour, and the root's sync, with every
# other change in it, would wait for them.
FINALIZER = "resources-finalizer.argocd.argoproj.io/background"
PATHS = "argocd.argoproj.io/manifest-generate-paths"
HISTORY = 5


def root(environment: Environment) -> Manifest:
    """Describe the Application of projects and Applications, which a person applies once.

    No finalizer: deleting it must not take the environment along.
    """
    spec = _spec(
        environment,
        project=f"{environment.name}-root",
        path=f"environments/{environment.name}/argocd",
        destination={"server": IN_CLUSTER, "namespace": environment.argocd_namespace},
    )
    return _application(environment, name=f"{environment.name}-root", spec=spec)


def settings(environment: Environment) -> Manifest:
    """Describe the Application of Argo CD's own settings.

    It stands alone, and in the last wave, so that it can refuse a ConfigMap that another Application already
    holds, and stop nothing else by that: the one by which Argo CD manages itself, or that of another
    environment of the same Argo CD, whose fragment is equal. Fields of `kubectl apply` are not taken over:
    those that our fragment lacks would be removed.
    """
    spec = _spec(
        environment,
        project=f"{environment.name}-root",
        path=f"environments/{environment.name}/argocd/settings",
        destination={"server": IN_CLUSTER, "namespace": environment.argocd_namespace},
        options=("ClientSideApplyMigration=false", "FailOnSharedResource=true"),
        prune=False,
    )
    application = _application(environment, name=f"{environment.name}-settings", spec=spec)
    # a refusal is no illness of the root
    application["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] = "true"
    return application


def base(environment: Environment) -> Manifest:
    """Describe the Application of namespaces, quotas and secrets; without finalizer, as the root's."""
    spec = _spec(
        environment,
        project=f"{environment.name}-root",
        path=f"environments/{environment.name}/rendered/_base",
        # every object names its namespace; a project permits only namespaces that it lists
        destination={"server": environment.cluster.server, "namespace": min(environment.namespaces)},
    )
    return _application(environment, name=f"{environment.name}-base", wave=BASE_WAVE, spec=spec)


def of_release(environment: Environment, release: ReleaseObjects) -> Manifest:
    """Describe the Application of one release."""
    rules = ignore.rules(release.objects)
    spec = _spec(
        environment,
        project=environment.name,
        path=f"environments/{environment.name}/rendered/{ignore.folder(release.name, rules)}",
        destination={"server": environment.cluster.server, "namespace": release.namespace},
        options=("RespectIgnoreDifferences=true",) if rules else (),
    )
    if rules:
        spec["ignoreDifferences"] = rules
    application = _application(environment, name=f"{environment.name}-{release.name}", spec=spec)
    application["metadata"]["labels"]["modelyard.dev/release"] = release.name
    application["metadata"]["finalizers"] = [FINALIZER]
    return application


def _spec(
    environment: Environment,
    *,
    project: str,
    path: str,
    destination: Manifest,
    options: tuple[str, ...] = (),
    prune: bool = True,
) -> Manifest:
    # no `source.directory`: Argo CD drops an empty one from the live object, which then never equals Git
    return {
        "project": project,
        "source": {
            "repoURL": environment.git.url,
            "targetRevision": environment.git.revision,
            "path": path,
        },
        "destination": destination,
        "revisionHistoryLimit": HISTORY,
        "syncPolicy": {
            "automated": {"prune": prune, "selfHeal": True, "allowEmpty": False},
            "syncOptions": sorted(("ApplyOutOfSyncOnly=true", "ServerSideApply=true", *options)),
            "retry": {
                # no limit: after the last try Argo CD leaves a failed revision alone until the next commit
                "limit": -1,
                # the next try takes the newest commit: the one that mends the failure
                "refresh": True,
                "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"},
            },
        },
    }


def _application(environment: Environment, *, name: str, spec: Manifest, wave: str | None = None) -> Manifest:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": environment.argocd_namespace,
            "labels": {"modelyard.dev/environment": environment.name},
            # a commit elsewhere in the repository costs this Application nothing
            "annotations": {PATHS: ".", **({WAVE: wave} if wave else {})},
        },
        "spec": spec,
    }
