"""Reads a vLLM release: its `serve` parser, environment table and registries, as one JSON document.

Usage: python -m probes.vllm PACKAGE_FOLDER OUTPUT
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from . import argparse_dump as parsers
from . import stub

# The module of the server's flags moved between releases.
_SERVER = ("entrypoints.common.cli_args", "entrypoints.launchers.cli_args", "entrypoints.openai.cli_args")
_PARSER_CLASS = ("utils.argparse_utils", "utils")


def main(folder: Path, output: Path) -> None:
    """Write what the package in `folder` holds to `output`."""
    sys.path.insert(0, str(folder))
    sys.argv = ["vllm", "--help"]  # vLLM builds its help texts, which tell deprecated flags, only when asked
    stub.install(real=["vllm"], replaced=["vllm.ir", "vllm.kernels"])
    _pretend_cuda()
    output.write_text(json.dumps(_facts(folder), sort_keys=True))


def _pretend_cuda() -> None:
    """Take the platform of the released images: without a GPU vLLM finds none, and misses defaults."""
    platform = importlib.import_module("vllm.platforms.cuda").CudaPlatform()
    vars(importlib.import_module("vllm.platforms"))["_current_platform"] = platform


def _facts(folder: Path) -> dict[str, Any]:
    parser_class = _first(_PARSER_CLASS, "FlexibleArgumentParser")
    engine = importlib.import_module("vllm.engine.arg_utils").AsyncEngineArgs.add_cli_args(parser_class())
    server = _first(_SERVER, "make_arg_parser")(parser_class())
    only_server = parsers.names(server) - parsers.names(engine)
    return {
        "flags": parsers.describe(server, only_server=only_server),
        "environment": _environment(folder / "vllm" / "envs.py"),
        "registries": {
            "tool_parsers": _registered("vllm.tool_parsers", "ToolParserManager"),
            "reasoning_parsers": _registered("vllm.reasoning", "ReasoningParserManager"),
            "architectures": sorted(importlib.import_module("vllm.model_executor.models.registry")._VLLM_MODELS),
        },
    }


def _first(modules: tuple[str, ...], name: str) -> Any:
    for module in modules:
        try:
            return getattr(importlib.import_module(f"vllm.{module}"), name)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise ImportError(f"{name} is in none of {modules}: the package has moved it")


def _registered(module: str, name: str) -> list[str]:
    manager = getattr(importlib.import_module(module), name)
    lazy = getattr(manager, "lazy_parsers", {})
    loaded = getattr(manager, "tool_parsers", None) or getattr(manager, "reasoning_parsers", None) or {}
    return sorted({*lazy, *loaded})


def _environment(file: Path) -> list[dict[str, Any]]:
    """Take names from the table itself, types and defaults from the annotations above it."""
    declared = _declarations(file)
    table = importlib.import_module("vllm.envs").environment_variables
    return [{"name": name, **declared.get(name, {})} for name in sorted(table)]


def _declarations(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, {"type": ast.unparse(node.annotation), **_default(node.value)})
    return found


def _default(value: ast.expr | None) -> dict[str, Any]:
    if value is None:
        return {}
    try:
        return {"default": parsers.plain(ast.literal_eval(value))}
    except ValueError:
        return {"default": ast.unparse(value)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
