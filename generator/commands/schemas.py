"""`modelyard schemas fetch`: download the pinned modules and make the schemas again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from generator.errors import Exit
from generator.schemas import assemble, modules, summaries
from generator.schemas.sources import Module


def run(root: Path, say: Callable[[str], None]) -> int:
    """Rewrite `schemas/kubernetes`, `schemas/crds` and the record; needs a network and the go command."""
    reader = _Downloads(say)
    files = assemble.everything(reader.text, summaries.summaries())
    changed = _write(root, files)
    say(f"{len(files)} schema files, {changed} of them changed")
    return Exit.CLEAN


class _Downloads:
    """Downloads each module once, when its first file is asked for."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._go = modules.find_go()
        self._zips: dict[Module, Path] = {}
        self._generated: dict[Module, dict[str, str]] = {}

    def text(self, module: Module, path: str) -> str:
        """Read a file of a module; a path below `made/` is one of its generated CRDs."""
        if module not in self._zips:
            self._say(f"download {module}")
            self._zips[module] = modules.download(self._go, module)
        if not path.startswith(assemble.MADE):
            return modules.read(self._zips[module], module, path)
        if module not in self._generated:
            self._say(f"generate the CRDs of {module}")
            self._generated[module] = modules.generate_crds(self._go, self._zips[module], module, "v1")
        return self._generated[module][path.removeprefix(assemble.MADE)]


def _write(root: Path, files: assemble.Files) -> int:
    stale = {
        path
        for folder in ("schemas/kubernetes", "schemas/crds")
        for path in (root / folder).rglob("*.json")
        if path.relative_to(root).as_posix() not in files
    }
    for path in stale:
        path.unlink()
    changed = len(stale)
    for name, content in files.items():
        path = root / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        changed += 1
    return changed
