"""What Ratoon asks of estimators and transformers, as protocols in scikit-learn's own words.

They are structural: scikit-learn's, LightGBM's and XGBoost's classes hold them as they are, and so does a class of the
user's own that has these methods. Code that reaches into one library's objects names that library's class instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

Array: TypeAlias = NDArray[Any]  # of numbers or of text, as labels are
Label: TypeAlias = int | float | str
Classes: TypeAlias = tuple[Label, ...]
# A table of features, shape (n, k): ours are frames, behind preprocessing they may be arrays or sparse.
Features: TypeAlias = "pd.DataFrame | NDArray[np.generic] | spmatrix | sparray"


class Predictor(Protocol):
    """What a version serves by: it takes the feature table that its training state describes."""

    def predict(self, X: pd.DataFrame) -> ArrayLike:
        """Labels or values, shape (n,), for X, shape (n, k)."""


class Estimator(Protocol):
    """What learns from a table and predicts tables, alone or as a Pipeline."""

    def fit(self, X: Features, y: Array) -> object:
        """Learn X, shape (n, k), and y, shape (n,), from scratch."""

    def predict(self, X: Features) -> ArrayLike:
        """Labels or values, shape (n,)."""


class IncrementalEstimator(Estimator, Protocol):
    """An estimator that learns on."""

    def partial_fit(self, X: Features, y: Array) -> object:
        """Learn X, shape (n, k), and y, shape (n,), beside what it knows."""


class Scorer(Estimator, Protocol):
    """All that an estimator may be asked for; which of the scores it has depends on its kind."""

    @property
    def classes_(self) -> ArrayLike:
        """The labels, shape (k,), in the order of the columns of `predict_proba`."""

    def predict_proba(self, X: Features) -> ArrayLike:
        """Probabilities, shape (n, classes)."""

    def decision_function(self, X: Features) -> ArrayLike:
        """Margins, shape (n,) for two classes, else (n, classes)."""

    def transform(self, X: Features) -> ArrayLike:
        """Of a clustering: distances to its centres, shape (n, centres)."""


class Transformer(Protocol):
    """A fitted step of preprocessing."""

    def transform(self, X: Features) -> Features:
        """X, shape (n, k), as the next step takes it."""


class IncrementalTransformer(Transformer, Protocol):
    """A step whose statistics move with new rows."""

    def partial_fit(self, X: Features) -> object:
        """Learn X, shape (n, k), beside what it knows."""


class Encoder(Transformer, Protocol):
    """A step with a fixed vocabulary for each column."""

    @property
    def categories_(self) -> list[Array]:
        """The known categories of each column."""


@runtime_checkable
class Parametrized(Protocol):
    """What is set up by named parameters; those of nested steps as `step__name`."""

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """The parameters, with those of nested steps if *deep*."""

    def set_params(self, **params: object) -> object:
        """Set some of them."""


Step: TypeAlias = Transformer | str | None  # of a Pipeline: a transformer, `passthrough`, `drop`, or nothing
Params: TypeAlias = Mapping[str, object]


def rows_at(X: Features, rows: Array) -> Features:
    """The *rows* of X by their places, shape (m,)."""
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
