"""Reads a Dynamo release: the parsers of its frontend and its workers, as one JSON document.

The runtime is real (it needs no GPU); the engines are stand-ins, since their flags are facts of their own.
Usage: python -m probes.dynamo PACKAGE_FOLDER OUTPUT
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import argparse_dump, stub

_GROUPS = "dynamo.common.configuration.groups"


def main(folder: Path, output: Path) -> None:
    """Write what the packages in `folder` hold to `output`."""
    sys.path.insert(0, str(folder))
    stub.install(real=["dynamo"])
    shared = [
        *_flags(_member(f"{_GROUPS}.runtime_args", "DynamoRuntimeArgGroup")().add_arguments),
        *_flags(_member(f"{_GROUPS}.router_args", "add_worker_router_arguments")),
    ]
    document = {
        "frontend": _flags(_member("dynamo.frontend.frontend_args", "FrontendArgGroup")().add_arguments),
        "sglang": [*shared, *_flags(_member("dynamo.sglang.backend_args", "DynamoSGLangArgGroup")().add_arguments)],
        "vllm": [*shared, *_flags(_member("dynamo.vllm.backend_args", "DynamoVllmArgGroup")().add_arguments)],
    }
    output.write_text(json.dumps(document, sort_keys=True))


def _member(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _flags(add_arguments: Callable[[argparse.ArgumentParser], None]) -> list[dict[str, Any]]:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return argparse_dump.describe(parser)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
