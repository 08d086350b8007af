"""The format of a user's own learner: it writes and reads the files itself, and brings the script that serves them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ....spec.errors import RegistryError, SpecError
from ....spec.model import Spec
from ...subprocesses.user_files import importable, own_files
from ..logged import Logged, log_script
from ..trust import Trust


class OwnFormat:
    """Saved by the learner's `save`, loaded by its `load`, served by the file that its `serve` names."""

    flavour = "ratoon_own"

    def __init__(self, learner: Any, spec: Spec) -> None:
        self._learner = learner
        self._script = spec.folder / learner.serve
        self._name = spec.learner.family
        self._files = own_files(spec)

    def holds(self, last: Any) -> bool:
        """As `Format.holds`."""
        return True

    def review(self, estimator: Any, trust: Trust, where: str) -> list[str]:
        """SpecError where the serving script is not there. What is saved is the learner's own business."""
        if not self._script.is_file():
            raise SpecError(
                f"{where}: learner.family: {self._name!r}: `serve` names {self._script}, where no file is. "
                "Nothing was registered"
            )
        return []

    def reread(self, estimator: Any, types: list[str]) -> Any:
        """What the learner's `load` makes of what its `save` writes."""
        with tempfile.TemporaryDirectory() as folder, importable(self._files):
            self.write(estimator, Path(folder))
            return self._learner.load(Path(folder))

    def log(self, it: Logged) -> Any:
        """Log into the active run; MLflow's ModelInfo."""
        files = lambda folder: self.write(it.estimator, folder)  # noqa: E731
        return log_script(self._script.read_text(), files, (self.flavour, {"learner": self._name}), it)

    def write(self, estimator: Any, folder: Path) -> None:
        """The files that a version's model consists of, into *folder*."""
        with importable(self._files):
            self._learner.save(estimator, folder)

    def load(self, folder: Path, entries: dict[str, Any], version: str, trust: Trust) -> Any:
        """What the learner's `load` makes of the version's files; RegistryError where another learner wrote them."""
        if entries["learner"] != self._name:
            raise RegistryError(
                f"version {version} was saved by the learner {entries['learner']!r}, but the spec names "
                f"{self._name!r}. Nothing was loaded"
            )
        with importable(self._files):
            return self._learner.load(folder / entries["data"])
