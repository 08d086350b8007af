"""Code of the user's: a Python file beside the spec, or an entry point of an installed package."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import SpecError
from .family import is_file
from .places import is_a_file, real
from .unexpected import users_code, worded

_CONTENT = "__ratoon_content__"
PRIVATE = "_ratoon_build_"  # prefix of the modules made here: their classes cannot be saved with a model


def load_named(name: str, group: str, folder: Path, where: str) -> Any:
    """What *name* stands for: `file.py:Name` in *folder*, else an entry point of *group*.

    Raises SpecError that begins with *where* and says what was found, if there is no such thing or importing it fails.
    """
    if is_file(name):
        file, _, kind = name.rpartition(":")
        path = real(folder / file)
        if not is_a_file(path):
            raise SpecError(f"{where}: expected a Python file at {path}, found none; nothing was changed")
        module = load_file(path, where)
        if not hasattr(module, kind):
            made = [n for n, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
            raise SpecError(f"{where}: {path.name} has no {kind!r}; found {', '.join(made) or 'nothing'}")
        return getattr(module, kind)
    points = entry_points(group=group, name=name)
    if not points:
        known = ", ".join(sorted(entry_points(group=group).names)) or "none is installed"
        raise SpecError(f"{where}: expected file.py:Name, or an entry point of the group {group} ({known})")
    (point, *_) = points
    try:
        with users_code():
            return point.load()
    except Exception as error:
        raise SpecError(f"{where}: the entry point {point.value!r} cannot be loaded: {worded(error)}") from error


def load_file(path: Path, where: str) -> ModuleType:
    """Import *path* under a private name, so that it neither meets nor hides another module.

    The file's folder is importable only while the file is imported. A file that has not changed since is not
    imported again: its classes stay the ones that fitted models hold, which can then be pickled.
    """
    name = private_name(path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    known = sys.modules.get(name)
    if known is not None and vars(known).get(_CONTENT) == content:
        return known
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise SpecError(f"{where}: {path} cannot be imported as Python; nothing was changed")
    module = importlib.util.module_from_spec(found)
    setattr(module, _CONTENT, content)
    sys.modules[name] = module  # dataclasses and pickling in the file look their module up here
    try:
        with users_code(), importable([path]):
            found.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise SpecError(f"{where}: importing {path} raised {worded(error)}") from error
    return module


def private_name(path: Path) -> str:
    """The name that `load_file` imports *path* under."""
    return PRIVATE + hashlib.sha256(str(path).encode()).hexdigest()[:12]


@contextmanager
def importable(files: list[Path]) -> Iterator[None]:
    """Let the modules beside *files* be imported until the block ends."""
    folders = [str(each.parent) for each in files]
    sys.path[:0] = folders
    try:
        yield
    finally:
        for each in folders:
            sys.path.remove(each)
