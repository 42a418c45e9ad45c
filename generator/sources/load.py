"""The catalog and the environments of a repository, read whole, with every problem of every file."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from generator.errors import Location, Problem
from generator.model.axes import Engine, Stack
from generator.model.names import RELEASE_LIMIT, is_label
from generator.sources.catalog import Accelerators, EngineFile, Model, StackFile
from generator.sources.check import as_label, check, convert
from generator.sources.document import Document, read
from generator.sources.environment import Environment, Release

T = TypeVar("T")

CHECK = "files"
MODELS = "catalog/models"
ENGINES = "catalog/engines"
STACKS = "catalog/stacks"
ACCELERATORS = "catalog/accelerators.yaml"
ENVIRONMENTS = "environments"


class Sourced(msgspec.Struct, Generic[T], frozen=True):
    """A value and the document that it was read from."""

    value: T
    document: Document

    @property
    def file(self) -> str:
        """Name the file, relative to the repository."""
        return self.document.file


class EnvironmentSource(msgspec.Struct, frozen=True):
    """One environment and its releases, by name."""

    environment: Sourced[Environment]
    releases: dict[str, Sourced[Release]]


class Sources(msgspec.Struct, frozen=True):
    """All that people wrote; `broken` names the files that are there but could not be used."""

    models: dict[str, Sourced[Model]]
    engines: dict[Engine, Sourced[EngineFile]]
    stacks: dict[Stack, Sourced[StackFile]]
    accelerators: Sourced[Accelerators]
    environments: dict[str, EnvironmentSource]
    broken: frozenset[str] = frozenset()


def load(root: pathlib.Path) -> tuple[Sources, list[Problem]]:
    """Read a repository; files with problems are left out of the sources and named in `broken`."""
    reader = _Reader(root)
    models = dict(reader.folder(MODELS, Model))
    engines = {source.value.name: source for _, source in reader.folder(ENGINES, EngineFile)}
    stacks = {source.value.name: source for _, source in reader.folder(STACKS, StackFile)}
    accelerators = reader.one(ACCELERATORS, Accelerators)
    if accelerators is None:
        accelerators = Sourced(Accelerators(accelerators={}), Document(ACCELERATORS, {}))
    environments = dict(reader.environments())
    sources = Sources(models, engines, stacks, accelerators, environments, frozenset(reader.broken))
    return sources, reader.problems


class _Reader:
    """Reads files one by one and keeps what is wrong with them."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.broken: set[str] = set()

    def one(self, file: str, kind: type[T]) -> Sourced[T] | None:
        """Read one file as one type, or note why not."""
        document, problems = read(self.root, file)
        if document is not None:
            problems = problems + check(document, kind)
        if problems or document is None:
            self.problems += problems
            self.broken.add(file)
            return None
        return Sourced(convert(document, kind), document)

    def folder(self, folder: str, kind: type[T], *, limit: int = 63) -> Iterator[tuple[str, Sourced[T]]]:
        """Read the YAML files of a folder, sorted by name; each is named like its `name`."""
        for name in self._names(folder):
            file = f"{folder}/{name}"
            stem = name.removesuffix(".yaml")
            self._stem(file, stem, limit)
            source = self.one(file, kind)
            if source is not None:
                self._named(source, stem, "file", f"{folder}/{{name}}.yaml")
                yield stem, source

    def environments(self) -> Iterator[tuple[str, EnvironmentSource]]:
        """Read every environment: its facts, then its releases."""
        for name in self._folders(ENVIRONMENTS):
            folder = f"{ENVIRONMENTS}/{name}"
            self._misspelt(folder, "environment.yaml")
            if not self._described(folder):
                continue  # what is left of a deleted environment is the writer's to remove
            environment = self.one(f"{folder}/environment.yaml", Environment)
            releases = dict(self.folder(f"{folder}/releases", Release, limit=RELEASE_LIMIT))
            if environment is not None:
                self._named(environment, name, "folder", f"{ENVIRONMENTS}/{{name}}")
                yield name, EnvironmentSource(environment, releases)

    def _named(self, source: Sourced[Any], expected: str, word: str, pattern: str) -> None:
        name = getattr(source.value, "name", expected)
        name = getattr(name, "value", name)
        if name == expected:
            return
        message = f'the name "{name}" differs from the {word}, "{expected}"'
        hint = f"write name: {expected}, or rename the {word} to {pattern.format(name=name)}"
        self.problems.append(Problem(source.document.locate(("name",)), "name", message, hint, CHECK))

    def _stem(self, file: str, stem: str, limit: int) -> None:
        if not is_label(stem):
            message = f'"{stem}" cannot be a name'
            label = as_label(stem)
            hint = f"rename the file to {label}.yaml" if label else "use small letters, digits and `-`"
        elif len(stem) > limit:
            message = f'the name "{stem}" has {len(stem)} characters; objects derive names from it, at most {limit}'
            hint = f"rename the file: shorten the name by {len(stem) - limit}"
        else:
            return
        self._stray(file, message, hint)

    def _names(self, folder: str) -> list[str]:
        """List the YAML files of a folder; whatever else lies there is a problem."""
        names = []
        for entry in self._entries(folder):
            file = f"{folder}/{_printable(entry.name)}"
            if _is_folder(entry):
                self._stray(file, "a folder lies where only files are read", "move it away")
            elif _printable(entry.name) != entry.name:
                self._stray(file, "the file's name is not UTF-8", "rename it")
            elif entry.name.endswith(".yaml"):
                names.append(entry.name)
            else:
                self._stray(file, "the file is not read: only names that end in .yaml are", _rename(entry.name))
        return sorted(names, key=lambda name: name.removesuffix(".yaml"))

    def _folders(self, folder: str) -> list[str]:
        return [
            entry.name for entry in self._entries(folder) if _is_folder(entry) and _printable(entry.name) == entry.name
        ]

    def _described(self, folder: str) -> bool:
        return (self.root / folder / "environment.yaml").exists() or bool(self._entries(f"{folder}/releases"))

    def _misspelt(self, folder: str, expected: str) -> None:
        stem = expected.removesuffix(".yaml")
        for entry in self._entries(folder):
            if entry.name != expected and _same_but_suffix(entry.name, stem):
                self._stray(f"{folder}/{entry.name}", "the file is not read", f"rename it to {expected}")

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                found = [entry for entry in entries if not _ignored(entry.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            self._stray(folder, f"the folder cannot be read: {reason}", "check what it is and its permissions")
            return []
        return sorted(found, key=lambda entry: entry.name)

    def _stray(self, file: str, message: str, hint: str) -> None:
        self.problems.append(Problem(Location(file), "", message, hint, CHECK))


def _ignored(name: str) -> bool:
    """Tell what editors and people leave beside the sources."""
    return name.startswith(".") or name.endswith("~") or name == "README.md"


def _rename(name: str) -> str:
    stem, _, suffix = _printable(name).rpartition(".")
    if suffix.lower() in ("yml", "yaml") and stem:
        return f"rename it to {stem.lower()}.yaml"
    return "move it away"


def _same_but_suffix(name: str, stem: str) -> bool:
    found, _, suffix = name.lower().rpartition(".")
    return found == stem and suffix in ("yml", "yaml")


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell folders from files; a link that leads back to itself is said when it is read as a file."""
    try:
        return entry.is_dir()
    except OSError:
        return False
