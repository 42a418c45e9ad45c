"""Readers of a package's source: options, settings and metrics as small packages declare them. No network."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from generator.facts import Flag, MetricType, ValueType
from generator.facts.extract import aiperf, lmcache, metrics, truss
from generator.facts.extract.literals import parsed, plain, strings

OPTIONS = """
_log = click.option("--log", type=str)

def shared():
    return click.option("--quiet", is_flag=True, default=False)

@cli.command()
@click.option("--other")
def pull(): ...

@cli.command()
@click.argument("folder", required=False)
@click.option("-n", "--name", "model_name", type=str, required=True)
@click.option("--wait/--no-wait", is_flag=True, default=False)
@click.option("--count", type=int, default=3)
@click.option("--awake", type=bool, default=True)
@click.option("--output", type=click.Choice(["text", "json"]), default="text")
@click.option("--label", multiple=True)
@click.option("--old", is_flag=True, help="[DEPRECATED] no effect")
def push(): ...
"""
SETTINGS = """
class CLIConfig(Base):
    names: Annotated[list[str], Field(min_length=1), CLIParameter(name=("--model-names", "-m"))] = []
    seconds: Annotated[float | None, CLIParameter(name=("--seconds",))] = None
    stream: Annotated[bool, CLIParameter(name="--stream", group=Groups.A)] = False
    mode: Annotated[Literal["b", "a"], CLIParameter(name=("--mode",))] = "a"
    sweep: Annotated[int | list[int], CLIParameter(name=("--sweep",))] = Defaults.SWEEP
    hidden: Annotated[int, Field(gt=0)] = 1
    plain: int = 2
"""


def test_options_of_one_command_are_read(tmp_path: Path) -> None:
    file = tmp_path / "cli.py"
    file.write_text(OPTIONS)
    flags = {flag.name: flag for flag in truss._options(file)}
    assert "--other" not in flags
    assert flags["--name"] == Flag(name="--name", type=ValueType.STRING, aliases=("-n",), required=True)
    assert flags["--wait"].negations == ("--no-wait",)
    assert (flags["--count"].type, flags["--count"].default) == (ValueType.INTEGER, 3)
    assert (flags["--awake"].type, flags["--awake"].nargs) == (ValueType.BOOLEAN, "1")
    assert flags["--output"].choices == ("json", "text")
    assert flags["--label"].repeatable
    assert flags["--old"].deprecated


def test_options_that_every_command_shares_are_read_where_they_are_made(tmp_path: Path) -> None:
    file = tmp_path / "common.py"
    file.write_text(OPTIONS)
    assert [flag.name for flag in truss._common(file)] == ["--log", "--quiet"]


def test_fields_with_a_parameter_are_flags(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text(SETTINGS)
    flags = {flag.name: flag for flag in aiperf._flags(file)}
    assert set(flags) == {"--model-names", "--seconds", "--stream", "--mode", "--sweep"}
    assert flags["--model-names"] == Flag(
        name="--model-names", type=ValueType.STRING, aliases=("-m",), default=[], repeatable=True
    )
    assert (flags["--seconds"].type, flags["--seconds"].nullable) == (ValueType.NUMBER, True)
    assert (flags["--stream"].type, flags["--stream"].default) == (ValueType.BOOLEAN, False)
    assert flags["--mode"].choices == ("a", "b")
    assert (flags["--sweep"].type, flags["--sweep"].default) == (ValueType.STRING, None)


def test_a_table_of_settings_gives_a_variable_each(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text(
        "_CONFIG_DEFINITIONS: dict = {\n"
        '    "chunk_size": {"type": int, "default": 256, "env_converter": int},\n'
        '    "url": {"type": Optional[str], "default": None},\n}\n'
    )
    chunk, url = lmcache._table(file)
    assert (chunk.name, chunk.type, chunk.default) == ("LMCACHE_CHUNK_SIZE", "int", 256)
    assert (url.name, url.type, url.default) == ("LMCACHE_URL", "Optional[str]", None)


def test_a_table_that_has_moved_is_no_empty_table(tmp_path: Path) -> None:
    file = tmp_path / "config.py"
    file.write_text("OTHER = {}\n")
    with pytest.raises(LookupError, match="the package has moved it"):
        lmcache._table(file)


def test_a_method_of_the_package_makes_a_metric_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "observe.py").write_text(
        'class Logger:\n    def __init__(self):\n        self.a = self._create_counter("p:hits", "text", ["x"])\n'
    )
    assert metrics.read(tmp_path, metrics.Reading(prefixes=("p:",), labels={})) == []
    reading = metrics.Reading(prefixes=("p:",), labels={}, factories=("_create_counter",))
    (found,) = metrics.read(tmp_path, reading)
    assert (found.name, found.type, found.labels) == ("p:hits_total", MetricType.COUNTER, ("x",))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("'a'", "a"), ("None", None), ("(1, ['a'])", [1, ["a"]]), ("{'b', 'a'}", ["a", "b"]), ("f(x)", None)],
)
def test_a_literal_is_read_as_json_holds_it(text: str, value: object) -> None:
    assert plain(ast.parse(text, mode="eval").body) == value


def test_strings_are_one_or_many() -> None:
    assert strings(ast.parse("'a'", mode="eval").body) == ["a"]
    assert strings(ast.parse("('a', 1, 'b')", mode="eval").body) == ["a", "b"]
    assert strings(None) == []


def test_what_python_warns_of_in_other_peoples_source_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text("TEXT = '\\e'\n")
    assert ast.unparse(parsed(file)) == "TEXT = '\\\\e'"
