"""Python files of the user's, imported under private names, and what was pickled with their classes."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from ...spec.errors import SpecError
from ...spec.family import is_file
from ...spec.model import Spec
from ...spec.places import real
from ...spec.unexpected import users_code, worded

_CONTENT = "__ratoon_content__"
PRIVATE = "_ratoon_build_"  # prefix of the modules made here: their classes cannot be saved with a model


def load_file(path: Path, where: str) -> ModuleType:
    """Import *path* under a private name, so that it neither meets nor hides another module.

    The file's folder is importable only while the file is imported. A file that has not changed since is not
    imported again: its classes stay the ones that fitted models hold, which can then be pickled.
    """
    name = _private_name(path)
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


def _private_name(path: Path) -> str:
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


def own_files(spec: Spec) -> list[Path]:
    """The Python files that the spec names: the build function's, and that of a learner of the user's own."""
    named = [spec.learner.build, *([spec.learner.family] if is_file(spec.learner.family) else [])]
    return [real(spec.folder / each.rpartition(":")[0]) for each in named]


class _Unpickler(pickle.Unpickler):
    """Finds classes of the spec's own files too, each of which is imported when the first of them is met."""

    def __init__(self, file: IO[bytes], spec: Spec | None) -> None:
        super().__init__(file)
        self._spec = spec

    def find_class(self, module: str, name: str) -> Any:
        files = own_files(self._spec) if self._spec is not None else []
        for path in files:
            if module == _private_name(path) and module not in sys.modules:
                load_file(path, str(self._spec.path if self._spec else path))
        with importable(files):
            return super().find_class(module, name)


def unpickled(path: Path, spec: Spec | None = None) -> Any:
    """What *path* holds, with the classes of *spec*'s files and of those beside them.

    Only for what Ratoon itself has just written.
    """
    with path.open("rb") as file:
        return _Unpickler(file, spec).load()
