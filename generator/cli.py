"""The command `modelyard`: reads the command line, runs one command, turns exceptions into exit codes."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from generator import __version__
from generator.errors import Exit, ProblemsFound, nearest

if TYPE_CHECKING:
    from generator.pipeline import Options

WIDTH = 100
FORMATS = ("text", "json", "github", "sarif")
Run = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = parsed(arguments)
    try:
        run: Run = options.run
        return int(run(options))
    except ProblemsFound as found:
        from generator.report import as_text

        print(as_text(found.problems), end="")
        return Exit.PROBLEMS
    except KeyboardInterrupt:
        print("interrupted; nothing more was written", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.CLEAN
    except Exception:
        traceback.print_exc()
        print(
            f"\nThis is a bug of modelyard {__version__} (Python {platform.python_version()}). "
            "Please report it with the lines above.",
            file=sys.stderr,
        )
        return Exit.BUG


class Parser(argparse.ArgumentParser):
    """A parser whose complaints fit the screen and name what was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong; end with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, textwrap.fill(f"{self.prog}: error: {_hinted(message)}", WIDTH, subsequent_indent="  ") + "\n")


def _hinted(message: str) -> str:
    found = re.search(r"invalid choice: '?(.+?)'? \(choose from (.+)\)$", message)
    if found is None:
        return message
    near = _nearest(found[1], [choice.strip("'") for choice in found[2].split(", ")])
    return f"{message}; did you mean {near}?" if near else message


def _nearest(word: str, choices: list[str]) -> str | None:
    return nearest(word, choices) or next((choice for choice in choices if word.startswith(choice)), None)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what no command knows ends with 2, as every mistake in it does."""
    options, rest = parser().parse_known_args(arguments)
    if rest:
        command: Parser = options.command
        near = _nearest(rest[0].partition("=")[0], re.findall(r"--[a-z][a-z-]+", command.format_usage()))
        command.error(f"unrecognized arguments: {' '.join(rest)}" + (f"; did you mean {near}?" if near else ""))
    return options


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = Parser(
        prog="modelyard", description="One catalog of models in; charts, manifests and Argo CD Applications out."
    )
    top.add_argument("--version", action="version", version=f"modelyard {__version__}")
    top.add_argument("--root", type=Path, default=None, help="the repository (default: found from this folder up)")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    build = commands.add_parser("build", help="make everything and write it")
    _selection(build)
    _runs(build, _build)

    check = commands.add_parser("check", help="the same without writing: every check, and drift")
    _selection(check)
    _runs(check, _check)

    explain = commands.add_parser("explain", help="why a value is what it is")
    explain.add_argument("release", metavar="ENV/RELEASE")
    explain.add_argument("place", metavar="PATH | Kind/name:path", nargs="?")
    _runs(explain, _explain)

    matrix = commands.add_parser("matrix", help="which recipes there are, and why the others are not")
    _runs(matrix, _matrix)

    add = commands.add_parser("add", help="write a model from its checkpoint's configuration")
    add.add_argument("source", metavar="HF-ID | FOLDER")
    add.add_argument("--name", help="name of the model (default: from the source)")
    _runs(add, _add)

    bootstrap = commands.add_parser("bootstrap", help="print the manifest that a person applies once")
    bootstrap.add_argument("environment", metavar="ENV")
    _runs(bootstrap, _bootstrap)

    facts = commands.add_parser("facts", help="what engines accept and export")
    actions = facts.add_subparsers(metavar="ACTION", required=True)
    extract = actions.add_parser("extract", help="read the facts of a released engine")
    extract.add_argument("engine", metavar="ENGINE")
    extract.add_argument("version", metavar="VERSION")
    _runs(extract, _facts_extract)
    diff = actions.add_parser("diff", help="what differs between two releases of an engine")
    diff.add_argument("engine", metavar="ENGINE")
    diff.add_argument("old", metavar="OLD")
    diff.add_argument("new", metavar="NEW")
    _runs(diff, _facts_diff)
    bump = actions.add_parser("bump", help="make a new release of an engine the default, and say what it touches")
    bump.add_argument("engine", metavar="ENGINE")
    bump.add_argument("version", metavar="VERSION")
    _runs(bump, _facts_bump)

    schemas = commands.add_parser("schemas", help="the vendored schemas")
    fetch = schemas.add_subparsers(metavar="ACTION", required=True).add_parser(
        "fetch", help="make them again from the pinned packages"
    )
    _runs(fetch, _schemas_fetch)

    cluster = commands.add_parser("cluster", help="a throw-away control plane with the nodes of an environment")
    cluster.add_argument("action", choices=("up", "down", "status", "kubeconfig"))
    cluster.add_argument("environment", metavar="ENV")
    _runs(cluster, _cluster)

    simulate = commands.add_parser("simulate", help="have the real scheduler place what an environment runs")
    simulate.add_argument("environment", metavar="ENV")
    simulate.add_argument("--format", choices=FORMATS, default="text", help="how problems are printed")
    _runs(simulate, _simulate)

    doctor = commands.add_parser("doctor", help="which tools there are, and what is missing")
    _runs(doctor, _doctor)
    return top


def _runs(command: argparse.ArgumentParser, run: Run) -> None:
    command.set_defaults(run=run, command=command)


def _selection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", action="append", default=[], metavar="ENV", help="only this environment")
    command.add_argument("--release", action="append", default=[], metavar="NAME", help="only this release")
    command.add_argument("--format", choices=FORMATS, default="text", help="how problems are printed")
    command.add_argument("--no-cache", action="store_true", help="make the charts again")
    command.add_argument(
        "--today",
        type=day,
        metavar="YYYY-MM-DD",
        help="judge exceptions from policies as of this day (default: SOURCE_DATE_EPOCH, else the clock)",
    )


def day(text: str) -> date:
    """Read the day of --today."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as YYYY-MM-DD") from None


