"""Names of Kubernetes objects, and the one place that knows how long each kind's may be.

Sources: RFC 1123 labels (63), https://kubernetes.io/docs/concepts/overview/working-with-objects/names/;
KEDA 2.21 webhook (HPA prefix `keda-hpa-`, 9); LWS 0.9.0 (pod names
`<name>-<group>-<worker>`, label values 63).
"""

from __future__ import annotations

import re

RELEASE_LIMIT = 30
LABEL_LIMIT = 63

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SERVED_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?")

# characters of an object's name: 63 unless the kind's controller derives longer names from it
LIMITS: dict[str, int] = {
    "ScaledObject": 54,
    "LeaderWorkerSet": 51,
    "DynamoGraphDeployment": 30,
}


def limit(kind: str) -> int:
    """Say how many characters the name of an object of this kind may have."""
    return LIMITS.get(kind, LABEL_LIMIT)


def is_label(text: str) -> bool:
    """Tell whether the text is an RFC 1123 label of at most 63 characters."""
    return len(text) <= LABEL_LIMIT and LABEL.fullmatch(text) is not None


def filename(kind: str, name: str) -> str:
    """Name the file of one rendered object."""
    return f"{kind.lower()}-{name}.yaml"
