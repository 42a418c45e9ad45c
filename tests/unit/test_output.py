"""Where everything that is made lies, and that whatever lies there is owned."""

from __future__ import annotations

from collections.abc import Mapping

from generator import output
from generator.charts.build import Chart


def test_values_lie_outside_the_folder_that_argo_cd_reads(charts: Mapping[str, Chart]) -> None:
    file, text = output.values_file("prod", "llama", charts["vllm-aggregated-fixed"], {"name": "llama"})
    assert file == "environments/prod/values/llama.yaml"
    assert text == f"# {output.HEADER}\n# chart: vllm-aggregated-fixed\n# version: 0.1.0\nname: llama\n"


def test_an_object_lies_in_the_folder_of_its_release() -> None:
    file, text = output.object_file("prod", "llama", {"kind": "Service", "metadata": {"name": "x"}})
    assert file == "environments/prod/rendered/llama/service-x.yaml" and text.startswith(f"# {output.HEADER}\nkind: ")


def test_objects_of_one_name_in_two_namespaces_have_two_files() -> None:
    made = [
        output.base_path("prod", {"kind": "LimitRange", "metadata": {"name": "models", "namespace": namespace}})
        for namespace in ("a", "b")
    ]
    assert made == [f"environments/prod/rendered/_base/limitrange-{name}-models.yaml" for name in ("a", "b")]


def test_all_that_a_release_has_is_owned_by_it() -> None:
    assert output.owned_by_release("prod", "llama") == (
        "environments/prod/values/llama.yaml",
        "environments/prod/rendered/llama",
        "environments/prod/argocd/application-llama.yaml",
    )


def test_an_environment_owns_made_folders_only() -> None:
    owned = output.owned_by_environment("prod")
    assert not any(place.endswith(("releases", "pins", "environment.yaml")) for place in owned)
