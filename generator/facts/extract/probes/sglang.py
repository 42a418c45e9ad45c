"""Reads an SGLang release: its server parser and environment table, as one JSON document.

Usage: python -m probes.sglang PACKAGE_FOLDER OUTPUT
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from . import argparse_dump, stub

# The released images are CUDA builds; SGLang asks torch which other accelerators it was built for.
_TORCH = {
    "torch.cuda.is_available": lambda: True,
    "torch.musa": stub.ABSENT,
    "torch.npu": stub.ABSENT,
    "torch.version.cuda": "13.0",
    "torch.version.hip": None,
}


def main(folder: Path, output: Path) -> None:
    """Write what the package in `folder` holds to `output`."""
    sys.path.insert(0, str(folder))
    stub.install(real=["sglang"], replaced=["sglang.srt.utils.hf_transformers_patches"], values=_TORCH)
    parser = argparse.ArgumentParser()
    importlib.import_module("sglang.srt.server_args").ServerArgs.add_cli_args(parser)
    environ = importlib.import_module("sglang.srt.environ")
    document = {
        "flags": argparse_dump.describe(parser),
        "environment": _environment(environ),
        "gone_environment": sorted(getattr(environ, "_DEPRECATED_ENVS", {})),
    }
    output.write_text(json.dumps(document, sort_keys=True))


def _environment(environ: Any) -> list[dict[str, Any]]:
    fields = {k: v for k, v in vars(environ.Envs).items() if isinstance(v, environ.EnvField)}
    return [_variable(name, fields[name]) for name in sorted(fields)]


def _variable(name: str, field: Any) -> dict[str, Any]:
    default = argparse_dump.plain(field.default)
    found = {"name": name, "type": type(field).__name__.removeprefix("Env").lower()}
    return found if default is None else {**found, "default": default}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
