"""The way through frozen preprocessing to the estimator that learns, and back again with a new one in its place."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from ...learning.steps import leaves


def through(estimator: Any, X: Any, y: NDArray[Any], frozen: list[str]) -> tuple[Any, NDArray[Any]]:
    """*X* and *y*, shape (n,), as the innermost estimator sees them; fills the names of the frozen steps."""
    if isinstance(estimator, Pipeline):
        for name, step in estimator.steps[:-1]:
            if step is not None and not isinstance(step, str):
                frozen += [leaf for leaf, _ in leaves(step, name)]
                X = step.transform(X)
        return through(estimator.steps[-1][1], X, y, frozen)
    if isinstance(estimator, TransformedTargetRegressor):
        frozen.append("target")
        y = np.asarray(estimator.transformer_.transform(y.reshape(-1, 1))).reshape(len(y))
        return through(estimator.regressor_, X, y, frozen)
    return X, y


def with_innermost(estimator: Any, last: Any) -> Any:
    """*estimator* with *last* in its innermost place; it shares the frozen steps, which nobody changes."""
    if isinstance(estimator, Pipeline):
        outer = copy.copy(estimator)
        name, inner = estimator.steps[-1]
        outer.steps = [*estimator.steps[:-1], (name, with_innermost(inner, last))]
        return outer
    if isinstance(estimator, TransformedTargetRegressor):
        outer = copy.copy(estimator)
        outer.regressor_ = with_innermost(estimator.regressor_, last)
        return outer
    return last
