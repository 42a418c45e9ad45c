"""Programs that modelyard runs: which versions, where they are, how they are built."""

from generator.tools.installed import Row, find, find_valkey, status
from generator.tools.table import TOOLS, Need, Tool

__all__ = ["TOOLS", "Need", "Row", "Tool", "find", "find_valkey", "status"]
