"""One file per command; each has `run`, prints, and returns an exit code."""
