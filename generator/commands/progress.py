"""What is being done right now: one line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys


class Progress:
    """Shows steps on standard error, so that output stays clean."""

    def __init__(self) -> None:
        self.stream = sys.stderr
        self.terminal = self.stream.isatty()
        self.width = 0

    def step(self, text: str) -> None:
        """Say what begins."""
        if self.terminal:
            line = f"{text} ..."
            self.stream.write(f"\r{line:<{self.width}}")
            self.width = len(line)
        else:
            self.stream.write(f"{text} ...\n")
        self.stream.flush()

    def done(self) -> None:
        """Clear the line."""
        if self.terminal and self.width:
            self.stream.write(f"\r{'':<{self.width}}\r")
            self.stream.flush()
