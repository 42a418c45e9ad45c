"""Shows the way of one request without a GPU: `python -m generator.commands.demo [ENV [RELEASE]]`, or `make demo`."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from generator.cluster import demo
from generator.commands.cluster import STAGES, environment_of
from generator.errors import Exit, ProblemsFound

ENVIRONMENT, RELEASE = "dev", "llama-8b"


def run(root: Path, name: str = ENVIRONMENT, release: str = RELEASE) -> int:
    """Play it, and print what happened when."""
    begin = time.monotonic()
    environment = environment_of(root, name)
    asked = demo.release_of(root, name, release)
    after = max(asked.cooldown_s // demo.DIVISOR, 1)
    _say(f"{name}: a request to {release}, which goes to zero after {after} s here (shipped: {asked.cooldown_s} s)")
    told = demo.play(root, environment, asked, root / STAGES, say=_say, hear=_hear)
    print("\n seconds  what")
    for moment in told.moments:
        print(f"{moment.seconds:8.2f}  {moment.what}")
    print(f"\ndone in {time.monotonic() - begin:.0f} s")
    well = told.answer.status == 200 and told.answer.complete and told.answer.cold
    return Exit.CLEAN if well else Exit.PROBLEMS


def _say(line: str) -> None:
    print(line, flush=True)


def _hear(text: str) -> None:
    print(text, end="", flush=True)


def main() -> int:
    """Run it from the checkout's root."""
    # who ends it early ends all that it started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run(Path.cwd(), *sys.argv[1:])
    except ProblemsFound as found:
        print("".join(problem.text() for problem in found.problems), file=sys.stderr)
    except TimeoutError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.PROBLEMS


if __name__ == "__main__":
    sys.exit(main())
