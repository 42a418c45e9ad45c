"""The fragment of argocd-cm that our objects need; every other key of it belongs to others."""

from __future__ import annotations

from generator.argocd import health
from generator.argocd.objects import Manifest
from generator.model.waves import SYNC_OPTIONS
from generator.sources.environment import Environment


def fragment(environment: Environment) -> Manifest:
    """Describe the keys of argocd-cm that we own.

    No ignore rule stands here: those of a release are scoped to its objects by name, and Argo CD's own
    defaults already leave the status of every kind out of its updates.
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "argocd-cm",
            "namespace": environment.argocd_namespace,
            # Argo CD reads only settings that carry this label
            "labels": {"app.kubernetes.io/part-of": "argocd"},
            "annotations": {SYNC_OPTIONS: "Delete=false,Prune=false,ServerSideApply=true"},
        },
        "data": {
            f"resource.customizations.health.{group}_{kind}": script
            for (group, kind), script in sorted(health.checks(environment.versions.argocd).items())
        },
    }
