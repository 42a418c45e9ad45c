"""Reads a sglang-router release: its launcher's parser, as one JSON document.

Usage: python -m probes.sglang_router PACKAGE_FOLDER OUTPUT
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from . import argparse_dump, stub


def main(folder: Path, output: Path) -> None:
    """Write what the package in `folder` holds to `output`."""
    sys.path.insert(0, str(folder))
    stub.install(real=["sglang_router"])
    parser = argparse.ArgumentParser()
    arguments = importlib.import_module("sglang_router.router_args").RouterArgs
    arguments.add_cli_args(parser, use_router_prefix=False)
    output.write_text(json.dumps({"flags": argparse_dump.describe(parser)}, sort_keys=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
