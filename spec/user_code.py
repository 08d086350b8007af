"""Code of the user's: a Python file beside the spec, or an entry point of an installed package."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import SpecError
from .family import is_file
from .keys.own import OwnSpec
from .places import is_a_file, real
from .unexpected import users_code, worded

OWN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # what a team's own monitor, guard or metric may be called
_CONTENT = "__ratoon_content__"
PRIVATE = "_ratoon_build_"  # prefix of the modules made here: their classes cannot be saved with a model


def named_file(name: str, folder: Path, where: str) -> Path:
    """The file of *name*, `file.py:Name` in *folder*. Raises SpecError that begins with *where* if there is none."""
    path = real(folder / name.rpartition(":")[0])
    if not is_a_file(path):
        raise SpecError(f"{where}: expected a Python file at {path}, found none; nothing was changed")
    return path


def load_named(name: str, group: str, folder: Path, where: str) -> Any:
    """What *name* stands for: `file.py:Name` in *folder*, else an entry point of *group*.

    Raises SpecError that begins with *where* and says what was found, if there is no such thing or importing it fails.
    """
    if is_file(name):
        path, kind = named_file(name, folder, where), name.rpartition(":")[2]
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


def make_own(asked: OwnSpec, group: str, folder: Path, where: str) -> Any:
    """What *asked* names, made with its settings; a function or an object without settings is taken as it is.

    Raises SpecError that begins with *where* and the name, if there is no such thing or making it fails.
    """
    where = f"{where}: {asked.use!r}"
    kind = load_named(asked.use, group, folder, where)
    try:
        with users_code():
            return kind(**asked.settings) if isinstance(kind, type) or asked.settings else kind
    except Exception as error:
        given = f" with {', '.join(asked.settings)}" if asked.settings else ""
        raise SpecError(f"{where}: making it{given} raised {worded(error)} Nothing was changed") from error


def own_name_fault(made: object, taken: frozenset[str]) -> str | None:
    """What is wrong with the `name` of a team's own thing; *taken* are the names of Ratoon's own. None: nothing."""
    name = getattr(made, "name", None)
    if isinstance(name, str) and OWN_NAME.fullmatch(name) and name not in taken:
        return None
    return f"its `name` is {name!r}; expected lower-case letters, digits and _, and none of {', '.join(sorted(taken))}"


def check_own(made: object, where: str, taken: frozenset[str], call: str) -> None:
    """Raise SpecError with *where* unless *made* has a name of its own, and can be called as *call* says."""
    if fault := own_name_fault(made, taken):
        raise SpecError(f"{where}: {fault}. Nothing was changed")
    if not callable(made):
        raise SpecError(f"{where}: {type(made).__name__} cannot be called; expected {call}. Nothing was changed")


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
