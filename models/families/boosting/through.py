"""The way through frozen preprocessing to the estimator that learns, and back again with a new one in its place."""

from __future__ import annotations

import copy
from typing import cast

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from ...estimators import Array, Features, Predictor
from ...learning.steps import leaves


def through(estimator: Predictor, X: Features, y: Array, frozen: list[str]) -> tuple[Features, Array]:
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


def with_innermost(estimator: Predictor, last: Predictor) -> Predictor:
    """*estimator* with *last* in its innermost place; it shares the frozen steps, which nobody changes."""
    if isinstance(estimator, Pipeline):
        outer: Pipeline = copy.copy(estimator)
        name, inner = estimator.steps[-1]
        outer.steps = [*estimator.steps[:-1], (name, with_innermost(inner, last))]
        return cast(Predictor, outer)
    if isinstance(estimator, TransformedTargetRegressor):
        outer = copy.copy(estimator)
        outer.regressor_ = with_innermost(estimator.regressor_, last)
        return cast(Predictor, outer)
    return last
