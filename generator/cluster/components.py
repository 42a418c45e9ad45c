"""The processes of a cluster: their commands, what they read, and how each says that it is ready."""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from generator import tools
from generator.cluster import setup
from generator.cluster.nodes import FAKE
from generator.cluster.setup import PROMETHEUS_ADDRESS, SERVICES, Setup
from generator.sources.environment import Environment, Keda

Manifest = dict[str, Any]
AGENT_KEY = '.metadata.annotations["modelyard.dev/process"]'


class Component(msgspec.Struct, frozen=True):
    """One process; `ready` is an address that answers 200, or `tcp://host:port` that accepts."""

    name: str
    command: list[str]
    ready: str
    environment: dict[str, str] = {}


def _tool(run: Setup, name: str) -> str:
    return str(tools.find(name))


def foundation(run: Setup) -> Iterator[Component]:
    """The store and the API server, which everything else needs."""
    ports = run.ports
    client, peer = f"http://127.0.0.1:{ports['etcd']}", f"http://127.0.0.1:{ports['etcd-peer']}"
    yield Component(
        "etcd",
        [
            _tool(run, "etcd"),
            "--name=m",
            f"--data-dir={run.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=m={peer}",
            # what is thrown away need not survive a power cut
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
        f"{client}/health",
    )
    keys = run.keys
    yield Component(
        "kube-apiserver",
        [
            _tool(run, "kube-apiserver"),
            f"--etcd-servers={client}",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['api']}",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={keys / 'server.crt'}",
            f"--tls-private-key-file={keys / 'server.key'}",
            f"--client-ca-file={keys / 'ca.crt'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={keys / 'accounts.key'}",
            f"--service-account-signing-key-file={keys / 'accounts.key'}",
            f"--requestheader-client-ca-file={keys / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={keys / 'front-proxy.crt'}",
            f"--proxy-client-key-file={keys / 'front-proxy.key'}",
            f"--service-cluster-ip-range={SERVICES}",
            "--allow-privileged=true",
            "--profiling=false",
        ],
        "",  # asked with a client certificate, by whoever waits for it
    )


def controllers(run: Setup) -> Iterator[Component]:
    """What makes pods, places them and plays the nodes."""
    config, ports = str(run.kubeconfig), run.ports
    delegated = [f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}"]
    yield Component(
        "kube-controller-manager",
        [
            _tool(run, "kube-controller-manager"),
            f"--kubeconfig={config}",
            *delegated,
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['controller-manager']}",
            "--leader-elect=false",
            f"--service-account-private-key-file={run.keys / 'accounts.key'}",
            f"--root-ca-file={run.keys / 'ca.crt'}",
            "--use-service-account-credentials=true",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=2s",
        ],
        f"https://127.0.0.1:{ports['controller-manager']}/healthz",
    )
    yield Component(
        "kube-scheduler",
        [
            _tool(run, "kube-scheduler"),
            f"--config={run.folder / 'scheduler.yaml'}",
            *delegated,
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['scheduler']}",
        ],
        f"https://127.0.0.1:{ports['scheduler']}/readyz",
    )


def player(run: Setup) -> Component:
    """Plays nodes, pods and volumes; it looks up the kinds of its stages once, when it starts."""
    return Component(
        "kwok",
        [
            _tool(run, "kwok"),
            f"--kubeconfig={run.kubeconfig}",
            f"--config={run.folder / 'kwok.yaml'}",
            "--node-ip=127.0.0.1",
            f"--server-address=127.0.0.1:{run.ports['kwok']}",
        ],
        f"http://127.0.0.1:{run.ports['kwok']}/healthz",
    )


