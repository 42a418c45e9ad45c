"""Scripts that run in a process of their own, beside an engine's unpacked package."""
