"""Builds the tools before the rest of modelyard can run: `python -m generator.tools build|test|cluster`."""

from __future__ import annotations

import sys

from generator.errors import Exit, ProblemsFound
from generator.tools.build import build
from generator.tools.table import Need


def main(arguments: list[str]) -> int:
    """Build the tools needed for `build`, `test` or `cluster`."""
    try:
        need = Need(*arguments)
    except (TypeError, ValueError):
        print("usage: python -m generator.tools build|test|cluster", file=sys.stderr)
        return Exit.USAGE
    try:
        build(need, say=lambda line: print(line, flush=True))
    except ProblemsFound as found:
        for problem in found.problems:
            print(problem.text(), file=sys.stderr)
        return Exit.PROBLEMS
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.CLEAN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
