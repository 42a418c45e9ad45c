"""Rendering releases: a throw-away parent chart holds each as a dependency under an alias."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from generator.errors import Location, Problem, ProblemsFound
from generator.render.parse import documents

CHUNK = 200
WORKERS = 2
# alias, template, line and column, what Helm says of it
_FAILED = re.compile(r"batch/charts/(r\d+)/templates/([^\s:]+)((?::\d+)*)[):]*\s*([^\n]*)")

Tree = dict[str, Any]


class Job(msgspec.Struct, frozen=True):
    """One release to render: its key, its chart, its complete values, its Kubernetes minor."""

    key: str
    chart: str
    namespace: str
    values: Tree
    kubernetes: str


class Rendered(msgspec.Struct, frozen=True):
    """What Helm made of a release: the objects, by template file."""

    objects: dict[str, Tree]


def render(
    helm: Path, charts: Mapping[str, Mapping[str, str]], jobs: Sequence[Job], locate: Mapping[str, Location]
) -> tuple[dict[str, Rendered], list[Problem]]:
    """Render all jobs; a release that fails is named and the rest is rendered without it."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.kubernetes, []).append(job)
    chunks = [
        (minor, group[start : start + size])
        for minor, group in groups.items()
        for size in [_chunk_size(len(group), len(jobs))]
        for start in range(0, len(group), size)
    ]
    done: dict[str, Rendered] = {}
    problems: list[Problem] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for rendered, found in pool.map(lambda chunk: _chunk(helm, charts, chunk[0], chunk[1], locate), chunks):
            done.update(rendered)
            problems += found
    return done, problems


def _chunk_size(count: int, total: int) -> int:
    # none larger than what stays small in memory; a start costs as much as twenty releases, so a group is shared out
    # among the workers only where it would keep one of them busy long after the others
    parts = max(1, -(-count // CHUNK))
    if count >= 40 and count * 8 > total * 5:
        parts = max(parts, WORKERS)
    return -(-count // parts)


def _chunk(
    helm: Path,
    charts: Mapping[str, Mapping[str, str]],
    minor: str,
    jobs: list[Job],
    locate: Mapping[str, Location],
) -> tuple[dict[str, Rendered], list[Problem]]:
    problems: list[Problem] = []
    while jobs:
        aliases = {f"r{index}": job for index, job in enumerate(jobs)}
        done = _helm(helm, charts, minor, aliases)
        if done.returncode == 0:
            return _sorted(aliases, done.stdout), problems
        failed = _FAILED.search(done.stderr)
        if failed is None or failed[1] not in aliases:
            raise ProblemsFound((_tool_problem(done),))
        job = aliases[failed[1]]
        message = f"Helm cannot render {failed[2]}{failed[3]} of chart {job.chart}: {failed[4]}"
        hint = "values that pass the schema must render: please report this"
        problems.append(Problem(locate[job.key], "", message, hint, "render"))
        jobs = [other for other in jobs if other is not job]
    return {}, problems


def _tool_problem(done: subprocess.CompletedProcess[str]) -> Problem:
    tail = "\n  ".join(done.stderr.strip().splitlines()[-5:])
    command = " ".join(Path(part).name if part.startswith("/") else part for part in done.args)
    return Problem(Location("charts"), "", f"`{command}` ended with {done.returncode}:\n  {tail}", "", "render")


def _sorted(aliases: Mapping[str, Job], text: str) -> dict[str, Rendered]:
    objects: dict[str, dict[str, Tree]] = {job.key: {} for job in aliases.values()}
    for alias, file, data in documents(text):
        objects[aliases[alias].key][file] = data
    return {key: Rendered(found) for key, found in objects.items()}


def _helm(
    helm: Path, charts: Mapping[str, Mapping[str, str]], minor: str, aliases: Mapping[str, Job]
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        parent = Path(folder) / "batch"
        write_parent(parent, charts, aliases)
        values = Path(folder) / "values.json"
        values.write_text(
            json.dumps({alias: job.values for alias, job in aliases.items()}, ensure_ascii=False), encoding="utf-8"
        )
        command = [str(helm), "template", "x", str(parent), "--values", str(values)]
        command += ["--kube-version", f"{minor}.0", "--skip-schema-validation"]
        # Helm reads no configuration of this machine
        home = dict.fromkeys(("HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME"), folder)
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "GOGC": "400", **home}
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False)


def write_parent(parent: Path, charts: Mapping[str, Mapping[str, str]], aliases: Mapping[str, Job]) -> None:
    """Write the parent chart: the charts in use once each, one alias a release."""
    (parent / "charts").mkdir(parents=True)
    used = sorted({job.chart for job in aliases.values()})
    for name in used:
        for file, text in charts[name].items():
            # what nobody reads here costs time at every start
            if (file.startswith("templates/") and file.endswith(".yaml")) or file in ("Chart.yaml", "values.yaml"):
                path = parent / "charts" / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    versions = {name: _version(charts[name]["Chart.yaml"]) for name in used}
    lines = ["apiVersion: v2", "name: batch", "version: 0.0.0", "dependencies:"]
    for alias, job in aliases.items():
        lines += [f"- name: {job.chart}", f"  version: {versions[job.chart]}", f"  alias: {alias}"]
    (parent / "Chart.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _version(chart_yaml: str) -> str:
    return next(
        line.partition(":")[2].strip().strip('"') for line in chart_yaml.splitlines() if line.startswith("version:")
    )
