"""Every committed facts file: it decodes, is canonical, says where it came from, and is quick to load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.errors import ProblemsFound, Severity
from generator.facts import check_arguments, check_environment, known, load, release_order
from generator.facts.canonical import decode, encode
from generator.facts.extract import EXTRACTORS, extract
from generator.facts.model import Facts, Provenance, Source, Syntax
from generator.facts.store import FOLDER

FILES = sorted(file for file in FOLDER.glob("*/*.json") if file.parent.name != "extract")

# no registry carries these as a package whose source can be read
TRANSCRIBED = ("tensorrt-llm", "tensorrt-llm-disaggregated", "triton", "triton-openai")


def name(file: Path) -> str:
    return f"{file.parent.name}-{file.stem}"


@pytest.fixture(params=FILES, ids=name)
def file(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def test_a_facts_file_is_canonical(file: Path) -> None:
    assert encode(decode(file.read_bytes())) == file.read_bytes()


def test_a_facts_file_names_its_own_engine_and_version(file: Path) -> None:
    facts = decode(file.read_bytes())
    assert (facts.engine, facts.version) == (file.parent.name, file.stem)


def test_a_facts_file_says_which_package_it_was_read_from(file: Path) -> None:
    source = decode(file.read_bytes()).provenance.sources[0]
    assert source.version == file.stem
    if file.parent.name in TRANSCRIBED:
        assert re.search(r" @[0-9a-f]{8}$", source.file)
    else:
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)


def test_facts_without_a_package_call_themselves_reference_data(file: Path) -> None:
    methods = decode(file.read_bytes()).provenance.methods
    whole = all(how.startswith("reference data") for how in methods.values())
    assert whole == (file.parent.name in TRANSCRIBED)


@pytest.mark.parametrize("engine", TRANSCRIBED)
def test_transcribed_facts_are_made_again_from_their_table(engine: str) -> None:
    """Those read from packages are made again by night: a test uses no network."""
    for version in known(engine):
        assert encode(extract(engine, version)) == (FOLDER / engine / f"{version}.json").read_bytes()


def test_a_release_without_a_table_is_a_problem_that_names_the_others() -> None:
    with pytest.raises(ProblemsFound) as caught:
        extract("triton", "1.0.0")
    assert caught.value.problems[0].hint.endswith("there are tables of 2.71.0, 2.73.0dev")


def test_a_facts_file_says_how_each_section_was_read(file: Path) -> None:
    facts = decode(file.read_bytes())
    sections = {"flags", "metrics"} | {name for name in ("config", "environment") if getattr(facts, name)}
    assert sections <= set(facts.provenance.methods)


def test_a_facts_file_can_be_made_again_by_the_command(file: Path) -> None:
    assert file.parent.name in EXTRACTORS


def test_no_spelling_of_a_flag_belongs_to_two_flags(file: Path) -> None:
    spellings = [spelling for flag in decode(file.read_bytes()).flags for spelling in flag.spellings]
    assert len(spellings) == len(set(spellings))


def test_a_facts_file_holds_no_path_of_the_machine_that_made_it(file: Path) -> None:
    assert "modelyard-facts-" not in file.read_text()


def test_versions_are_listed_by_number_not_by_letter() -> None:
    versions = ["0.10.0", "0.9.1", "1.4.0", "1.4.0rc0", "0.10.0.post1"]
    assert sorted(versions, key=release_order) == ["0.9.1", "0.10.0", "0.10.0.post1", "1.4.0rc0", "1.4.0"]


def test_known_versions_come_oldest_first() -> None:
    assert known("vllm")[-1] == "0.33.0"
    assert list(known("vllm")) == sorted(known("vllm"), key=release_order)


def test_an_engine_without_facts_has_no_versions() -> None:
    assert known("no-such-engine") == ()


def test_a_version_without_facts_is_a_problem_that_names_those_that_have_them() -> None:
    with pytest.raises(ProblemsFound) as caught:
        load("vllm", "0.1.0")
    problem = caught.value.problems[0]
    assert problem.message == "no facts of vllm 0.1.0: its flags cannot be checked"
    assert "0.33.0" in problem.hint
    assert "modelyard facts extract vllm 0.1.0" in problem.hint


def test_a_version_may_not_lead_out_of_the_facts_folder() -> None:
    with pytest.raises(ProblemsFound):
        load("vllm", "../sglang/0.5.23")


def test_canonical_text_writes_one_flag_a_line() -> None:
    lines = (FOLDER / "vllm" / "0.33.0.json").read_text().splitlines()
    assert sum('"name": "--port"' in line for line in lines) == 1


def test_an_unknown_key_in_a_facts_file_is_refused() -> None:
    empty = Facts(
        engine="e",
        version="1",
        provenance=Provenance((Source("PyPI e", "1"),), {}),
        syntax=Syntax(parser="argparse"),
    )
    with pytest.raises(ValueError, match="surprise"):
        decode(encode(empty).replace(b'"engine"', b'"surprise": 1, "engine"'))


def test_a_worker_takes_the_flags_of_the_engine_release_that_it_carries() -> None:
    worker = load("dynamo-vllm", "1.6.1")
    assert worker.flag("--disaggregation-mode") is not None
    assert worker.flag("--tensor-parallel-size") is not None


def test_a_worker_does_not_take_the_flags_of_the_engines_own_server() -> None:
    assert load("vllm", "0.31.0").flag("--api-server-count") is not None
    assert load("dynamo-vllm", "1.6.1").flag("--api-server-count") is None


def test_a_worker_exports_the_metrics_of_its_engine_beside_its_own() -> None:
    worker = load("dynamo-vllm", "1.6.1")
    assert worker.metric("vllm:num_requests_waiting") is not None
    assert worker.metric("dynamo_component_uptime_seconds") is not None


def test_a_sglang_worker_takes_what_dynamo_adds_to_the_engines_parser() -> None:
    worker = load("dynamo-sglang", "1.6.1")
    loader = worker.flag("--load-format")
    assert loader is not None and "gms" in loader.choices
    assert load("sglang", "0.5.21").flag("--disable-piecewise-cuda-graph") is None
    assert worker.flag("--disable-piecewise-cuda-graph") is not None
    assert worker.flag("--use-sglang-tokenizer") is not None
    assert worker.flag("--mem-fraction-static") is not None
    assert worker.metric("sglang:num_running_reqs") is not None


@pytest.mark.parametrize(
    ("engine", "args", "message"),
    [
        ("triton", ["--allow-http=false", "--model-repository", "/models"], ""),
        ("triton", ["--allow-http", "nein", "--model-repository", "/models"], "is not true or false"),
        ("triton", ["--alow-http=false"], "is not a flag of triton"),
        ("triton", ["--model-control-mode=explizit"], "is not one of its values"),
        ("tensorrt-llm", ["/model", "--tp_size", "2", "--trust_remote_code"], ""),
        ("tensorrt-llm", ["/model", "--tp-size", "2"], "is not a flag of tensorrt-llm"),
        ("tensorrt-llm", ["--port", "8000"], "no model is given"),
        ("tensorrt-llm-disaggregated", ["-c", "/config.yaml", "-t", "3600"], ""),
        ("tensorrt-llm-disaggregated", ["-c", "/config.yaml", "--tp_size", "2"], "is not a flag of tensorrt-llm"),
        ("aiperf", ["--model", "m", "--url", "http://a", "--streaming", "--concurrency", "10,20"], ""),
        ("aiperf", ["--model", "m", "--concurency", "10"], "is not a flag of aiperf"),
        ("truss", ["folder", "--promote", "--output", "json"], ""),
        ("truss", ["--output", "yaml"], "is not one of its values"),
        ("sglang-router", ["--policy", "cache_aware", "--worker-urls", "http://a", "http://b"], ""),
        ("sglang-router", ["--policy", "cache-aware"], "is not one of its values"),
    ],
)
def test_a_command_line_is_read_as_its_own_parser_does(engine: str, args: list[str], message: str) -> None:
    found = check_arguments(load(engine, known(engine)[-1]), args)
    assert [message in finding.message for finding in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("release", "args", "message"),
    [
        ("1.2.1", ["/model", "--served_model_name", "m"], "is not a flag of tensorrt-llm 1.2.1"),
        ("1.3.0rc29", ["/model", "--served_model_name", "m"], ""),
        ("1.3.0rc29", ["/model", "--set", "max_batch_size=8"], "is not a flag of tensorrt-llm 1.3.0rc29"),
        ("1.4.0rc0", ["/model", "--set", "max_batch_size=8"], ""),
        ("1.2.1", ["/model", "--reasoning_parser", "auto"], "is not one of its values"),
        ("1.3.0rc29", ["/model", "--reasoning_parser", "auto"], ""),
    ],
)
def test_each_release_of_tensorrt_llm_is_read_by_its_own_flags(release: str, args: list[str], message: str) -> None:
    found = check_arguments(load("tensorrt-llm", release), args)
    assert [message in finding.message for finding in found] == ([True] if message else [])


def test_a_configuration_file_has_its_fields_beside_the_flags() -> None:
    fields = {field.name: field for field in load("tensorrt-llm", "1.2.1").config}
    assert fields["kv_cache_config.free_gpu_memory_fraction"].default == 0.9
    assert "hostname" in {field.name for field in load("tensorrt-llm-disaggregated", "1.4.0rc0").config}


def test_the_variables_of_the_production_stack_chart_are_judged_by_the_library() -> None:
    facts = load("lmcache", "0.5.6")
    assert facts.variable("LMCACHE_MAX_LOCAL_CPU_SIZE") is not None
    (found,) = check_environment(facts, ["LMCACHE_LOCAL_CPU", "LMCACHE_NIXL_RECEIVER_HOST"])
    assert (found.name, found.severity) == ("LMCACHE_NIXL_RECEIVER_HOST", Severity.WARNING)
    assert facts.metric("lmcache:num_hit_tokens_total") is not None


@pytest.mark.parametrize(
    ("engine", "hint"),
    [("vlm", "did you mean vllm? facts exist for aiperf, "), ("zzz", "run `modelyard facts extract zzz 1`")],
)
def test_a_program_without_facts_is_met_with_what_was_meant(engine: str, hint: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        load(engine, "1")
    assert found.value.problems[0].hint.startswith(hint)
