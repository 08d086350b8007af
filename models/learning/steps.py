"""Preprocessing in front of an estimator that continues: which steps move with new rows, which stay frozen.

The default is to move what has `partial_fit`. Moving a scaler shifts what the weights behind it have learned
to read, but little: its statistics are weighted by all rows it ever saw. Freezing one costs more where the
data outgrow it. Measured with ten epochs a window, batches of 256: Elec2, where three columns that were
constant come alive, 41 windows of three weeks: accuracy .678 frozen and .706 moving (network, two seeds),
.667 and .695 (linear); hourly bikes, 39 windows of two weeks: MAE 40.7 and 40.6 (network, three seeds),
80.3 and 80.5 (linear). With MinMaxScaler instead: .678 and .690, .666 and .672; 41.9 and 42.1, 80.1 and 80.1.

Means of a SimpleImputer move by counts (imputers.py), encoders stay as they are (encoders.py). Steps whose output
columns would change their meaning stay frozen although they have `partial_fit`: decompositions and clusterings (axes
turn, labels swap), and feature selection (other columns). Rows that are replayed move nothing: the steps have seen
them before, and would count them twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing, get_tags

from ..estimators import Array, Features, IncrementalTransformer, Predictor, Step, Transformer
from .encoders import encodes, meet
from .imputers import move_means, remember, why_still

_TURNING = ("sklearn.decomposition", "sklearn.cluster", "sklearn.neural_network", "sklearn.feature_selection")


def innermost(estimator: object) -> Any:  # each family knows its own; mypy does not see a Pipeline's steps
    """The estimator that does the predicting: last in a Pipeline, inside a TransformedTargetRegressor."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, TransformedTargetRegressor):
            estimator = getattr(estimator, "regressor_", None) or estimator.regressor
        else:
            return estimator


def leaves(transformer: Step, name: str) -> Iterator[tuple[str, Transformer]]:
    """Every fitted transformer below *transformer*, by its path of step names; `passthrough` and `drop` left out."""
    if transformer is None or isinstance(transformer, str):
        return
    if isinstance(transformer, Pipeline):
        for step, inner in transformer.steps:
            yield from leaves(inner, f"{name}/{step}")
    elif isinstance(transformer, ColumnTransformer):
        for step, inner, columns in transformer.transformers_:
            if not _none(columns):
                yield from leaves(inner, f"{name}/{step}")
    elif isinstance(transformer, FeatureUnion):
        for step, inner in transformer.transformer_list:
            yield from leaves(inner, f"{name}/{step}")
    else:
        yield name, transformer


def met(transformer: Step, X: Features, name: str) -> Iterator[tuple[str, Transformer, Features]]:
    """Every fitted transformer below *transformer*: its path, itself, and the part of *X*, shape (n, k), that it takes.

    What the caller does to a transformer is done before the next one behind it is met.
    """
    if transformer is None or isinstance(transformer, str):
        return
    if isinstance(transformer, Pipeline):
        for place, (step, inner) in enumerate(transformer.steps, start=1):
            yield from met(inner, X, f"{name}/{step}")
            if place < len(transformer.steps):  # nobody takes what comes out of the last
                X = transformed(inner, X)
    elif isinstance(transformer, ColumnTransformer):
        for step, inner, columns in transformer.transformers_:
            if inner is not None and not isinstance(inner, str) and not _none(columns):
                yield from met(inner, _safe_indexing(X, columns, axis=1), f"{name}/{step}")
    elif isinstance(transformer, FeatureUnion):
        for step, inner in transformer.transformer_list:
            yield from met(inner, X, f"{name}/{step}")
    else:
        yield name, transformer, X


def _none(columns: object) -> bool:
    """Whether a ColumnTransformer's part has no column, such as encoders without categories: it was not fitted."""
    if isinstance(columns, np.ndarray) and columns.dtype == bool:
        return not columns.any()
    return hasattr(columns, "__len__") and not isinstance(columns, str) and len(columns) == 0


def transformed(step: Step, X: Features) -> Features:
    """*X* behind *step*; new categories are told in the record, not by a warning."""
    if step is None or isinstance(step, str):
        return X
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found unknown categories", category=UserWarning)
        return step.transform(X)


@dataclass
class Passage:
    """What became of the preprocessing while rows went through it, by path of step names."""

    moving: bool = True
    updated: list[str] = field(default_factory=list)
    frozen: dict[str, str] = field(default_factory=dict)  # with the reason
    notes: list[str] = field(default_factory=list)

    def through(self, estimator: Predictor, new: Features, rows: Features, y: Array) -> tuple[Features, Array]:
        """*rows* and *y*, shape (n, k) and (n,), as the innermost estimator sees them.

        The steps of *estimator* are moved in place by *new*, the part of *rows* that was never learned. Raises
        ContractBroken where an encoder refuses a category.
        """
        if isinstance(estimator, Pipeline):
            for name, step in estimator.steps[:-1]:
                for leaf, inner, part in met(step, new, name):
                    self._move(leaf, inner, part)
                same = new is rows
                rows = transformed(step, rows)
                new = rows if same else transformed(step, new)
            return self.through(estimator.steps[-1][1], new, rows, y)
        if isinstance(estimator, TransformedTargetRegressor):
            self.frozen["target"] = "the model behind it learned in these units"
            y = np.asarray(estimator.transformer_.transform(y.reshape(-1, 1))).reshape(len(y))
            return self.through(estimator.regressor_, new, rows, y)
        return rows, y

    def _move(self, name: str, transformer: Transformer, X: Features) -> None:
        if encodes(transformer):
            self.notes += meet(transformer, X, name)
        reason = why_frozen(transformer) if self.moving else "preprocessing is held"
        if reason is not None:
            self.frozen[name] = reason
            return
        if isinstance(transformer, SimpleImputer):
            move_means(transformer, X)
        elif X.shape[-1]:
            cast(IncrementalTransformer, transformer).partial_fit(X)  # why_frozen found that it can
        self.updated.append(name)


def why_frozen(transformer: Transformer) -> str | None:
    """Why *transformer* must not or cannot take new rows, in words; None where it moves with them."""
    if encodes(transformer):
        return "another category would widen its output or change a code that the model behind it has learned"
    if isinstance(transformer, SimpleImputer):
        return why_still(transformer)
    if type(transformer).__module__.startswith(_TURNING):
        return "its axes, labels or chosen columns would turn under the model behind it"
    if hasattr(transformer, "partial_fit"):
        return None
    if hasattr(transformer, "__sklearn_tags__") and not get_tags(transformer).requires_fit:
        return "it learns nothing from rows"
    return "it has no partial_fit"


def remember_counts(estimator: Predictor, X: Features) -> None:
    """Write onto the mean imputers in front of the fitted *estimator* how many values of *X* they rest on."""
    if isinstance(estimator, TransformedTargetRegressor):
        return remember_counts(estimator.regressor_, X)
    if not isinstance(estimator, Pipeline):
        return None
    if any(isinstance(inner, SimpleImputer) for name, step in estimator.steps[:-1] for _, inner in leaves(step, name)):
        for name, step in estimator.steps[:-1]:
            for _, inner, part in met(step, X, name):
                remember(inner, part)
            X = transformed(step, X)
    return remember_counts(estimator.steps[-1][1], X)
