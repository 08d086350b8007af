"""Means that an imputer fills in, moved exactly by counts of the values they rest on.

A mean over m values and n new ones is (m * mean + sum of the new) / (m + n): the same as over all rows at once, but for
rounding. scikit-learn's SimpleImputer keeps the mean and not m, so the first fit writes m onto the imputer as
`n_values_seen_`, which travels with it through skops and means nothing to who only predicts. Medians and most frequent
values cannot be moved so: they would need all rows again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer

from ..estimators import Features, Transformer

COUNTS = "n_values_seen_"


def remember(imputer: Transformer, X: Features) -> None:
    """Write onto a fitted *imputer* how many values of *X*, shape (n, k), each of its means rests on."""
    if isinstance(imputer, SimpleImputer) and imputer.strategy == "mean" and not hasattr(X, "tocsr"):
        setattr(imputer, COUNTS, _present(imputer, X).sum(axis=0))


def why_still(imputer: SimpleImputer) -> str | None:
    """Why *imputer* cannot move, in words; None where it can."""
    if imputer.strategy == "constant":
        return "it fills in a constant"
    if imputer.strategy != "mean":
        return f"its {imputer.strategy} cannot be moved without all rows; only means can"
    if getattr(imputer, COUNTS, None) is None:
        return "how many values its means rest on is not known"
    return None


def move_means(imputer: SimpleImputer, X: Features) -> None:
    """Move the means of *imputer* in place over the rows of *X*, shape (n, k).

    A column that never had a value keeps its place: where the imputer drops it, it stays dropped, since the
    width of the output must not change.
    """
    present = _present(imputer, X)
    values = np.where(present, np.asarray(X, dtype=np.float64), 0.0)
    before, means = getattr(imputer, COUNTS), np.asarray(imputer.statistics_, dtype=np.float64)
    moving = (present.sum(axis=0) > 0) & ~np.isnan(means)
    after = before + np.where(moving, present.sum(axis=0), 0)
    sums = np.where(moving, np.nan_to_num(means) * before + values.sum(axis=0), 0.0)
    imputer.statistics_ = np.where(moving, sums / np.maximum(after, 1), means)
    setattr(imputer, COUNTS, after)


def _present(imputer: SimpleImputer, X: Features) -> NDArray[np.bool_]:
    values = np.asarray(X, dtype=np.float64)
    missing = imputer.missing_values
    if missing is None or (isinstance(missing, float) and np.isnan(missing)):
        return ~np.isnan(values)
    return np.asarray(values != missing)
