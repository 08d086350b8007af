"""Names that moved since 0.1: `former.json` says where each module's are. They work through 0.2, and warn.

A module that is gone is made anew from its entry when somebody imports it. One whose name is a package's now asks
`moved` for the names that it held.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

_ROOT = __name__.rpartition(".")[0]


# Where the whole module is now; or where it is but for some names, and where each of those is
_Entry: TypeAlias = str | tuple[str, dict[str, str]]


@cache
def _table() -> dict[str, _Entry]:
    found = json.loads((Path(__file__).parent / "former.json").read_text(encoding="utf-8"))
    return {module: entry if isinstance(entry, str) else (entry[0], entry[1]) for module, entry in found.items()}


def _place(module: str, name: str) -> tuple[str, str]:
    """Where *name* of the former *module* is now: a module below Ratoon and a name there."""
    entry = _table()[module]
    if isinstance(entry, str):
        return entry, name
    place, _, found = entry[1].get(name, f"{entry[0]}:{name}").partition(":")
    return place, found


def _get(module: str, name: str) -> object:
    place, found = _place(module, name)
    value = getattr(import_module(f"{_ROOT}.{place}"), found)
    warnings.warn(
        f"{_ROOT}.{module}.{name} is {_ROOT}.{place}.{found} now; its former place goes with 0.3",
        DeprecationWarning,
        stacklevel=3,
    )
    return value


class _Former(ModuleType):
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return _get(self.__name__.partition(".")[2], name)
        except AttributeError:
            raise AttributeError(f"module {self.__name__!r}, which has moved, has no attribute {name!r}") from None


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, _, module = fullname.partition(".")
        if root != _ROOT or module not in _table():
            return None
        return ModuleSpec(fullname, self, is_package=any(each.startswith(f"{module}.") for each in _table()))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Former(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it: each name is looked up when it is asked for."""


def install() -> None:
    """Let former modules be found where no module of that name is any more."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.append(_Finder())


def moved(package: str) -> Callable[[str], object]:
    """`__getattr__` of a *package* that was one module in 0.1: the names that the module held."""
    module = package.partition(".")[2]

    def find(name: str) -> object:
        entry = _table()[module]
        if name.startswith("_") or isinstance(entry, str) or name not in entry[1]:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return _get(module, name)

    return find
