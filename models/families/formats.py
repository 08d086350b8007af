"""The format protocol: how versions of a family are stored, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .logged import Logged, Saved
from .mlmodel import Flavour
from .trust import Trust

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo


class Format(Protocol[Saved]):
    """One way to save a version. Served, it needs no Ratoon: none of Ratoon's classes is ever pickled."""

    @property
    def flavour(self) -> str:
        """The entry in MLmodel by which a version is known again."""

    def holds(self, last: object) -> bool:
        """Whether the predicting estimator *last* is what this format saves, and does not only look like it."""

    def review(self, estimator: Saved, trust: Trust, where: str) -> list[str]:
        """The names that the file may hold; SpecError for what nobody reviewed and the spec does not allow."""

    def reread(self, estimator: Saved, types: list[str]) -> Saved:
        """*estimator* through its file and back; *types*: what `review` gave."""

    def log(self, it: Logged[Saved]) -> ModelInfo:
        """Log *it* into the active run; MLflow's ModelInfo."""

    def load(self, folder: Path, entries: Flavour, version: str, trust: Trust) -> Saved:
        """The estimator in *folder*, with all that it needs to continue; RegistryError if it must not be loaded."""
