"""A foreign model as it was loaded, and what it must answer before it becomes a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...spec.model import Spec
from ..estimators import Array, Classes, Predictor

Stored = TypeVar("Stored", bound=Predictor)  # the estimator that Ratoon stores


class Original(Protocol[Stored]):
    """What the files of a foreign model gave."""

    @property
    def model(self) -> object:
        """What is asked for `feature_names_in_`, `n_features_in_` and `classes_`; it need not know them."""

    @property
    def recovered(self) -> list[str]:
        """In words, what came with it beside features and classes."""

    @property
    def missing(self) -> list[str]:
        """In words, what did not."""

    def taken_over(self, features: int, classes: Classes, spec: Spec) -> Stored:
        """The estimator that Ratoon stores, of so many *features*; *classes* are empty for regression.

        ContractBroken where it would be another model.
        """

    def compared(self, estimator: Stored, X: pd.DataFrame) -> tuple[Array, Array]:
        """What the original and *estimator* (as stored) say of X, shape (n, k), in the same unit."""


@dataclass
class OriginalEstimator:
    """A scikit-learn estimator, of whatever library: it is stored as it is."""

    model: Predictor
    recovered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def taken_over(self, features: int, classes: Classes, spec: Spec) -> Predictor:
        """The estimator itself."""
        return self.model

    def compared(self, estimator: Predictor, X: pd.DataFrame) -> tuple[Array, Array]:
        """Both predictions."""
        return np.asarray(self.model.predict(X)), np.asarray(estimator.predict(X))


@dataclass
class RawBooster:
    """A booster without classes and parameters of its own, and the scikit-learn *model* made of it.

    *booster* predicts what the library itself predicts: probabilities, or values.
    """

    booster: Callable[[pd.DataFrame], ArrayLike]
    model: Predictor
    recovered: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def taken_over(self, features: int, classes: Classes, spec: Spec) -> Predictor:
        """The estimator around the booster."""
        return self.model

    def compared(self, estimator: Predictor, X: pd.DataFrame) -> tuple[Array, Array]:
        """Probabilities (n,) or (n, classes), or values (n,)."""
        before = np.asarray(self.booster(X))
        if not hasattr(estimator, "predict_proba"):
            return before, np.asarray(estimator.predict(X))
        found = np.asarray(estimator.predict_proba(X))
        return before, found[:, 1] if before.ndim == 1 else found
