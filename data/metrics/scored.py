"""Outcomes as an estimator that has answered already: what scikit-learn's scorers ask."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from .outcomes import Array, Outcomes


class Answering(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor; X holds the numbers of rows, shape (n, 1)."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    def predict(self, rows: Array) -> Array:
        """Their predictions, shape (n,)."""
        return np.asarray(self.outcomes.prediction[rows[:, 0]])

    def __sklearn_is_fitted__(self) -> bool:
        return True


class AnsweringClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """A classifier; X holds the numbers of rows, shape (n, 1)."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.outcomes = outcomes

    @property
    def classes_(self) -> Any:
        """The classes, in the order of the columns of `predict_proba`."""
        return np.asarray(self.outcomes.classes)

    def predict(self, rows: Array) -> Array:
        """Their predictions, shape (n,)."""
        return np.asarray(self.outcomes.prediction[rows[:, 0]])

    def predict_proba(self, rows: Array) -> Array:
        """Their probabilities, shape (n, k)."""
        if self.outcomes.score is None:
            raise ValueError("there are no probabilities")
        score = self.outcomes.score[rows[:, 0]]
        return np.column_stack([1 - score, score]) if score.ndim == 1 else np.asarray(score)

    def __sklearn_is_fitted__(self) -> bool:
        return True
