"""Stand-ins for packages that are not installed (torch and the like), so that parsers can be built.

Runs inside the probe process, beside the engine's unpacked package; imports nothing of modelyard.
"""

from __future__ import annotations

import abc
import importlib.abc
import importlib.machinery
import importlib.metadata
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

VERSION = "99.0.0"  # no feature of an engine is switched off because a package were too old


class _StubType(abc.ABCMeta):
    """A class whose every attribute is another stand-in, and that is harmless to call, index and compare."""

    def __getattr__(cls, name: str) -> Any:
        if name == "__get_pydantic_core_schema__" and "_stand_in" in cls.__dict__:
            return lambda source, handler: {"type": "any"}
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return _value(f"{cls.__name__}.{name}")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "_stand_in" not in cls.__dict__:
            return super().__call__(*args, **kwargs)  # a real class that derives from a stand-in
        if len(args) == 1 and not kwargs and isinstance(args[0], types.FunctionType | type):
            return args[0]  # used as a decorator
        return cls

    def __getitem__(cls, item: Any) -> Any:
        return cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __len__(cls) -> int:
        return 0

    def __bool__(cls) -> bool:
        return False

    def __contains__(cls, item: Any) -> bool:
        return False

    def __lt__(cls, other: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__

    def __add__(cls, other: Any) -> Any:
        return other

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __and__ = __add__

    def __neg__(cls) -> Any:
        return cls

    def __int__(cls) -> int:
        return 0

    def __index__(cls) -> int:
        return 0

    def __float__(cls) -> float:
        return 0.0

    def __enter__(cls) -> Any:
        return cls

    def __exit__(cls, *args: object) -> None:
        return None

    def __instancecheck__(cls, instance: Any) -> bool:
        return False if "_stand_in" in cls.__dict__ else super().__instancecheck__(instance)

    def __fspath__(cls) -> str:
        return ""


ABSENT = object()  # as a value: the package has no such name
_VALUES: dict[str, Any] = {}


def _value(name: str) -> Any:
    """Give what was said about a name, else a stand-in."""
    value = _VALUES[name] if name in _VALUES else stand_in(name)
    if value is ABSENT:
        raise AttributeError(name)
    return value


def stand_in(name: str) -> Any:
    """Make a stand-in for one name of a package."""
    return _StubType(name, (), {"_stand_in": True, "__module__": "stand_in"})


class _StubModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name in ("__path__", "__file__", "__wrapped__"):
            raise AttributeError(name)
        if name == "__version__":
            return VERSION
        if name == "__all__":
            return []
        value = _value(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: Any) -> types.ModuleType:
        module = _StubModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        return None


def _spec(name: str) -> importlib.machinery.ModuleSpec:
    return importlib.machinery.ModuleSpec(name, _Loader(), is_package=True)


class _Replaced(importlib.abc.MetaPathFinder):
    """The first finder: parts of the engine that compile kernels when they are imported."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        return _spec(name) if name in self.names else None


class _Missing(importlib.abc.MetaPathFinder):
    """The last finder: whatever the engine asks for and nobody else finds is a stand-in."""

    def __init__(self, real: Sequence[str], absent: Sequence[str]) -> None:
        self.real = tuple(real)
        self.absent = tuple(absent)

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        parent, _, last = name.rpartition(".")
        if not self._wanted(parent, last) or name.partition(".")[0] in self.absent:
            return None
        return _spec(name)

    def _wanted(self, parent: str, last: str) -> bool:
        if not parent:
            return last not in self.real and last not in sys.stdlib_module_names and _asked_by(self.real)
        if isinstance(sys.modules.get(parent), _StubModule):
            return True
        return parent.partition(".")[0] in self.real and last.startswith("_")  # a compiled part of the engine


def _asked_by(packages: Sequence[str]) -> bool:
    """Tell whether the engine asks: a library that tries an optional package must see that it is missing."""
    frame: types.FrameType | None = sys._getframe()
    while frame and (frame.f_globals.get("__name__") or "").startswith(("importlib", __name__)):
        frame = frame.f_back
    asking = frame.f_globals.get("__name__", "") if frame else ""
    return asking.partition(".")[0] in (*packages, "__main__")


def _answer_versions(real: Sequence[str]) -> None:
    """Give the engine a version of every package that it asks for."""
    installed = importlib.metadata.version

    def version(distribution_name: str) -> str:
        try:
            return installed(distribution_name)
        except importlib.metadata.PackageNotFoundError:
            if _asked_by(real):
                return VERSION
            raise

    vars(importlib.metadata)["version"] = version


def install(
    *,
    real: Sequence[str],
    replaced: Sequence[str] = (),
    absent: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> None:
    """Stand in for every package that is missing.

    `real` packages are the engine itself, `replaced` modules of it are stand-ins although they exist, and
    `absent` packages must look as if they were not installed. `values` says what single names are.
    """
    _VALUES.update(values or {})
    sys.meta_path.insert(0, _Replaced(replaced))
    sys.meta_path.append(_Missing(real, absent))
    _answer_versions(real)
