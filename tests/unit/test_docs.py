"""What the documents say is so: commands exist, links lead somewhere, tables and outputs follow from the code."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
import yaml

from generator import cli
from generator.sources.environment import Environment, Release
from generator.sources.load import Sources

ROOT = Path(__file__).parents[2]
COUNTED = ("catalog/models/*.yaml", "environments/*/environment.yaml", "environments/*/releases/*.yaml", "charts/*/")

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|(?:Makefile|pyproject\.toml|\w+\.md)")


def _load_made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("made", ROOT / "docs" / "made.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _load_made()
PAGES: list[Path] = made.pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def commands(text: str) -> list[str]:
    """Every command line of modelyard in the code of a page, without what it is piped into."""
    code = [line.strip() for _, _, block in _FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    code += _CODE.findall(_FENCE.sub("", text))
    lines = [line.removeprefix("$ ").removeprefix(".venv/bin/") for line in code]
    return [re.split(r" [|>] ", line)[0] for line in lines if re.match(r"modelyard [a-z]", line)]


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text()
    found = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert found
    return set(found[1].split())


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_command_line_is_one_that_modelyard_takes(page: Path) -> None:
    names = {_name(line) for line, _ in made._commands(cli.parser(), ())}
    for line in commands(page.read_text()):
        # a name alone, or a usage that is made from the parser
        if line.removeprefix("modelyard ") in names or "[" in line or "{" in line or " or " in line:
            continue
        try:
            cli.parser().parse_args(shlex.split(line)[1:])
        except SystemExit as stop:
            pytest.fail(f"{page.name}: `{line}` gives exit code {stop.code}")


def test_there_are_command_lines_to_look_at() -> None:
    assert sum(len(commands(page.read_text())) for page in PAGES) > 15


def test_every_command_is_in_the_readme() -> None:
    said = {_name(line.removeprefix("modelyard ")) for line in commands((ROOT / "README.md").read_text())}
    assert {_name(line) for line, _ in made._commands(cli.parser(), ())} <= said


def _name(usage: str) -> str:
    """The words before the first argument."""
    found = re.match(r"[a-z]+( [a-z]+(?= |$))*", usage)
    assert found
    return found[0]


@each_page
def test_every_make_target_exists(page: Path) -> None:
    named = set(re.findall(r"make ([a-z-]+)`", page.read_text()))
    assert named <= targets()


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@each_page
def test_every_path_in_code_exists(page: Path) -> None:
    tops = {place.name for place in ROOT.iterdir()}
    for code in _CODE.findall(_FENCE.sub("", page.read_text())):
        if _PATH.fullmatch(code) and code.split("/")[0] in tops - {".venv", ".tools", ".cache"}:
            # examples that a reader makes
            if any(word in code for word in ("qwen3-8b", "my-qwen", "/lab/", "/golden")):
                continue
            assert (ROOT / code).exists(), code


@each_page
def test_made_parts_are_what_they_would_be_now(page: Path) -> None:
    before = page.read_text()
    assert _without_digits(made.renewed(before)) == _without_digits(before), "run .venv/bin/python docs/made.py"


def _without_digits(text: str) -> str:
    """Numbers change with the catalog; a page need not be made anew for that."""
    return re.sub(r"\d+", "0", text)


def test_the_output_of_build_has_the_shape_that_build_prints() -> None:
    block = next(block for _, _, block in _FENCE.findall((ROOT / "README.md").read_text()) if "$ make build" in block)
    counts, action = block.rstrip().splitlines()[-2:]
    words = ("models", "environments", "releases", "charts", "objects", "checks")
    assert re.fullmatch(", ".join(rf"\d+ {word}" for word in words) + ": clean", counts)
    found = [len(list(ROOT.glob(place))) for place in COUNTED]
    assert [int(number) for number in re.findall(r"\d+", counts)][: len(COUNTED)] == found
    done = r"(wrote \d+ files of \d+ releases, deleted \d+ files?|nothing changed)"
    assert re.fullmatch(rf"{done} in [\d.]+ s", action)


def test_the_release_in_the_readme_can_be_built(sources: Sources) -> None:
    block = next(text for _, kind, text in _FENCE.findall((ROOT / "README.md").read_text()) if kind == "yaml")
    release = msgspec.convert(yaml.safe_load(block), Release)
    environment = sources.environments["staging"]
    assert release.variant in sources.models[release.model].value.variants
    assert release.namespace in environment.environment.value.namespaces
    assert release.served_name not in {other.value.served_name for other in environment.releases.values()}


def test_the_page_on_clusters_names_every_key_of_an_environment() -> None:
    page = (ROOT / "docs" / "adding-a-cluster.md").read_text()
    keys = {field.encode_name for field in msgspec.structs.fields(Environment)}
    table = page.partition("## The file")[2].partition("## Pools")[0]
    named = {code for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for code in _CODE.findall(row)}
    assert named == keys


def test_the_readme_counts_the_models_without_a_configuration(sources: Sources) -> None:
    models = [source.value for source in sources.models.values()]
    without = [model for model in models if model.architecture.attention is None]
    assert f"- {len(without)} of the {len(models)} models came without" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("line", ["modelyard matrix", "modelyard bootstrap dev"])
def test_cheap_commands_run(line: str) -> None:
    assert made.output(line)


def test_the_tables_are_those_that_are_made() -> None:
    used = {what for page in PAGES for what in re.findall(r"<!-- made: (\w+) -->", page.read_text())}
    assert used == set(made.TABLES)


def test_every_target_of_make_stands_in_the_guide_for_contributors() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert [name for line in targets for name in line.split() if f"`make {name}`" not in guide] == []
