"""The output tree against the disk: what differs, written atomically; what is stale, deleted and counted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

PART = ".modelyard-part"


class Changes(msgspec.Struct, frozen=True):
    """Files, relative to the repository, that are new, different, or no longer made."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Tell whether the disk differs from the tree at all."""
        return bool(self.new or self.changed or self.stale)


def compare(root: Path, tree: Mapping[str, str], owned: Iterable[str]) -> Changes:
    """Compare the tree with the disk; whatever else lies in the owned folders is stale."""
    new, changed = [], []
    stale = {file for folder in owned for file in _files(root, folder) if file not in tree}
    # what a killed run left beside a file, wherever that lies
    stale |= {f"{file}{PART}" for file in tree if (root / f"{file}{PART}").is_file()}
    # what lies behind such a link is not ours, however like the tree it looks
    links = tuple(f"{file}/" for file in stale if (root / file).is_dir())
    for file, text in tree.items():
        try:
            same = (root / file).read_bytes() == text.encode()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            new.append(file)
        else:
            if links and file.startswith(links):
                new.append(file)
            elif not same:
                changed.append(file)
    return Changes(tuple(sorted(new)), tuple(sorted(changed)), tuple(sorted(stale)))


def _files(root: Path, folder: str) -> Iterator[str]:
    base = root / folder
    if base.is_file() or base.is_symlink():
        yield folder
        return
    for place, folders, names in os.walk(base):
        inside = os.path.relpath(place, root)
        for name in (*names, *(name for name in folders if (Path(place) / name).is_symlink())):
            yield f"{inside}/{name}".replace(os.sep, "/")


def apply(root: Path, tree: Mapping[str, str], changes: Changes) -> None:
    """Bring the disk to the tree: each file appears whole or not at all.

    What is stale goes first: it may stand where a file or a folder must be.
    """
    for file in changes.stale:
        (root / file).unlink(missing_ok=True)
    for folder in sorted({(root / file).parent for file in changes.stale}, key=lambda p: len(p.parts), reverse=True):
        _prune(root, folder)
    folders: set[Path] = set()
    for file in (*changes.new, *changes.changed):
        path = root / file
        if path.parent not in folders:
            _make_room(root, path.parent)
            folders.add(path.parent)
        part = path.with_name(path.name + PART)
        part.write_bytes(tree[file].encode())
        part.replace(path)


def _make_room(root: Path, folder: Path) -> None:
    for parent in (folder, *folder.parents):
        if parent == root:
            break
        if parent.is_file():
            parent.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def _prune(root: Path, folder: Path) -> None:
    while folder != root:
        with contextlib.suppress(OSError):
            folder.rmdir()
        if folder.exists():
            return
        folder = folder.parent
