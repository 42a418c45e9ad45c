"""The one door of the environment: what of a cluster reaches the values of a release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from generator.resolve.layers import find
from generator.resolve.platform import mirrored
from generator.resolve.release import Resolved
from generator.sources.load import Sources

MIRRORS = {"docker.io": "mirror/hub", "docker.io/vllm": "mirror/vllm", "ghcr.io": "mirror/ghcr"}


@pytest.mark.parametrize(
    ("repository", "found"),
    [
        ("docker.io/lmsysorg/sglang", "mirror/hub/lmsysorg/sglang"),
        ("docker.io/vllm/vllm-openai", "mirror/vllm/vllm-openai"),
        ("docker.io/vllm-x/y", "mirror/hub/vllm-x/y"),
        ("docker.iox/a", None),
        ("quay.io/a", None),
    ],
)
def test_an_image_goes_through_the_longest_mirror_that_fits(repository: str, found: str | None) -> None:
    made = mirrored(repository, MIRRORS)
    assert (made[0] if made else None) == found


def test_every_image_of_every_release_goes_through_the_mirror_of_its_environment(
    resolved: Mapping[str, Resolved], sources: Sources
) -> None:
    for key, item in resolved.items():
        mirrors = sources.environments[item.environment].environment.value.mirrors
        for repository in repositories(item.values):
            assert not any(repository == p or repository.startswith(f"{p}/") for p in mirrors), (key, repository)


def repositories(tree: object) -> list[str]:
    if not isinstance(tree, dict):
        return []
    own = [tree["repository"]] if isinstance(tree.get("repository"), str) else []
    return own + [found for value in tree.values() for found in repositories(value)]


def test_a_pool_gives_architecture_labels_and_tolerations(resolved: Mapping[str, Resolved]) -> None:
    item = resolved["prod/gpt-oss-120b-gb200"]
    for role in item.values["roles"].values():
        assert role["architecture"] == "arm64"
        assert role["nodeSelector"] == {"example.com/pool": "gb200"}
        assert {"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"} in role[
            "tolerations"
        ]


def test_a_fact_of_the_cluster_leads_to_its_line(resolved: Mapping[str, Resolved], root: Path) -> None:
    place = resolved["prod/llama-8b"].locate(("platform", "gateway", "listener"))
    line = (root / place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert place.file == "environments/prod/environment.yaml" and line.strip() == "listener: https"


def test_a_release_without_gpus_asks_for_no_token_and_no_claim(resolved: Mapping[str, Resolved]) -> None:
    for key, item in resolved.items():
        if not item.context.needs_weights:
            assert find(item.values, ("security", "token", "secret"))[1] == "", key
            assert find(item.values, ("security", "token", "remoteKey"))[1] == "", key
            assert item.values["cache"]["kind"] == "ephemeral", key


def test_hostnames_are_served_name_and_domain(resolved: Mapping[str, Resolved], sources: Sources) -> None:
    for item in resolved.values():
        environment = sources.environments[item.environment].environment.value
        if environment.gateway is not None:
            assert item.values["route"]["hostnames"] == [f"{item.context.served_name}.{environment.domain}"]
