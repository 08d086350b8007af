"""Preprocessing in front of an estimator that continues: which steps move with new rows, which stay frozen.

The default is to move what has `partial_fit`. Moving a scaler shifts what the weights behind it have learned
to read, but little: its statistics are weighted by all rows it ever saw. Freezing one costs more where the
data outgrow it. Measured with ten epochs a window, batches of 256: Elec2, where three columns that were
constant come alive, 41 windows of three weeks: accuracy .678 frozen and .706 moving (network, two seeds),
.667 and .695 (linear); hourly bikes, 39 windows of two weeks: MAE 40.7 and 40.6 (network, three seeds),
80.3 and 80.5 (linear). With MinMaxScaler instead: .678 and .690, .666 and .672; 41.9 and 42.1, 80.1 and 80.1.

Steps whose output columns would change their meaning stay frozen although they have `partial_fit`:
decompositions and clusterings (axes turn, labels swap), and feature selection (other columns).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing

_TURNING = ("sklearn.decomposition", "sklearn.cluster", "sklearn.neural_network", "sklearn.feature_selection")


def innermost(estimator: Any) -> Any:
    """The estimator that does the predicting: last in a Pipeline, inside a TransformedTargetRegressor."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, TransformedTargetRegressor):
            estimator = getattr(estimator, "regressor_", None) or estimator.regressor
        else:
            return estimator


def leaves(transformer: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every fitted transformer below *transformer*, by its path of step names; `passthrough` and `drop` left out."""
    if transformer is None or isinstance(transformer, str):
        return
    if isinstance(transformer, Pipeline):
        for step, inner in transformer.steps:
            yield from leaves(inner, f"{name}/{step}")
    elif isinstance(transformer, ColumnTransformer):
        for step, inner, _ in transformer.transformers_:
            yield from leaves(inner, f"{name}/{step}")
    elif isinstance(transformer, FeatureUnion):
        for step, inner in transformer.transformer_list:
            yield from leaves(inner, f"{name}/{step}")
    else:
        yield name, transformer


def move(transformer: Any, X: Any) -> None:
    """Update in place what moves in a fitted *transformer* by the rows of *X*, shape (n, k); the rest stays."""
    if transformer is None or isinstance(transformer, str):
        return
    if isinstance(transformer, Pipeline):
        for _, inner in transformer.steps:
            move(inner, X)
            if inner is not None and not isinstance(inner, str):
                X = inner.transform(X)
    elif isinstance(transformer, ColumnTransformer):
        for _, inner, columns in transformer.transformers_:
            if inner is not None and not isinstance(inner, str):
                part = _safe_indexing(X, columns, axis=1)
                if part.shape[-1]:
                    move(inner, part)
    elif isinstance(transformer, FeatureUnion):
        for _, inner in transformer.transformer_list:
            move(inner, X)
    elif moves(transformer):
        transformer.partial_fit(X)


def moves(transformer: Any) -> bool:
    """Whether *transformer* can take new rows without changing what its output columns mean."""
    return hasattr(transformer, "partial_fit") and not type(transformer).__module__.startswith(_TURNING)
