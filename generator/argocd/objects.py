"""Rendered objects as Argo CD's configuration sees them: group, kind, name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

Manifest = dict[str, Any]
GroupKind = tuple[str, str]

# Kinds without a namespace that an environment may hold. A kind that is missing here is taken for a
# namespaced one, and Argo CD then refuses it: the safe mistake.
CLUSTER_KINDS: frozenset[GroupKind] = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("external-secrets.io", "ClusterExternalSecret"),
        ("external-secrets.io", "ClusterSecretStore"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("keda.sh", "ClusterTriggerAuthentication"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "StorageClass"),
    }
)


class ReleaseObjects(msgspec.Struct, frozen=True, kw_only=True):
    """A release as rendered, and the kinds that its chart could emit with other values."""

    name: str
    namespace: str
    objects: list[Manifest]
    kinds_emitable: frozenset[GroupKind] = frozenset()


def group_of(api_version: str) -> str:
    """Give the API group of `group/version`; the core group is empty."""
    return api_version.rpartition("/")[0]


def group_kind(manifest: Manifest) -> GroupKind:
    """Give group and kind of an object."""
    return group_of(manifest["apiVersion"]), manifest["kind"]


def kinds(manifests: Iterable[Manifest]) -> frozenset[GroupKind]:
    """Give the group and kind of every object, once."""
    return frozenset(group_kind(manifest) for manifest in manifests)
