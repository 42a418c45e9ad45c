"""The one table of tools: a row here and a `tools/<group>/go.mod` are all that a new tool needs."""

from __future__ import annotations

import enum

import msgspec


class Need(enum.Enum):
    """What a tool is needed for; testing needs what building needs, and more."""

    BUILD = "build"
    TEST = "test"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program built from a pinned Go module; tools of one group share a go.mod and are rebuilt together."""

    name: str
    version: str
    """As the program itself reports it, without `v`."""
    group: str
    module: str
    module_version: str
    package: str
    """Path inside the module."""
    purpose: str
    need: Need
    ask: tuple[str, ...] = ()
    """Arguments that print the version; empty where it cannot tell, then only our own build is used."""
    linked: tuple[str, ...] = ()
    """Variables set by the linker: a build from a module carries no version of its own."""
    tags: str = ""


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
    )
}


def needed_for(need: Need) -> tuple[Tool, ...]:
    """Give the tools that building, or testing, cannot do without, quickest build first."""
    return tuple(tool for tool in TOOLS.values() if need is Need.TEST or tool.need is Need.BUILD)
