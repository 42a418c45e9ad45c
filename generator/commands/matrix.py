"""Every point of the four axes: a chart, or the reason why there is none."""

from __future__ import annotations

import textwrap
from typing import Any

from generator import recipes
from generator.errors import Exit

WIDTH = 100
# a name is never cut
WHOLE: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


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
        for indent, text in (("  ", ", ".join(names)), ("    ", reason), ("    ", f"source: {source}")):
            print("\n".join(textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, **WHOLE)))
    return Exit.CLEAN