def early(run: Setup) -> Iterator[Component]:
    """Processes of the parts that need no API server to start."""
    ports = run.ports
    if setup.PROMETHEUS in run.parts:
        host = PROMETHEUS_ADDRESS if run.isolated else "127.0.0.1"
        address = f"{host}:{ports['prometheus']}"
        yield Component(
            "prometheus",
            [
                _tool(run, "prometheus"),
                f"--config.file={run.folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={run.folder / 'prometheus'}",
                f"--web.listen-address={address}",
                "--web.enable-lifecycle",
                "--log.level=warn",
            ],
            f"http://{address}/-/ready",
        )
        served = ["--bind", "127.0.0.1", "--directory", str(run.series.parent), str(ports["series"])]
        here = f"http://127.0.0.1:{ports['series']}/metrics"
        yield Component("series", [sys.executable, "-m", "http.server", *served], here)
    if setup.ARGOCD in run.parts:
        yield Component(
            "valkey",
            [
                str(tools.find_valkey()),
                *("--bind", "127.0.0.1", "--port", str(ports["redis"]), "--save", "", "--appendonly", "no"),
            ],
            f"tcp://127.0.0.1:{ports['redis']}",
        )
        yield Component(
            "argocd-repo-server",
            [
                _tool(run, "argocd"),
                "--address=127.0.0.1",
                f"--port={ports['repo-server']}",
                "--metrics-address=127.0.0.1",
                f"--metrics-port={ports['repo-server-metrics']}",
                f"--redis=127.0.0.1:{ports['redis']}",
                "--disable-tls",
                "--client-ca-path=",
                "--revision-cache-expiration=2s",
                "--logformat=text",
            ],
            f"http://127.0.0.1:{ports['repo-server-metrics']}/healthz",
            _argocd_environment(run, "argocd-repo-server"),
        )


def late(run: Setup, environment: Environment) -> Iterator[Component]:
    """Processes of the parts that need their definitions in place."""
    if setup.AGENT in run.parts and run.isolated:
        # first, so that the others find the names of Services
        yield _agent(run)
    if setup.ARGOCD in run.parts:
        yield _application_controller(run, environment)
    if setup.KEDA in run.parts:
        yield from _keda(run, environment)
    if setup.HTTP_ADDON in run.parts and run.isolated:
        yield from _http_addon(run, environment)
    if setup.LWS in run.parts:
        yield Component(
            "lws-manager",
            [_tool(run, "lws-manager"), f"--kubeconfig={run.kubeconfig}", f"--config={run.folder / 'lws.yaml'}"],
            f"http://127.0.0.1:{run.ports['lws-health']}/readyz",
        )


def _agent(run: Setup) -> Component:
    module = [sys.executable, "-m", "generator.cluster.agent"]
    ready = f"http://127.0.0.1:{run.ports['state-exporter']}/metrics"
    return Component("node-agent", [*module, str(run.folder / "setup.json")], ready)