def _today(options: argparse.Namespace) -> date:
    """The day on which exceptions are judged: only problems depend on it, never what is made."""
    given: date | None = options.today
    if given is not None:
        return given
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    return now.date()


def root_of(options: argparse.Namespace) -> Path:
    """Find the repository: as given, else the nearest folder up that has a catalog."""
    if options.root is not None:
        return Path(options.root).resolve()
    here = Path.cwd()
    return next((place for place in (here, *here.parents) if (place / "catalog").is_dir()), here)


def _selected(options: argparse.Namespace, *, cached: bool, everything: bool) -> Options:
    from generator.pipeline import Options

    return Options(
        root=root_of(options),
        environments=frozenset(options.env),
        releases=frozenset(options.release),
        cached=cached and not options.no_cache,
        everything=everything,
        today=_today(options),
    )


@contextlib.contextmanager
def _without_garbage() -> Iterator[None]:
    """A build makes trees without cycles and ends: looking for garbage costs a tenth of it and finds none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _build(options: argparse.Namespace) -> int:
    from generator.commands import build

    with _without_garbage():
        return build.run(_selected(options, cached=True, everything=False), form=options.format)


def _check(options: argparse.Namespace) -> int:
    from generator.commands import check

    # in CI a cache that someone else filled proves nothing
    with _without_garbage():
        return check.run(_selected(options, cached=not os.environ.get("CI"), everything=True), form=options.format)


def _explain(options: argparse.Namespace) -> int:
    from generator.commands import explain
    from generator.pipeline import Options

    return explain.run(Options(root=root_of(options)), options.release, options.place)


def _matrix(options: argparse.Namespace) -> int:
    from generator.commands import matrix

    return matrix.run()


def _add(options: argparse.Namespace) -> int:
    from generator.commands import add

    return add.run(root_of(options), options.source, options.name)


def _bootstrap(options: argparse.Namespace) -> int:
    from generator.commands import bootstrap

    return bootstrap.run(root_of(options), options.environment)


def _facts_extract(options: argparse.Namespace) -> int:
    from generator.commands import facts

    return facts.extract(options.engine, options.version)


def _facts_diff(options: argparse.Namespace) -> int:
    from generator.commands import facts

    return facts.diff(root_of(options), options.engine, options.old, options.new)


def _facts_bump(options: argparse.Namespace) -> int:
    from generator.commands import facts

    return facts.bump(root_of(options), options.engine, options.version)


def _schemas_fetch(options: argparse.Namespace) -> int:
    from generator.commands import schemas

    return schemas.run(root_of(options), print)


def _cluster(options: argparse.Namespace) -> int:
    from generator.commands import cluster

    return cluster.run(root_of(options), options.action, options.environment)


def _simulate(options: argparse.Namespace) -> int:
    from generator.commands import simulate

    return simulate.run(root_of(options), options.environment, form=options.format)


def _doctor(options: argparse.Namespace) -> int:
    from generator.commands import doctor

    return doctor.run()


if __name__ == "__main__":
    sys.exit(main())
