"""The format protocol: how versions of a family are stored, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from .logged import Logged
from .trust import Trust


class Format(Protocol):
    """One way to save a version. Served, it needs no Ratoon: none of Ratoon's classes is ever pickled."""

    @property
    def flavour(self) -> str:
        """The entry in MLmodel by which a version is known again."""

    def holds(self, last: Any) -> bool:
        """Whether the predicting estimator *last* is what this format saves, and does not only look like it."""

    def review(self, estimator: Any, trust: Trust, where: str) -> list[str]:
        """The names that the file may hold; SpecError for what nobody reviewed and the spec does not allow."""

    def reread(self, estimator: Any, types: list[str]) -> Any:
        """*estimator* through its file and back; *types*: what `review` gave."""

    def log(self, it: Logged) -> Any:
        """Log *it* into the active run; MLflow's ModelInfo."""

    def load(self, folder: Path, entries: dict[str, Any], version: str, trust: Trust) -> Any:
        """The estimator in *folder*, with all that it needs to continue; RegistryError if it must not be loaded."""
