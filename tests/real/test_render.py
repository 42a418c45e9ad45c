"""Helm in batches against Helm one by one, and against `expand`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.charts.build import Chart
from generator.dump import dump
from generator.errors import Location, ProblemsFound
from generator.pipeline import Made
from generator.render import batch
from generator.render.batch import Job, render
from generator.resolve.layers import find
from generator.resolve.release import Resolved
from generator.template.expand import expand, holds
from tests.support.by_hand import template, write_chart

Tree = dict[str, Any]
Texts = Mapping[str, Mapping[str, str]]


def job(key: str, item: Resolved) -> Job:
    minor = item.context.environment.value.versions.kubernetes
    return Job(key, item.chart, item.namespace, item.values, minor)


def jobs_of(resolved: Mapping[str, Resolved]) -> list[Job]:
    return [job(key, item) for key, item in resolved.items()]


def covering(resolved: Mapping[str, Resolved]) -> dict[str, Resolved]:
    """One release for each chart in use, in each environment that uses it."""
    chosen: dict[tuple[str, str], str] = {}
    for key, item in resolved.items():
        chosen.setdefault((item.environment, item.chart), key)
    return {key: resolved[key] for key in chosen.values()}


def texts(charts: Mapping[str, Chart]) -> dict[str, dict[str, str]]:
    return {name: dict(chart.files) for name, chart in charts.items()}


def places(jobs: list[Job]) -> dict[str, Location]:
    return {item.key: Location(f"{item.key}.yaml", 1, 1) for item in jobs}


def test_a_release_by_itself_with_helms_own_schema_check_equals_its_part_of_the_batch(
    resolved: Mapping[str, Resolved],
    made: Mapping[str, Made],
    charts: Mapping[str, Chart],
    helm: Path,
    tmp_path: Path,
) -> None:
    for key, item in covering(resolved).items():
        write_chart(charts[item.chart].files, tmp_path / item.chart)
        file = tmp_path / "values.yaml"
        file.write_text(dump(item.values), encoding="utf-8")
        minor = item.context.environment.value.versions.kubernetes
        found = template(helm, tmp_path / item.chart, file, namespace=item.namespace, minor=minor)
        assert sorted(map(dump, found)) == sorted(map(dump, made[key].objects.values())), key


def test_expand_and_helm_agree_on_every_object_of_every_release(
    resolved: Mapping[str, Resolved], made: Mapping[str, Made], charts: Mapping[str, Chart]
) -> None:
    for key, item in resolved.items():
        expanded = {
            part.file: expand(part.manifest, item.values, item.namespace).data
            for part in charts[item.chart].skeleton
            if holds(part.condition, item.values, item.namespace)
        }
        assert expanded == made[key].objects, key


def test_every_leaf_that_a_value_set_leads_to_a_value_that_is_there(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart]
) -> None:
    for item in covering(resolved).values():
        for part in charts[item.chart].skeleton:
            found = expand(part.manifest, item.values, item.namespace)
            for paths in found.origins.values():
                assert all(find(item.values, path)[0] for path in paths), (part.file, paths)


def test_two_batches_and_any_order_give_the_same(
    resolved: Mapping[str, Resolved], made: Mapping[str, Made], charts: Mapping[str, Chart], helm: Path
) -> None:
    jobs = list(reversed(jobs_of(resolved)))
    done, problems = render(helm, texts(charts), jobs, places(jobs))
    assert not problems
    assert {key: found.objects for key, found in done.items()} == {key: item.objects for key, item in made.items()}


def test_a_release_that_helm_cannot_render_is_named_and_the_rest_is_rendered(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart], helm: Path
) -> None:
    jobs = jobs_of({key: item for key, item in resolved.items() if item.environment == "prod"})
    broken = texts(charts)
    charts_of = [item.chart for item in jobs]
    victim = next(item for item in jobs if charts_of.count(item.chart) > 1)
    condition = f'{{{{ if eq .Values.name "{victim.values["name"]}" }}}}{{{{ fail "no such luck" }}}}{{{{ end }}}}\n'
    broken[victim.chart]["templates/service.yaml"] += condition
    done, problems = render(helm, broken, jobs, places(jobs))
    assert set(done) == {item.key for item in jobs} - {victim.key}
    (problem,) = problems
    assert problem.location == Location(f"{victim.key}.yaml", 1, 1) and problem.hint
    assert re.fullmatch(
        rf"Helm cannot render service\.yaml:\d+:\d+ of chart {victim.chart}: no such luck", problem.message
    )


def test_two_releases_that_fail_are_both_named(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart], helm: Path
) -> None:
    jobs = jobs_of({key: item for key, item in resolved.items() if item.chart == "sglang-aggregated-fixed"})[:2]
    broken = texts(charts)
    broken["sglang-aggregated-fixed"]["templates/service.yaml"] = "a: {{ .Values.name.first }}\n"
    done, problems = render(helm, broken, jobs, places(jobs))
    assert not done
    assert [problem.location.file for problem in problems] == [f"{item.key}.yaml" for item in jobs]


def test_text_that_is_no_yaml_names_its_release(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart], helm: Path
) -> None:
    (key, item), *_ = resolved.items()
    broken = texts(charts)
    broken[item.chart]["templates/service.yaml"] = "a: b: c\n"
    done, problems = render(helm, broken, [job(key, item)], places([job(key, item)]))
    assert not done and problems[0].location.file == f"{key}.yaml"
    assert "mapping values are not allowed in this context" in problems[0].message


def test_a_failure_that_belongs_to_no_release_is_told_as_it_is(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart], helm: Path
) -> None:
    (key, item), *_ = resolved.items()
    broken = texts(charts)
    broken[item.chart]["values.yaml"] = "a: [\n"
    with pytest.raises(ProblemsFound) as found:
        render(helm, broken, [job(key, item)], places([job(key, item)]))
    assert "`helm template x batch" in found.value.problems[0].message


@pytest.mark.parametrize(("count", "size"), [(0, 0), (1, 1), (39, 39), (40, 20), (85, 43), (401, 134), (1000, 200)])
def test_a_large_batch_is_cut_into_equal_parts(count: int, size: int) -> None:
    assert batch._chunk_size(count, count) == size


def test_a_batch_beside_others_is_cut_only_if_it_is_most_of_them() -> None:
    assert (batch._chunk_size(54, 101), batch._chunk_size(54, 80)) == (54, 27)


def test_no_jobs_start_no_helm(charts: Mapping[str, Chart]) -> None:
    assert render(Path("nowhere"), texts(charts), [], {}) == ({}, [])


def test_what_this_machine_says_to_helm_is_not_heard(
    resolved: Mapping[str, Resolved], charts: Mapping[str, Chart], helm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    monkeypatch.setenv("HELM_KUBEVERSION", "1.20.0")
    (key, item), *_ = resolved.items()
    done, problems = render(helm, texts(charts), [job(key, item)], places([job(key, item)]))
    assert not problems and "elsewhere" not in str(done[key].objects)
