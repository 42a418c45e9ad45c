"""What one run of a cluster is made of: its folder, its ports, its parts; as a value that a process can read."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec

from generator.sources.environment import Environment

ARGOCD, KEDA, HTTP_ADDON, LWS, PROMETHEUS = "argocd", "keda", "http-addon", "lws", "prometheus"
PARTS = (ARGOCD, KEDA, HTTP_ADDON, LWS, PROMETHEUS)
# only for who asks: pods that are real processes, addresses of Services, targets of Prometheus
AGENT = "node-agent"

# In a network of our own every process has the port that its manifests name, or one that collides with no other.
FIXED: dict[str, int] = {
    "etcd": 2379,
    "etcd-peer": 2380,
    "api": 6443,
    "controller-manager": 10257,
    "scheduler": 10259,
    "kwok": 10247,
    "redis": 6379,
    "prometheus": 9090,
    "series": 18000,
    "repo-server": 8081,
    "repo-server-metrics": 8084,
    "application-controller": 8082,
    "git": 443,
    "lws-webhook": 9444,
    "lws-health": 18181,
    "lws-metrics": 18182,
    "keda-metrics": 18281,
    "keda-health": 18282,
    "keda-grpc": 9666,
    "keda-webhooks": 9445,
    "keda-webhooks-metrics": 18283,
    "keda-webhooks-health": 18284,
    "keda-adapter": 6444,
    "keda-adapter-metrics": 18285,
    "interceptor": 18080,
    "interceptor-admin": 19090,
    "interceptor-metrics": 12223,
    "scaler": 19091,
    "scaler-metrics": 12224,
    "route-operator-metrics": 12225,
    "route-operator-health": 12226,
    "state-exporter": 12227,
}
# The interceptor and the scaler listen on every address; Services and slices may not name a loopback address.
NODE_ADDRESS = "10.255.0.1"
SERVICES = "10.96.0.0/16"
# Prometheus and the scaler are both known by port 9090: each gets an address of its own.
PROMETHEUS_ADDRESS = "127.0.0.2"
SCALER_ADDRESS = "127.0.0.3"
INTERCEPTOR_ADDRESS = "127.0.0.4"


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """One run: where it keeps its files, what is started, and whether it has namespaces of its own."""

    root: str
    environment: str
    isolated: bool
    parts: tuple[str, ...]
    ports: dict[str, int]
    stages: str = ""
    """A folder of kwok stages for kinds whose controller cannot run here."""
    repository: str = ""
    """A git repository that answers under the environment's own URL."""
    forwards: dict[str, int] = {}
    """Ports of this machine that lead to a port of the cluster, by the port's name."""

    @property
    def folder(self) -> Path:
        """The run's own folder; everything that it writes lies here."""
        return folder_of(Path(self.root), self.environment)

    @property
    def keys(self) -> Path:
        """The throw-away keys."""
        return self.folder / "keys"

    @property
    def series(self) -> Path:
        """What Prometheus scrapes: a text in its own format, which whoever plays an exporter writes."""
        return self.folder / "series" / "metrics"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the processes inside."""
        return self.folder / "inside.kubeconfig"

    @property
    def server(self) -> str:
        """The API server's address, seen from inside."""
        return f"https://127.0.0.1:{self.ports['api']}"


def folder_of(root: Path, environment: str) -> Path:
    """Name the folder of an environment's cluster."""
    return root / ".cache" / "clusters" / environment


def parts_of(environment: Environment) -> tuple[str, ...]:
    """Choose the controllers that an environment needs, of those that can run here."""
    versions = environment.versions
    wanted = {
        ARGOCD: True,
        KEDA: versions.keda is not None,
        HTTP_ADDON: versions.keda_http is not None,
        LWS: versions.lws is not None,
        PROMETHEUS: environment.monitoring is not None,
    }
    return tuple(part for part in PARTS if wanted[part])


def free_ports() -> dict[str, int]:
    """Find a free port of the machine for every name."""
    sockets = {name: socket.socket() for name in FIXED}
    try:
        for item in sockets.values():
            item.bind(("127.0.0.1", 0))
        return {name: item.getsockname()[1] for name, item in sockets.items()}
    finally:
        for item in sockets.values():
            item.close()