def _argocd_environment(run: Setup, program: str) -> dict[str, str]:
    own = run.folder / "argocd"
    return {
        "ARGOCD_BINARY_NAME": program,
        # lets `https://kubernetes.default.svc` mean the cluster of the kubeconfig
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(own / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(own / "ssh"),
        "ARGOCD_GPG_DATA_PATH": str(own / "gpg" / "source"),
        "ARGOCD_GNUPGHOME": str(own / "gpg" / "keys"),
        "KUBECONFIG": str(run.kubeconfig),
        "HOME": str(own / "home"),
        "TMPDIR": str(own / "tmp"),
        "PATH": f"{own / 'bin'}:{os.environ.get('PATH', '')}",
    }


def _application_controller(run: Setup, environment: Environment) -> Component:
    ports = run.ports
    return Component(
        "argocd-application-controller",
        [
            _tool(run, "argocd"),
            f"--namespace={environment.argocd_namespace}",
            f"--kubeconfig={run.kubeconfig}",
            f"--repo-server=127.0.0.1:{ports['repo-server']}",
            "--repo-server-plaintext",
            f"--redis=127.0.0.1:{ports['redis']}",
            f"--metrics-port={ports['application-controller']}",
            # by default ten are synced at a time, and each pauses for two seconds after every wave
            "--operation-processors=40",
            "--app-resync=15",
            "--app-resync-jitter=0",
            "--self-heal-timeout-seconds=1",
            "--persist-resource-health=true",
            "--logformat=text",
        ],
        f"http://127.0.0.1:{ports['application-controller']}/healthz",
        _argocd_environment(run, "argocd-application-controller"),
    )


def _keda(run: Setup, environment: Environment) -> Iterator[Component]:
    config, ports, served = run.kubeconfig, run.ports, run.keys / "served"
    keda = environment.keda or Keda()
    namespace, qps = keda.namespace, keda.kube_api_qps
    own = {
        "KUBECONFIG": str(config),
        "POD_NAMESPACE": namespace,
        "POD_NAME": "keda-operator-0",
        "KEDA_CLUSTER_OBJECT_NAMESPACE": namespace,
        "WATCH_NAMESPACE": "",
    }
    yield Component(
        "keda-operator",
        [
            _tool(run, "keda-operator"),
            f"--kubeconfig={config}",
            f"--metrics-bind-address=127.0.0.1:{ports['keda-metrics']}",
            f"--health-probe-bind-address=127.0.0.1:{ports['keda-health']}",
            f"--metrics-service-bind-address=127.0.0.1:{ports['keda-grpc']}",
            f"--cert-dir={served}",
            "--enable-cert-rotation=false",
            "--enable-webhook-patching=false",
            "--enable-apiservice-patching=false",
            "--leader-elect=false",
            "--zap-encoder=console",
            f"--kube-api-qps={qps}",
            f"--kube-api-burst={2 * qps}",
        ],
        f"http://127.0.0.1:{ports['keda-health']}/readyz",
        own,
    )
    yield Component(
        "keda-webhooks",
        [
            _tool(run, "keda-webhooks"),
            f"--kubeconfig={config}",
            f"--metrics-bind-address=127.0.0.1:{ports['keda-webhooks-metrics']}",
            f"--health-probe-bind-address=127.0.0.1:{ports['keda-webhooks-health']}",
            f"--port={ports['keda-webhooks']}",
            f"--cert-dir={served}",
        ],
        f"http://127.0.0.1:{ports['keda-webhooks-health']}/readyz",
        own,
    )
    yield Component(
        "keda-adapter",
        [
            _tool(run, "keda-adapter"),
            f"--kubeconfig={config}",
            f"--lister-kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={ports['keda-adapter']}",
            f"--port={ports['keda-adapter-metrics']}",
            f"--metrics-service-address=localhost:{ports['keda-grpc']}",
            f"--client-ca-file={served / 'ca.crt'}",
            f"--tls-cert-file={served / 'tls.crt'}",
            f"--tls-private-key-file={served / 'tls.key'}",
            f"--cert-dir={served}",
        ],
        f"https://127.0.0.1:{ports['keda-adapter']}/readyz",
        own,
    )


def _http_addon(run: Setup, environment: Environment) -> Iterator[Component]:
    ports = run.ports
    namespace = (environment.keda or Keda()).namespace
    own = {"KUBECONFIG": str(run.kubeconfig)}
    yield Component(
        "http-interceptor",
        [_tool(run, "http-interceptor"), "--zap-encoder=console"],
        f"http://127.0.0.1:{ports['interceptor-admin']}/readyz",
        own
        | {
            "KEDA_HTTP_PROXY_PORT": str(ports["interceptor"]),
            "KEDA_HTTP_ADMIN_PORT": str(ports["interceptor-admin"]),
            "OTEL_PROM_EXPORTER_PORT": str(ports["interceptor-metrics"]),
        },
    )
    yield Component(
        "http-scaler",
        [_tool(run, "http-scaler"), "--zap-encoder=console"],
        f"tcp://127.0.0.1:{ports['scaler']}",
        own
        | {
            "KEDA_HTTP_SCALER_PORT": str(ports["scaler"]),
            "OTEL_PROM_EXPORTER_PORT": str(ports["scaler-metrics"]),
            "KEDA_HTTP_SCALER_TARGET_ADMIN_NAMESPACE": namespace,
            "KEDA_HTTP_SCALER_TARGET_ADMIN_SERVICE": "keda-add-ons-http-interceptor-admin",
            "KEDA_HTTP_SCALER_TARGET_ADMIN_DEPLOYMENT": "keda-add-ons-http-interceptor",
            "KEDA_HTTP_SCALER_TARGET_ADMIN_PORT": str(ports["interceptor-admin"]),
        },
    )
    yield Component(
        "http-operator",
        [
            _tool(run, "http-operator"),
            f"--metrics-bind-address=127.0.0.1:{ports['route-operator-metrics']}",
            f"--health-probe-bind-address=127.0.0.1:{ports['route-operator-health']}",
        ],
        f"http://127.0.0.1:{ports['route-operator-health']}/readyz",
        own
        | {
            "KEDA_HTTP_OPERATOR_NAMESPACE": namespace,
            "KEDA_HTTP_OPERATOR_EXTERNAL_SCALER_SERVICE": "keda-add-ons-http-external-scaler",
            "KEDA_HTTP_OPERATOR_EXTERNAL_SCALER_PORT": "9090",
        },
    )


def write_files(run: Setup, environment: Environment) -> None:
    """Write what the processes read when they start."""
    folder = run.folder
    scheduler = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(run.kubeconfig), "qps": 300, "burst": 600},
        "leaderElection": {"leaderElect": False},
    }
    # block style: a file that starts with a brace is taken for JSON of another kind
    (folder / "scheduler.yaml").write_text(yaml.safe_dump(scheduler))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(_prometheus(run)))
    run.series.parent.mkdir(exist_ok=True)
    run.series.touch()
    (folder / "targets").mkdir(exist_ok=True)
    (folder / "lws.yaml").write_text(yaml.safe_dump(_lws(run)))
    _argocd_files(run, environment)


