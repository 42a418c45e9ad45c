"""Names, labels and selectors of a release's objects: they hold the release and the role, nothing else."""

from __future__ import annotations

from generator.template.refs import RELEASE_NAMESPACE, or_else
from generator.values.common import Common

INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = {"app.kubernetes.io/managed-by": "modelyard"}
NAMESPACE_NAME = "kubernetes.io/metadata.name"


def object_name(common: Common, component: str) -> str:
    """Name an object of a component; the one role of a replica bears the release's own name."""
    return str(common.name) if component == "server" else f"{common.name}-{component}"


def selector(common: Common, component: str) -> dict[str, str]:
    """Select the pods of one component."""
    return {INSTANCE: common.name, COMPONENT: component}


def of_release(common: Common) -> dict[str, str]:
    """Label an object that belongs to the whole release."""
    return {INSTANCE: common.name, **MANAGED_BY}


def of_component(common: Common, component: str) -> dict[str, str]:
    """Label an object that belongs to one component."""
    return {**selector(common, component), **MANAGED_BY}


def namespace(common: Common) -> str:
    """The namespace in which the release stands."""
    return or_else(common.namespace, RELEASE_NAMESPACE)
