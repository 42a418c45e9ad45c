"""Every point of the four axes: a chart, or the reason why there is none."""

from __future__ import annotations

import textwrap

from generator import recipes
from generator.errors import Exit

WIDTH = 100


def run() -> int:
    """Print what there is, then what there is not and why."""
    cells = recipes.cells()
    charts = [cell for cell in cells if cell.refusal is None]
    print(f"{len(charts)} charts")
    for cell in charts:
        print(f"  {cell.recipe.chart}")
    refused: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.refusal is not None:
            refused.setdefault((cell.refusal.reason, cell.refusal.source), []).append(cell.recipe.chart)
    print(f"\n{len(cells) - len(charts)} refusals")
    for (reason, source), names in refused.items():
        print(textwrap.fill(", ".join(names), WIDTH, initial_indent="  ", subsequent_indent="  "))
        print(textwrap.fill(reason, WIDTH, initial_indent="    ", subsequent_indent="    "))
        print(textwrap.fill(f"source: {source}", WIDTH, initial_indent="    ", subsequent_indent="    "))
    return Exit.CLEAN
