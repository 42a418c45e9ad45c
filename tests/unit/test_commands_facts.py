"""What an upgrade touches, and a new release as one change: on a small engine beside the real catalog."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from generator import cli
from generator.charts.build import Chart
from generator.commands import facts as command
from generator.commands import touched
from generator.commands.releases import with_release
from generator.errors import Exit, ProblemsFound
from generator.facts import Facts, Flag, Metric, MetricType, ValueType, load, store
from generator.facts import extract as extraction
from generator.facts.canonical import encode
from generator.sources.catalog import EngineFile
from generator.sources.check import convert
from generator.sources.document import read
from generator.sources.load import Sources

Copy = Callable[..., Path]


def add_release(root: Path, file: str, version: str) -> str:
    text, before = with_release(root, file, version)
    (root / file).write_text(text)
    return before


def without(facts: Facts, **changes: Any) -> Facts:
    return msgspec.structs.replace(facts, **changes)


def simulator(version: str) -> Facts:
    """A release of the simulator that lost a flag and a metric which are used, and one that nobody uses."""
    known = load("simulator", "0.10.2")
    gone = {"--max-num-seqs", "--failure-types"}
    flags = [flag for flag in known.flags if flag.name not in gone]
    metrics = [metric for metric in known.metrics if metric.name != "vllm:num_requests_waiting"]
    new = (Flag(name="--brand-new", type=ValueType.STRING), *flags)
    return without(known, version=version, flags=new, metrics=tuple(metrics))


@pytest.fixture
def small(repository: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with facts of its own, and an extractor that needs no network."""
    folder = tmp_path / "generator" / "facts"
    shutil.copytree(store.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "extract"))
    monkeypatch.setattr(store, "FOLDER", folder)
    monkeypatch.setitem(extraction.EXTRACTORS, "simulator", lambda version, work: simulator(version))
    store.forget()
    yield repository("small")
    monkeypatch.undo()
    store.forget()


@pytest.fixture
def uses(root: Path, sources: Sources, charts: Mapping[str, Chart]) -> Callable[..., dict[str, set[str]]]:
    def find(engine: str, version: str, section: str) -> dict[str, set[str]]:
        facts = load(engine, version)
        users = touched.users(root, sources, charts, facts, facts)
        return {name: {str(user) for user in found} for (part, name), found in users.items() if part == section}

    return find


def test_a_chart_uses_the_flags_that_its_template_spells(uses: Callable[..., dict[str, set[str]]]) -> None:
    flags = uses("vllm", "0.33.0", "flags")
    assert "chart vllm-aggregated-fixed" in flags["--served-model-name"]
    assert "chart vllm-aggregated-fixed" in flags["--max-model-len"]
    assert not [user for users in flags.values() for user in users if "sglang" in user or "dynamo" in user]


def test_a_stack_runs_an_engine_of_its_own(uses: Callable[..., dict[str, set[str]]]) -> None:
    worker = uses("dynamo-vllm", "1.6.1", "flags")
    assert worker["--tensor-parallel-size"] == {
        "chart dynamo-vllm-aggregated-fixed",
        "chart dynamo-vllm-disaggregated-fixed",
    }
    assert "--http-port" not in worker
    assert "--http-port" in uses("dynamo-frontend", "1.6.1", "flags")


def test_a_router_is_used_where_it_stands(uses: Callable[..., dict[str, set[str]]]) -> None:
    router = uses("vllm-router", "0.1.17", "flags")
    assert set.union(*router.values()) == {"chart vllm-disaggregated-fixed", "chart vllm-disaggregated-queue"}


def test_a_query_uses_the_metric_it_reads(uses: Callable[..., dict[str, set[str]]]) -> None:
    assert uses("vllm", "0.33.0", "metrics")["vllm:num_requests_waiting"] >= {"chart vllm-aggregated-queue"}


def test_a_model_uses_the_parsers_it_names_and_its_architecture(uses: Callable[..., dict[str, set[str]]]) -> None:
    assert "model qwen3-8b" in uses("vllm", "0.33.0", "tool_parsers")["hermes"]
    assert "model qwen3-8b" in uses("vllm", "0.33.0", "reasoning_parsers")["qwen3"]
    assert "model qwen3-8b" in uses("vllm", "0.33.0", "architectures")["Qwen3ForCausalLM"]


def test_a_dashboard_uses_the_metrics_in_its_text(
    tmp_path: Path, sources: Sources, charts: Mapping[str, Chart]
) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "engine.json").write_text('{"expr": "rate(vllm:prompt_tokens_total[5m])"}')
    facts = load("vllm", "0.33.0")
    users = touched.users(tmp_path, sources, charts, facts, facts)
    assert "dashboard engine" in {str(user) for user in users["metrics", "vllm:prompt_tokens_total"]}


