"""One version made ready to answer: what `Trained` finds out for each call is found out once.

A test holds the answers equal to `Trained.predict_frame`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.pipeline import Pipeline

from ...models.estimators import Array, Features, Scorer, Transformer
from ...models.learning.features import could_not
from ...models.learning.state import TrainingState
from ...models.learning.trained import Trained, of_one_library, predicting
from ...spec.errors import RatoonError, Refused
from ...spec.unexpected import users_code
from ..protocol.contract import Contract

PREDICT, PROBABILITIES, SCORES, DISTANCE = "predict", "predict_proba", "scores", "distance"


@dataclass(frozen=True)
class Answer:
    """What a version says of n rows: *prediction* (n,); *scores* (n, classes), or (n,) for distances, or None."""

    prediction: Array
    scores: Array | None


class Answering(Protocol):
    """What predicts a feature table, in this process or in one of its own."""

    def __call__(self, X: pd.DataFrame) -> Answer:
        """Raises Refused where the version cannot predict these rows."""

    def close(self) -> None:
        """Let go of what it holds; it is asked no more."""


@dataclass(frozen=True)
class Prepared:
    """A version that may answer, with what is said of it. Never changed: a swap puts another in its place."""

    number: str
    state: TrainingState
    contract: Contract
    score_name: str | None
    answering: Answering

    @property
    def watermark(self) -> datetime:
        """Label arrival of the newest row that it learned, naive UTC."""
        return self.state.watermark

    def answer(self, X: pd.DataFrame) -> Answer:
        """What the version says of the feature table X, shape (n, k)."""
        if len(X) == 0:
            wide = self.score_name is not None and self.score_name != DISTANCE
            empty = np.empty((0, len(self.state.classes))) if wide else np.empty(0)
            return Answer(np.empty(0), None if self.score_name is None else empty)
        return self.answering(X)

    def outputs(self, answer: Answer) -> Mapping[str, NDArray[np.generic]]:
        """The answer's arrays by their names in the protocol."""
        found: dict[str, NDArray[np.generic]] = {PREDICT: answer.prediction}
        if self.score_name is not None and answer.scores is not None:
            found[self.score_name] = answer.scores
        return found


def prepare(
    state: TrainingState, number: str, answering: Answering, *, probabilistic: bool, beside: Collection[str] = ()
) -> Prepared:
    """The version *number* with *state*, answering by *answering*; *beside*: columns that rows may carry as well."""
    if state.task == "regression":
        score_name = None
    elif state.task == "clustering":
        score_name = DISTANCE
    else:
        score_name = PROBABILITIES if probabilistic else SCORES
    return Prepared(number, state, Contract(state.features, number, beside), score_name, answering)


class Here:
    """Answers in this process: the pipeline's steps are unpacked, and who predicts is known, once."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._task, self._classes = trained.state.task, trained.state.classes
        self._scored = self._task != "regression"
        estimator = cast(Scorer, trained.estimator)
        self._steps: tuple[Transformer, ...] = ()
        self._last = estimator
        if self._scored and isinstance(estimator, Pipeline) and predicting(estimator) is not estimator:
            # As Pipeline.transform does it, step by step
            self._steps = tuple(step for _, step in estimator.steps[:-1] if step not in (None, "passthrough"))
            self._last = cast(Scorer, predicting(estimator))
        self._likeliest: Array | None = None
        if self._scored and self._classes and trained.state.likeliest and of_one_library(self._last):
            self._likeliest = np.asarray(self._last.classes_)
        self._scores = self._scoring() if self._scored else None

    def _scoring(self) -> Callable[[Features], Array]:
        if self._task == "clustering":
            return lambda X: np.asarray(np.min(self._last.transform(X), axis=1), dtype=np.float64)
        if self._trained.probabilistic:
            return lambda X: np.asarray(self._last.predict_proba(X), dtype=np.float64)
        return lambda X: _logistic(np.asarray(self._last.decision_function(X), dtype=np.float64))

    def __call__(self, X: pd.DataFrame) -> Answer:
        """As `Answering`; NotFinite (Refused) where the version says no finite number."""
        try:
            with users_code():
                ready: Features = X
                for step in self._steps:
                    ready = step.transform(ready)
                scores = self._scores(ready) if self._scores is not None else None
                if self._likeliest is not None and scores is not None and scores.ndim == 2:
                    prediction = self._likeliest[np.argmax(scores, axis=1)]
                else:
                    prediction = np.asarray(self._last.predict(ready)).reshape(len(X))
                if self._task == "regression":
                    prediction = prediction.astype(np.float64)
        except (RatoonError, MemoryError):
            raise
        except Exception as error:  # users' code and libraries raise anything
            raise Refused(could_not("predict", X, error)) from error
        self._trained.check_answers(prediction, scores)
        return Answer(prediction, scores)

    def close(self) -> None:
        """Nothing is held but memory."""


def _logistic(margin: Array) -> Array:
    positive = np.asarray(expit(margin), dtype=np.float64)
    return np.column_stack([1 - positive, positive]) if positive.ndim == 1 else positive
