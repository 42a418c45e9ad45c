"""Writes the parts of README.md and docs/ that follow from the code: tables, and the output of commands.

    .venv/bin/python docs/made.py

Such a part stands between `<!-- made: WHAT -->` and `<!-- end -->`. WHAT is the name of a table below, or a
command line of modelyard, whose output is shown under it. tests/unit/test_docs.py compares.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from generator import cli, recipes
from generator.errors import Problem
from generator.model.axes import Engine, Recipe, Stack, Topology
from generator.resolve import release
from generator.sources import document
from generator.sources.load import load
from generator.tools import TOOLS
from generator.validate import cel, kubeconform, registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/README.md")
_MADE = re.compile(r"(<!-- made: ([^\n]+) -->\n)(?:(?!<!-- made: ).)*?(<!-- end -->)", re.DOTALL)


def support() -> str:
    """Engines by stack and topology; in each cell the scalings that have a chart."""
    columns = [(stack, topology) for stack in recipes.STACKS for topology in recipes.TOPOLOGIES]
    columns = [column for column in columns if any(_scalings(engine, *column) for engine in recipes.ENGINES)]
    rows = [["engine", *(f"{stack.value}, {topology.value}" for stack, topology in columns)]]
    for engine in recipes.ENGINES:
        rows.append([engine.value, *(", ".join(_scalings(engine, *column)) or "-" for column in columns)])
    return _table(rows)


def _scalings(engine: Engine, stack: Stack, topology: Topology) -> list[str]:
    points = [Recipe(engine, stack, topology, scaling) for scaling in recipes.SCALINGS]
    return [point.scaling.value for point in points if recipes.refusal(point) is None]


def checks() -> str:
    """Every check by its name, with the first line of its file."""
    rows = [["check", "what it is about"], ["catalog, environment, release", "Files as people write them, all at once"]]
    registries = (registry.RELEASE_CHECKS, registry.ENVIRONMENT_CHECKS, registry.CATALOG_CHECKS)
    for name, check in ((name, check) for checks in registries for name, check in checks.items()):
        about = inspect.getdoc(_module(check)) or ""
        rows.append([f"`{name}`", about.partition("\n")[0].rstrip(".")])
    rows.append(["`schema`", "Every object against the schema of the cluster's own version, by kubeconform"])
    rows.append(["`cel`", (inspect.getdoc(cel) or "").partition("\n")[0].rstrip(".")])
    rows.append(["`drift`", "Made files against what would be made now"])
    return _table(rows)


def each_check() -> str:
    """Every check with what it protects from, a real message, and what there is to do where it does not suit."""
    # the messages are those of seeded mistakes, so that none is invented
    sys.path.insert(0, str(ROOT))
    from tests.mutations.examples import examples

    found = examples()
    modules = {
        **_FILES,
        **{name: _module(check) for name, check in registry.RELEASE_CHECKS.items()},
        **{name: _module(check) for name, check in registry.ENVIRONMENT_CHECKS.items() if name not in _FILES},
        **{name: _module(check) for name, check in registry.CATALOG_CHECKS.items()},
        **_PROGRAMS,
    }
    return "\n\n".join(_one_check(name, module, found.get(name)) for name, module in modules.items())


def _one_check(name: str, module: object, example: Problem | None) -> str:
    about = inspect.getdoc(module) or ""
    parts = [f"### {name}", *(paragraph.replace("\n", " ") for paragraph in about.split("\n\n")[:2])]
    if example is not None:
        parts.append(f"```text\n{example.text()}\n```")
    parts.append(f"Exception: {_EXCEPTIONS.get(name, _NO_EXCEPTION)}")
    return "\n\n".join(parts)


# checks of what people write, and of what other programs read; the registry has the others
_FILES: dict[str, object] = {"syntax": document, "schema": kubeconform, "values": release}
_PROGRAMS: dict[str, object] = {"cel": cel}
_NO_EXCEPTION = "none; what it says would fail in the cluster, or later than there."
_LEVEL = "a level of `deny`, `warn` or `off`, and a row under `policies.exceptions` of environment.yaml"
_EXCEPTIONS = {
    "digests": f"`policies.digests`: {_LEVEL}.",
    "revisions": f"`policies.revisions`: {_LEVEL}.",
    "policies": f"each policy has {_LEVEL}: policy, release, owner, last day and reason.",
    "models": "code of the checkpoint (`trustRemoteCode`) turns an unknown architecture into a warning; an override of "
    "the checkpoint's configuration in `extraArgs` lifts the limit of the context.",
    "fit": "variants whose size rests on a published figure (`sizing.basis`) are not weighed.",
    "variants": "code of the checkpoint (`trustRemoteCode`) turns an unknown architecture into a warning.",
    "monitors": "`monitoring.enabled: false` makes no monitor, and none is missed.",
    "capacity": "none; describe the pools as they are, and say what may wait by `minReplicas`.",
}


def _module(check: Any) -> object:
    """The file of a check; the registry itself only adapts what lies in another."""
    adapted = [value for value in inspect.getclosurevars(check).globals.values() if inspect.ismodule(value)]
    return adapted[0] if inspect.getmodule(check) is registry and adapted else inspect.getmodule(check)


def commands() -> str:
    """Every command of modelyard with its help."""
    rows = [["command", "what it does"]]
    for line, about in _commands(cli.parser(), ()):
        rows.append([f"`modelyard {line}`", about])
    return _table(rows)


def _commands(parser: argparse.ArgumentParser, before: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, below in action.choices.items():
            deeper = list(_commands(below, (*before, name)))
            yield from deeper or [(" ".join((*before, name, *_arguments(below))), helps.get(name, ""))]


def _arguments(parser: argparse.ArgumentParser) -> list[str]:
    words = []
    for action in parser._actions:
        if action.option_strings or isinstance(action, argparse._SubParsersAction):
            continue
        word = "{" + ",".join(action.choices) + "}" if action.choices else str(action.metavar or action.dest)
        word = word.replace("|", "or")
        words.append(f"[{word}]" if action.nargs == "?" else word)
    return words


def versions() -> str:
    """What is supported, read from the catalog, the vendored schemas and the tools."""
    sources, _ = load(ROOT)
    kubernetes = sorted((place.name for place in (ROOT / "schemas/kubernetes").iterdir()), key=_numbers)
    rows = [["what", "versions"], ["Kubernetes, by schema", f"{kubernetes[0]} to {kubernetes[-1]}"]]
    carried = {name.value: [r.version for r in source.value.releases] for name, source in sources.engines.items()}
    # the version of `kubernetes` counts our own set of routers
    stacks = {name: source for name, source in sources.stacks.items() if name is not Stack.KUBERNETES}
    carried |= {name.value: [r.version for r in source.value.releases] for name, source in stacks.items()}
    rows += [[name, ", ".join(found)] for name, found in carried.items()]
    used = [source.environment.value.versions for source in sources.environments.values()]
    for title, field in (
        ("Argo CD", "argocd"),
        ("KEDA", "keda"),
        ("KEDA HTTP add-on", "keda_http"),
        ("LeaderWorkerSet", "lws"),
        ("Gateway API", "gateway_api"),
        ("Prometheus operator", "prometheus_operator"),
        ("External Secrets Operator", "external_secrets"),
    ):
        rows.append([title, ", ".join(sorted({getattr(item, field) for item in used} - {None}))])
    rows += [[f"{tool.name} (tool)", tool.version] for tool in TOOLS.values()]
    return _table(rows)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _table(rows: list[list[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


TABLES: dict[str, Callable[[], str]] = {
    "support": support,
    "checks": checks,
    "each_check": each_check,
    "commands": commands,
    "versions": versions,
}


def output(command: str) -> str:
    """Run one command line of modelyard here, and show it with what it prints."""
    said = io.StringIO()
    arguments = ["--root", str(ROOT), *shlex.split(command)[1:]]
    with contextlib.redirect_stdout(said):
        code = cli.main(arguments)
    if code != 0:
        raise SystemExit(f"{command}: exit code {code}\n{said.getvalue()}")
    return f"```console\n$ {command}\n{said.getvalue().rstrip()}\n```"


def renewed(text: str) -> str:
    """Give a page's text with every made part as it would be now."""
    return _MADE.sub(lambda found: f"{found[1]}{_part(found[2])}\n{found[3]}", text)


def _part(what: str) -> str:
    return TABLES[what]() if what in TABLES else output(what)


def pages() -> list[Path]:
    """All pages that people read."""
    return [page for pattern in PAGES for page in sorted(ROOT.glob(pattern))]


def main() -> int:
    """Renew every page."""
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
