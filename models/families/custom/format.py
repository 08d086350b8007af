"""The format of a user's own learner: it writes and reads the files itself, and brings the script that serves them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ....spec.errors import RegistryError, SpecError
from ....spec.model import Spec
from ...estimators import Predictor
from ...subprocesses.user_files import importable, own_files
from ..logged import Logged, log_script
from ..mlmodel import Flavour
from ..trust import Trust

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


@runtime_checkable
class SavingLearner(Protocol):
    """A learner of the user's own that saves its versions in its own way."""

    @property
    def serve(self) -> str:
        """The Python file beside the spec that serves a version, without Ratoon."""

    def save(self, estimator: Predictor, folder: Path) -> None:
        """Write the files of *estimator* into *folder*."""

    def load(self, folder: Path) -> Predictor:
        """What `save` wrote."""


class OwnFormat:
    """Saved by the learner's `save`, loaded by its `load`, served by the file that its `serve` names."""

    flavour = "ratoon_own"

    def __init__(self, learner: SavingLearner, spec: Spec) -> None:
        self._learner = learner
        self._script = spec.folder / learner.serve
        self._name = spec.learner.family
        self._files = own_files(spec)

    def holds(self, last: object) -> bool:
        """As `Format.holds`."""
        return True

    def review(self, estimator: Predictor, trust: Trust, where: str) -> list[str]:
        """SpecError where the serving script is not there. What is saved is the learner's own business."""
        if not self._script.is_file():
            raise SpecError(
                f"{where}: learner.family: {self._name!r}: `serve` names {self._script}, where no file is. "
                "Nothing was registered"
            )
        return []

    def reread(self, estimator: Predictor, types: list[str]) -> Predictor:
        """What the learner's `load` makes of what its `save` writes."""
        with tempfile.TemporaryDirectory() as folder, importable(self._files):
            self.write(estimator, Path(folder))
            return self._learner.load(Path(folder))

    def log(self, it: Logged[Predictor]) -> ModelInfo:
        """Log into the active run; MLflow's ModelInfo."""
        files = lambda folder: self.write(it.estimator, folder)  # noqa: E731
        return log_script(self._script.read_text(), files, (self.flavour, {"learner": self._name}), it)

    def write(self, estimator: Predictor, folder: Path) -> None:
        """The files that a version's model consists of, into *folder*."""
        with importable(self._files):
            self._learner.save(estimator, folder)

    def load(self, folder: Path, entries: Flavour, version: str, trust: Trust) -> Predictor:
        """What the learner's `load` makes of the version's files; RegistryError where another learner wrote them."""
        if entries["learner"] != self._name:
            raise RegistryError(
                f"version {version} was saved by the learner {entries['learner']!r}, but the spec names "
                f"{self._name!r}. Nothing was loaded"
            )
        with importable(self._files):
            return self._learner.load(folder / entries["data"])
