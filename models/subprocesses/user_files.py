"""Python files of the user's, imported under private names, and what was pickled with their classes."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import IO, Any

from ...spec.family import is_file
from ...spec.model import Spec
from ...spec.places import real
from ...spec.user_code import PRIVATE, importable, load_file, private_name

__all__ = ["PRIVATE", "importable", "load_file", "own_files", "unpickled"]


def own_files(spec: Spec) -> list[Path]:
    """The Python files that the spec names: of the build function, a team's learner, monitors, guards and metric."""
    own = [*spec.monitors.own, *spec.own_metrics.values(), *(each for rule in spec.policy for each in rule.own)]
    named = [spec.learner.build, spec.learner.family, *(each.use for each in own)]
    return [real(spec.folder / each.rpartition(":")[0]) for each in named if is_file(each)]


class _Unpickler(pickle.Unpickler):
    """Finds classes of the spec's own files too, each of which is imported when the first of them is met."""

    def __init__(self, file: IO[bytes], spec: Spec | None) -> None:
        super().__init__(file)
        self._spec = spec

    def find_class(self, module: str, name: str) -> object:
        files = own_files(self._spec) if self._spec is not None else []
        for path in files:
            if module == private_name(path) and module not in sys.modules:
                load_file(path, str(self._spec.path if self._spec else path))
        with importable(files):
            return super().find_class(module, name)


def unpickled(path: Path, spec: Spec | None = None) -> Any:
    """What *path* holds, with the classes of *spec*'s files and of those beside them.

    Only for what Ratoon itself has just written.
    """
    with path.open("rb") as file:
        return _Unpickler(file, spec).load()
