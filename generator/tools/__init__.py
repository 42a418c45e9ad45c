"""Programs that modelyard runs: which versions, where they are, how they are built."""

from generator.tools.installed import Row, find, status
from generator.tools.table import TOOLS, Need, Tool

__all__ = ["TOOLS", "Need", "Row", "Tool", "find", "status"]
