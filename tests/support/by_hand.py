"""A chart on disk, and Helm over it with the chart's own schema in play, as a person does by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.render.parse import documents


class Refused(Exception):
    """Helm does not render it; the text is Helm's own."""


def write_chart(files: Mapping[str, str], folder: Path) -> None:
    """Write a chart's files into a folder that is not there yet."""
    for file, text in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def template(helm: Path, chart: Path, values: Path, *, namespace: str, minor: str) -> list[dict[str, Any]]:
    """Render one chart by itself.

    Raises: Refused when Helm refuses.
    """
    command = [str(helm), "template", "x", str(chart), "--values", str(values)]
    command += ["--namespace", namespace, "--kube-version", f"{minor}.0"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise Refused(done.stderr)
    text = done.stdout.replace(f"# Source: {chart.name}/", f"# Source: batch/charts/{chart.name}/")
    return [data for _, _, data in documents(text)]
