"""The one table of tools: a row here and a `tools/<group>/go.mod` are all that a new tool needs."""

from __future__ import annotations

import enum

import msgspec


class Need(enum.Enum):
    """What a tool is needed for; each needs what stands above it, and more."""

    BUILD = "build"
    TEST = "test"
    CLUSTER = "cluster"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program built from a pinned Go module; tools of one group share a go.mod and are rebuilt together."""

    name: str
    version: str
    """As the program itself reports it, without `v`."""
    group: str
    module: str
    module_version: str
    package: str
    """Path inside the module; empty where the module's own root is the program."""
    purpose: str
    need: Need
    ask: tuple[str, ...] = ()
    """Arguments that print the version; empty where it cannot tell, then only our own build is used."""
    linked: tuple[str, ...] = ()
    """Variables set by the linker: a build from a module carries no version of its own."""
    tags: str = ""
    own: bool = False
    """The program's text is ours and lies beside its go.mod; `module` is what it is built upon."""

    @property
    def import_path(self) -> str:
        """Name the package as Go does."""
        if self.own:
            return "."
        return f"{self.module}/{self.package}" if self.package else self.module


# what Kubernetes calls itself: charts see it as their cluster's version
_KUBERNETES = tuple(
    f"{package}.{variable}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable in ("gitVersion=v1.37.2", "gitMajor=1", "gitMinor=37", "gitTreeState=clean")
)


def _kubernetes(name: str, purpose: str, *ask: str) -> Tool:
    return Tool(
        name=name,
        version="1.37.2",
        group="controlplane",
        module="k8s.io/kubernetes",
        module_version="v1.37.2",
        package=f"cmd/{name}",
        purpose=purpose,
        need=Need.CLUSTER,
        ask=ask or ("--version",),
        linked=_KUBERNETES,
    )


def _keda(part: str, purpose: str) -> Tool:
    return Tool(
        name=f"keda-{part}",
        version="2.21.0",
        group="keda",
        module="github.com/kedacore/keda/v2",
        module_version="v2.21.0",
        package=f"cmd/{part}",
        purpose=purpose,
        need=Need.CLUSTER,
        linked=("github.com/kedacore/keda/v2/version.Version=2.21.0",),
    )


def _http_addon(part: str, purpose: str) -> Tool:
    return Tool(
        name=f"http-{part}",
        version="0.15.0",
        group="http-addon",
        module="github.com/kedacore/http-add-on",
        module_version="v0.15.0",
        package=part,
        purpose=purpose,
        need=Need.CLUSTER,
    )


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            name="kubeconform",
            version="0.8.0",
            group="charts",
            module="github.com/yannh/kubeconform",
            module_version="v0.8.0",
            package="cmd/kubeconform",
            purpose="checks manifests against schemas",
            need=Need.BUILD,
            ask=("-v",),
            linked=("main.version=v0.8.0",),
        ),
        Tool(
            name="helm",
            version="4.3.1",
            group="charts",
            module="helm.sh/helm/v4",
            module_version="v4.3.1",
            package="cmd/helm",
            purpose="renders charts",
            need=Need.BUILD,
            ask=("version", "--short"),
            linked=("helm.sh/helm/v4/internal/version.version=v4.3.1",),
        ),
        Tool(
            name="crdcheck",
            version="0.37.2",
            group="crdcheck",
            module="k8s.io/apiextensions-apiserver",
            module_version="v0.37.2",
            package="",
            purpose="judges custom kinds as an API server does",
            need=Need.BUILD,
            own=True,
        ),
        Tool(
            name="actionlint",
            version="1.7.12",
            group="lint",
            module="github.com/rhysd/actionlint",
            module_version="v1.7.12",
            package="cmd/actionlint",
            purpose="checks workflows",
            need=Need.TEST,
            ask=("-version",),
            linked=("github.com/rhysd/actionlint.version=1.7.12",),
        ),
        Tool(
            name="promtool",
            version="3.16.0",
            group="prometheus",
            module="github.com/prometheus/prometheus",
            # Go modules of Prometheus count 3.16.0 as 0.316.0.
            module_version="v0.316.0",
            package="cmd/promtool",
            purpose="checks and tests rules",
            need=Need.TEST,
            ask=("--version",),
            linked=("github.com/prometheus/common/version.Version=3.16.0",),
            # Without service discovery the build takes half the time; rules need none of it.
            tags="remove_all_sd",
        ),
        Tool(
            name="llm-d-inference-sim",
            version="0.10.2",
            group="simulator",
            module="github.com/llm-d/llm-d-inference-sim",
            module_version="v0.10.2",
            package="cmd/llm-d-inference-sim",
            purpose="answers as an engine would",
            need=Need.TEST,
        ),
        Tool(
            name="argocd",
            version="3.6.1",
            group="argocd",
            module="github.com/argoproj/argo-cd/v3",
            module_version="v3.6.1",
            package="cmd",
            purpose="runs health checks and diffs",
            need=Need.TEST,
            ask=("version", "--client", "--short"),
            linked=("github.com/argoproj/argo-cd/v3/common.version=3.6.1",),
        ),
        Tool(
            name="prometheus",
            version="3.16.0",
            group="prometheus",
            module="github.com/prometheus/prometheus",
            module_version="v0.316.0",
            package="cmd/prometheus",
            purpose="answers the queries of triggers",
            need=Need.CLUSTER,
            ask=("--version",),
            linked=("github.com/prometheus/common/version.Version=3.16.0",),
            tags="remove_all_sd",
        ),
        Tool(
            name="etcd",
            version="3.7.3",
            group="controlplane",
            module="go.etcd.io/etcd/server/v3",
            module_version="v3.7.3",
            package="",
            purpose="holds the cluster's objects",
            need=Need.CLUSTER,
        ),
        _kubernetes("kube-apiserver", "accepts or refuses objects"),
        _kubernetes("kube-controller-manager", "makes pods of workloads"),
        _kubernetes("kube-scheduler", "places pods on nodes"),
        _kubernetes("kubectl", "looks into the cluster", "version", "--client"),
        Tool(
            name="kwok",
            version="0.8.0",
            group="controlplane",
            module="sigs.k8s.io/kwok",
            module_version="v0.8.0",
            package="cmd/kwok",
            purpose="plays nodes and their pods",
            need=Need.CLUSTER,
        ),
        Tool(
            name="lws-manager",
            version="0.9.0",
            group="controlplane",
            module="sigs.k8s.io/lws",
            module_version="v0.9.0",
            package="cmd",
            purpose="makes pods of LeaderWorkerSets",
            need=Need.CLUSTER,
        ),
        _http_addon("interceptor", "holds requests"),
        _http_addon("scaler", "tells KEDA of held requests"),
        _http_addon("operator", "tells of the routes' state"),
        _keda("operator", "scales"),
        _keda("adapter", "gives metrics to autoscalers"),
        _keda("webhooks", "refuses a second owner of replicas"),
    )
}


def needed_for(need: Need) -> tuple[Tool, ...]:
    """Give the tools that a need, and those above it, cannot do without, quickest build first."""
    needs = list(Need)
    within = needs[: needs.index(need) + 1]
    return tuple(tool for tool in TOOLS.values() if tool.need in within)
