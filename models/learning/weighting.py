"""Class weights of an update: `learner.weights: balanced`.

Each class weighs n / (k * n_c), over the rows kept for replay and the new ones together: a class that is rare in one
update is not rare by chance of the cut. The heuristic is scikit-learn's `class_weight="balanced"`, after King & Zeng,
"Logistic regression in rare events data", Political Analysis 2001. scikit-learn itself refuses that setting in
`partial_fit`, because one batch does not know the classes' shares; a model built with it continues with these weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ...spec.keys.learner import ReplaySpec
from ..estimators import Array, IncrementalEstimator
from .reservoir import sampled


def parts(estimator: object) -> Iterator[BaseEstimator]:
    """The fitted estimators that hold weights or counts: *estimator* itself, or those of a OneVsRest or OneVsOne."""
    inner = getattr(estimator, "estimators_", None)
    if inner is None:
        yield estimator
        return
    for each in inner:
        yield from parts(each)


def row_weights(y: Array, learned: Array) -> Array:
    """Weights of rows with labels *y*, shape (n,), so that the classes of *learned* weigh alike; their mean is near 1.

    >>> row_weights(np.array(["a", "b"]), np.array(["a", "a", "a", "b"]))
    array([0.66666667, 2.        ])
    """
    labels, counts = np.unique(learned, return_counts=True)
    weight = len(learned) / (len(labels) * counts)
    return np.asarray(weight[np.searchsorted(labels, y)])


def everything(reservoir: pd.DataFrame | None, rows: pd.DataFrame, spec: ReplaySpec) -> pd.DataFrame:
    """The sample that is kept of all rows and the new *rows*, on which the classes' shares are judged."""
    if reservoir is None or reservoir.empty:
        return rows
    return pd.concat([sampled(reservoir, spec).reindex(columns=rows.columns), rows])


def takes_weights(estimator: IncrementalEstimator) -> bool:
    """Whether the `partial_fit` of *estimator* takes `sample_weight` by itself."""
    return "sample_weight" in inspect.signature(estimator.partial_fit).parameters


def set_balance_aside(estimator: IncrementalEstimator) -> list[BaseEstimator]:
    """Take `class_weight="balanced"`, which `partial_fit` refuses, from *estimator*; the parts that had it."""
    own = {id(each): each for each in (estimator, getattr(estimator, "estimator", None), *parts(estimator))}
    had = [each for each in own.values() if getattr(each, "class_weight", None) == "balanced"]
    for each in had:
        each.class_weight = None
    return had