def test_flags_that_people_added_belong_to_their_file(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release = small / "environments/dev/releases/llama-8b.yaml"
    text = release.read_text()
    addition = "values:\n  roles:\n    server:\n      extraArgs: [--failure-types, rate_limit]\n"
    assert "values:" not in text
    release.write_text(text + addition)
    assert cli.main(["--root", str(small), "facts", "bump", "simulator", "0.11.0"]) == Exit.CLEAN
    out = capsys.readouterr().out
    assert "  - --failure-types\n      used by release dev/llama-8b\n" in out


def test_a_bump_writes_facts_and_release_and_reports(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--root", str(small), "facts", "bump", "simulator", "0.11.0"]) == Exit.CLEAN
    out = capsys.readouterr().out
    assert "catalog/engines/simulator.yaml: 0.11.0 is the default, in place of 0.10.2" in out
    assert "  + --brand-new\n" in out
    assert "1 added, 3 removed, 0 renamed, 0 changed; 3 may break what uses them" in out
    assert "  - vllm:num_requests_waiting\n      used by chart simulator-aggregated-queue" in out
    assert "\nnext:\n  1. In catalog/engines/simulator.yaml resolve the digest" in out
    assert max(map(len, out.splitlines())) <= 100
    assert (store.FOLDER / "simulator" / "0.11.0.json").read_bytes() == encode(simulator("0.11.0"))


def test_a_renamed_flag_is_one_line_with_both_names_and_its_users(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def renamed(version: str, work: Path) -> Facts:
        known = load("simulator", "0.10.2")
        flags = tuple(
            msgspec.structs.replace(flag, name="--maximum-of-sequences-at-a-time", aliases=(flag.name,))
            if flag.name == "--max-num-seqs"
            else flag
            for flag in known.flags
        )
        return without(known, version=version, flags=flags)

    monkeypatch.setitem(extraction.EXTRACTORS, "simulator", renamed)
    assert cli.main(["--root", str(small), "facts", "bump", "simulator", "0.11.0"]) == Exit.CLEAN
    out = capsys.readouterr().out
    assert (
        "flags\n"
        "  > --max-num-seqs -> --maximum-of-sequences-at-a-time: the old name is an alias now\n"
        "      used by chart simulator-aggregated-fixed" in out
    )
    assert "0 added, 0 removed, 1 renamed, 0 changed; 0 may break what uses them" in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_bump_changes_one_place_and_the_default_of_the_catalog(small: Path) -> None:
    file = "catalog/engines/vllm.yaml"
    before = (small / file).read_text().splitlines()
    assert add_release(small, file, "0.34.0") == "0.33.0"
    after = (small / file).read_text().splitlines()
    added = [line for line in after if line not in before]
    assert [line for line in before if line not in after] == ["default: 0.33.0"]
    assert (
        "  # The version inside Dynamo 1.6.1, so that a model can be tried on the very engine that Dynamo runs."
        in after
    )
    assert "        tag: v0.34.0-cu129" in added
    assert not [line for line in added if "&id" in line or line != line.rstrip()]


def test_the_new_release_is_a_legal_one_and_says_what_nobody_read(small: Path) -> None:
    file = "catalog/engines/vllm.yaml"
    add_release(small, file, "0.34.0")
    document, problems = read(small, file)
    assert document is not None and not problems
    engine = convert(document, EngineFile)
    first = engine.releases[0]
    assert (engine.default, first.version, first.facts) == ("0.34.0", "0.34.0", "0.34.0.json")
    image = first.images["cuda13"]
    assert (image.tag, image.digest) == ("v0.34.0", None)
    assert image.source.startswith("as of 0.33.0, not read again: ")
    assert "digest" in image.unknown


def test_a_second_bump_names_the_release_before_it_alone(small: Path) -> None:
    file = "catalog/engines/vllm.yaml"
    add_release(small, file, "0.34.0")
    add_release(small, file, "0.35.0")
    whole = yaml.safe_load((small / file).read_text())
    assert whole["releases"][0]["images"]["cuda12"]["source"].count("as of") == 1
    assert [release["version"] for release in whole["releases"]] == ["0.35.0", "0.34.0", "0.33.0", "0.31.0"]


def refusal(small: Path, file: str, version: str) -> str:
    with pytest.raises(ProblemsFound) as caught:
        add_release(small, file, version)
    return caught.value.problems[0].message


def test_a_release_that_is_there_is_refused(small: Path) -> None:
    assert refusal(small, "catalog/engines/vllm.yaml", "0.31.0") == "release 0.31.0 is there already"


def test_a_file_that_would_change_elsewhere_is_left_alone(small: Path) -> None:
    file = small / "catalog/engines/vllm.yaml"
    file.write_text(file.read_text().replace("tag: v0.33.0\n", "tag:   v0.33.0\n"))
    text = file.read_text()
    assert "is not written as this command writes YAML" in refusal(small, "catalog/engines/vllm.yaml", "0.34.0")
    assert file.read_text() == text


def test_an_engine_that_is_not_in_the_catalog_is_refused(small: Path) -> None:
    with pytest.raises(ProblemsFound) as caught:
        command.bump(small, "vlm", "0.34.0")
    assert caught.value.problems[0].hint == "engines of the catalog: sglang, simulator, vllm"


def test_the_command_prints_the_changes_by_section(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.diff(root, "vllm", "0.17.0", "0.18.0") == Exit.CLEAN
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "flags"
    assert "  + --shutdown-timeout" in printed
    assert printed[-1] == "signs: + added, - removed, > renamed, ~ changed"
    assert max(map(len, printed)) <= 100


def test_metrics_are_found_by_their_series() -> None:
    known = Metric("e:seconds", MetricType.HISTOGRAM)
    facts = without(load("simulator", "0.10.2"), metrics=(known,))
    assert touched._known_as(facts, "metrics", "e:seconds_bucket") == "e:seconds"


def test_a_bump_of_a_catalog_with_mistakes_writes_nothing(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small / "catalog/models/qwen3-8b.yaml"
    model.write_text(model.read_text().replace("task: chat", "task: chatting"))
    before = (small / "catalog/engines/simulator.yaml").read_text()
    assert cli.main(["--root", str(small), "facts", "bump", "simulator", "0.11.0"]) == Exit.PROBLEMS
    assert "qwen3-8b.yaml" in capsys.readouterr().out
    assert (small / "catalog/engines/simulator.yaml").read_text() == before
    assert not (store.FOLDER / "simulator" / "0.11.0.json").exists()
