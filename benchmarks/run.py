"""Measures `modelyard build` as the operating system accounts for it, and writes the result to README.md here.

    .venv/bin/python benchmarks/run.py [--runs N] [--print]

Run it on a quiet machine with the tools built. Everything happens in a temporary folder; the checkout is
only read, except for the table in `benchmarks/README.md`. Nothing here is a test: a figure never fails.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import synthetic
import yaml

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
PAGE = HERE / "README.md"
MODELYARD = Path(sys.executable).with_name("modelyard")
# As after an installation: a shell may keep Python from writing compiled modules, and then each run compiles anew.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

RUNS = 5
RELEASES = 1000
BEGIN, END = "<!-- begin: written by benchmarks/run.py -->", "<!-- end -->"

# what `build` makes, beside the cache
MADE = ("charts", "schemas/overlays", "environments/*/values", "environments/*/rendered", "environments/*/argocd")
CACHE = (".cache",)

NOTHING = r"nothing changed"
ONE_RELEASE = r"wrote \d+ files? of 1 release,"
ALL = r"wrote \d+ files of \d+ releases, deleted 0 files"


class Case(NamedTuple):
    """One situation: what is done before each run, what the run must say, and its budget in seconds."""

    name: str
    budget: str
    prepare: Callable[[Path, int], None]
    expected: str


class Sample(NamedTuple):
    """One run: seconds on the clock, seconds of all processes, and memory of the largest process."""

    wall: float
    cpu: float
    mib: float


def from_nothing_cold(root: Path, _: int) -> None:
    """Remove whatever is made, and the charts in the cache."""
    _remove(root, (*MADE, *CACHE))


def from_nothing(root: Path, _: int) -> None:
    """Remove whatever is made; the charts stay in the cache."""
    _remove(root, MADE)


def nothing_changed(root: Path, _: int) -> None:
    """Leave everything as it is."""


def one_file_changed(root: Path, run: int) -> None:
    """Give one release another number of replicas than the run before did."""
    file = sorted((root / "environments" / "dev" / "releases").glob("*.yaml"))[0]
    release = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
    release["scaling"] = "fixed"
    release["values"] = {"roles": {"server": {"scaling": {"replicas": 2 + run % 2}}}}
    file.write_text(yaml.safe_dump(release, sort_keys=False), encoding="utf-8")


THREE = (
    Case("from nothing, charts made anew", "6", from_nothing_cold, ALL),
    Case("from nothing, charts in the cache", "", from_nothing, ALL),
    Case("nothing changed", "1", nothing_changed, NOTHING),
    Case("one release changed", "1", one_file_changed, ONE_RELEASE),
)
THOUSAND = (
    Case("from nothing, charts made anew", "8; goal 5", from_nothing_cold, ALL),
    Case("from nothing, charts in the cache", "", from_nothing, ALL),
    Case("nothing changed", "", nothing_changed, NOTHING),
    Case("one release changed", "goal 0.5", one_file_changed, ONE_RELEASE),
)


def main() -> int:
    """Measure all cases and put the table into the page."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="modelyard-benchmark-") as folder:
        small, large = Path(folder) / "three", Path(folder) / "thousand"
        for root in (small, large):
            synthetic.copy_inputs(CHECKOUT, root)
        synthetic.copy_environments(CHECKOUT, small)
        synthetic.multiply(CHECKOUT, large, RELEASES)
        text = "\n".join(
            [
                _machine(options.runs),
                *_section("The three environments of this repository", small, THREE, options.runs),
                *_section(f"{RELEASES} releases, synthetic", large, THOUSAND, options.runs),
            ]
        )
    if options.print:
        print(text)
        return 0
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(CHECKOUT)}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of each case (default: {RUNS})")
    parser.add_argument("--print", action="store_true", help="print the tables and leave the page alone")
    return parser.parse_args()


def _section(title: str, root: Path, cases: tuple[Case, ...], runs: int) -> list[str]:
    counts = _build(root).splitlines()[0]
    rows = []
    for case in cases:
        print(f"{title}: {case.name}", file=sys.stderr, flush=True)
        samples = [_sample(root, case, run) for run in range(runs)]
        rows.append(_row(case, samples))
    return [
        f"\n### {title}\n",
        f"`{counts}`\n",
        "| case | budget, s | wall min / median / max, s | CPU median, s | memory max, MiB |",
        "|---|---|---|---|---|",
        *rows,
    ]


def _row(case: Case, samples: list[Sample]) -> str:
    walls = [sample.wall for sample in samples]
    wall = f"{min(walls):.2f} / {statistics.median(walls):.2f} / {max(walls):.2f}"
    cpu = statistics.median(sample.cpu for sample in samples)
    memory = max(sample.mib for sample in samples)
    return f"| {case.name} | {case.budget or '-'} | {wall} | {cpu:.2f} | {memory:.0f} |"


def _sample(root: Path, case: Case, run: int) -> Sample:
    case.prepare(root, run)
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(_command(root), stdout=output, stderr=subprocess.STDOUT, env=ENVIRONMENT)
        # with the child's own children: Helm, kubeconform and Node are waited for by it
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    if process.returncode != 0 or not re.search(case.expected, said):
        raise SystemExit(f"{case.name}: exit code {process.returncode}\n{said}")
    kib = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Sample(wall, usage.ru_utime + usage.ru_stime, kib / 1024)


def _build(root: Path) -> str:
    done = subprocess.run(_command(root), capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return "\n".join(done.stdout.strip().splitlines()[-2:])


def _command(root: Path) -> list[str]:
    return [str(MODELYARD), "--root", str(root), "build"]


def _remove(root: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for folder in root.glob(pattern):
            shutil.rmtree(folder)


def _machine(runs: int) -> str:
    rows = [
        ("processor", f"{_processor()}, {len(os.sched_getaffinity(0)) if _linux() else os.cpu_count()} cores"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("Python", platform.python_version()),
        ("load before", f"{os.getloadavg()[0]:.2f}"),
        ("runs a case", str(runs)),
    ]
    return "\n".join(["| machine | |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows)])


def _linux() -> bool:
    return sys.platform == "linux"


def _processor() -> str:
    if _linux():
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        return found[1] if found else platform.machine()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