def write_stages(run: Setup, environment: Environment, stages: list[Manifest]) -> None:
    """Write what kwok plays."""
    (run.folder / "kwok.yaml").write_text(yaml.safe_dump_all(_kwok(environment, stages)))


def _kwok(environment: Environment, stages: list[Manifest]) -> Iterator[Manifest]:
    yield {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            # a configuration file gets no defaults for the three
            "nodeLeaseParallelism": 4,
            "podPlayStageParallelism": 4,
            "nodePlayStageParallelism": 4,
            "manageAllNodes": False,
            "manageNodesWithAnnotationSelector": f"{FAKE}=fake",
            "cidr": "10.0.0.0/16",
            "nodeLeaseDurationSeconds": 40,
        },
    }
    classes = sorted(environment.storage.classes) if environment.storage else []
    for stage in stages:
        yield from _adapted(stage, classes)


def _adapted(stage: Manifest, classes: list[str]) -> Iterator[Manifest]:
    """Let kwok play our storage classes, and leave pods that are real processes to the node agent."""
    name = stage["metadata"]["name"]
    text = json.dumps(stage)
    if "kwok-volume" in text:
        allowed = ", ".join(f"'{found}'" for found in classes)
        yield json.loads(text.replace("== 'kwok-volume'", f"in [{allowed}]"))
        return
    found = copy.deepcopy(stage)
    if name in ("pod-ready", "pod-delete"):
        if name == "pod-ready":
            yield _started_only(stage)
        found["spec"]["selector"]["matchExpressions"].append({"key": AGENT_KEY, "operator": "DoesNotExist"})
    yield found


def _started_only(stage: Manifest) -> Manifest:
    """Copy kwok's stage for pods of the node agent: an address and the phase, but not ready."""
    found = copy.deepcopy(stage)
    found["metadata"]["name"] = "pod-of-agent"
    template: str = found["spec"]["next"]["statusTemplate"]
    for condition in ("Ready", "ContainersReady"):
        template = template.replace(f'status: "True"\n  type: {condition}\n', f'status: "False"\n  type: {condition}\n')
    found["spec"]["next"]["statusTemplate"] = template.replace("ready: true", "ready: false", 1)
    found["spec"]["selector"]["matchExpressions"].append({"key": AGENT_KEY, "operator": "Exists"})
    return found


def _prometheus(run: Setup) -> Manifest:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "files",
                "honor_labels": True,
                "file_sd_configs": [{"files": [f"{run.folder / 'targets'}/*.json"], "refresh_interval": "1s"}],
            },
            {
                "job_name": "series",
                # a text without exporter: its series say themselves whose they are
                "honor_labels": True,
                "fallback_scrape_protocol": "PrometheusText0.0.4",
                "static_configs": [{"targets": [f"127.0.0.1:{run.ports['series']}"]}],
            },
        ],
    }


def _lws(run: Setup) -> Manifest:
    ports = run.ports
    return {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "webhook": {"host": "127.0.0.1", "port": ports["lws-webhook"], "certDir": str(run.keys / "served")},
        "health": {"healthProbeBindAddress": f"127.0.0.1:{ports['lws-health']}"},
        "metrics": {"bindAddress": f"127.0.0.1:{ports['lws-metrics']}"},
    }


def _argocd_files(run: Setup, environment: Environment) -> None:
    own = run.folder / "argocd"
    for name in ("tls", "ssh", "gpg/source", "gpg/keys", "home", "tmp", "bin"):
        (own / name).mkdir(parents=True, exist_ok=True)
    # called for every commit, whether signatures are checked or not
    wrapper = own / "bin" / "git-verify-wrapper.sh"
    wrapper.write_text("#!/bin/sh\nexit 0\n")
    wrapper.chmod(0o755)
    host = git_host(environment)
    if host:
        (own / "tls" / host).write_bytes((run.keys / "ca.crt").read_bytes())


def git_host(environment: Environment) -> str:
    """Name the host of the environment's git repository; empty where it is not read over https."""
    parts = urlsplit(environment.git.url)
    return parts.hostname or "" if parts.scheme == "https" and parts.port in (None, 443) else ""
