"""An estimator together with its training state, and its predictions on canonical frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.pipeline import Pipeline

from ...data.columns import PREDICTION, SCORE
from ...data.metrics.metrics import Outcomes
from ...spec.errors import RatoonError, Refused
from ...spec.unexpected import users_code
from ..estimators import Array, Features, Predictor, Scorer
from .features import could_not, table, target
from .state import TrainingState


class NotFinite(Refused):
    """A version predicts no finite number for some rows; *rows*, shape (n,), is true for these."""

    def __init__(self, text: str, rows: Array) -> None:
        super().__init__(text)
        self.rows = rows


class _Elsewhere:
    """In place of an estimator that is handed over beside its state."""

    def predict(self, X: pd.DataFrame) -> Array:
        raise NotImplementedError


_ELSEWHERE = _Elsewhere()


@dataclass(frozen=True)
class Trained:
    """A fitted estimator and what it has learned. Never changed in place: an update makes a new one."""

    estimator: Predictor
    state: TrainingState
    version: str | None = None  # the registry's number, None before registration
    reservoir: pd.DataFrame | None = None  # canonical rows learned before, see reservoir.py

    def without_estimator(self) -> Trained:
        """As it travels between processes, where an estimator goes a way of its own."""
        return replace(self, estimator=_ELSEWHERE)

    @property
    def probabilistic(self) -> bool:
        """Whether scores are probabilities; otherwise they only rank (a logistic of the decision function)."""
        return self.state.task == "regression" or hasattr(self.estimator, "predict_proba")

    @property
    def _scored(self) -> bool:
        """Whether there is a score beside the prediction: probabilities, margins or distances."""
        return self.state.task != "regression"

    def predict(self, frame: pd.DataFrame) -> Outcomes:
        """Predictions beside the labels of *frame*, all of length n.

        Raises Refused where a label is missing or a prediction is no number, ContractBroken where a
        feature is missing.
        """
        prediction, score = self._predict(frame)
        return Outcomes(target(frame, self.state.task), prediction, score, self.state.classes)

    def try_predict(self, frame: pd.DataFrame) -> Outcomes | None:
        """As `predict`; None for no rows, and where this version cannot predict them."""
        try:
            return self.predict(frame) if len(frame) else None
        except (Refused, ValueError):
            return None

    def score(self, frame: pd.DataFrame) -> Outcomes:
        """Predictions on rows whose labels are not known, all of length n: *target* is NaN."""
        prediction, score = self._predict(frame)
        return Outcomes(np.full(len(frame), np.nan), prediction, score, self.state.classes)

    def predict_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`_prediction` and `_score` in the rows' order, with their index; labels are not needed.

        `_score` is the positive class's probability (binary), the predicted class's (multiclass), the distance to
        the nearest centre (clustering), or the prediction itself (regression).
        """
        prediction, score = self._predict(frame)
        if score is None:
            score = prediction
        elif score.ndim == 2:
            score = score.max(axis=1) if len(score) else np.empty(0)
        return pd.DataFrame({PREDICTION: prediction, SCORE: score}, index=frame.index)

    def _predict(self, frame: pd.DataFrame) -> tuple[Array, Array | None]:
        X = table(frame, self.state.features)
        classes = self.state.classes
        if len(X) == 0:
            width = () if len(classes) in (0, 2) else (len(classes),)
            return np.empty(0), np.empty((0, *width)) if self._scored else None
        try:
            with users_code():
                asked = cast(Scorer, self.estimator)  # for the scores of its kind
                last, ready = _prepared(asked, X) if self._scored else (asked, X)
                score = self._scores(last, ready) if self._scored else None
                if score is not None and score.ndim == 2 and self.state.likeliest and of_one_library(last):
                    prediction = np.asarray(last.classes_)[np.argmax(score, axis=1)]
                else:
                    prediction = np.asarray(last.predict(ready)).reshape(len(X))
                if self.state.task == "regression":
                    prediction = prediction.astype(np.float64)  # an own model may give None or Decimal
        except (RatoonError, MemoryError):
            raise
        except Exception as error:  # users' code and libraries raise anything
            raise Refused(could_not("predict", X, error)) from error
        self.check_answers(prediction, score)
        if score is not None and len(classes) == 2:
            score = score[:, 1]
        return prediction, score

    def _scores(self, last: Scorer, X: Features) -> Array:
        """Scores of shape (n, k), one column per class; a clustering has distances to the nearest centre, (n,)."""
        if self.state.task == "clustering":
            return np.asarray(np.min(last.transform(X), axis=1), dtype=np.float64)
        if self.probabilistic:
            return np.asarray(last.predict_proba(X), dtype=np.float64)
        margin = np.asarray(last.decision_function(X), dtype=np.float64)
        positive = np.asarray(expit(margin), dtype=np.float64)
        return np.column_stack([1 - positive, positive]) if positive.ndim == 1 else positive

    def check_answers(self, prediction: Array, score: Array | None) -> None:
        """Raises Refused for answers of another shape or of unknown classes, NotFinite for those that are no number.

        *prediction* has the shape (n,), *score* (n, classes), or (n,) of a clustering.
        """
        self._refuse_strange(prediction, score)
        self._refuse_nan(prediction, score)

    def _refuse_strange(self, prediction: Array, score: Array | None) -> None:
        """Answers of another shape, or of classes that this version has never learned."""
        classes = self.state.classes
        named = f"version {self.version or '(unregistered)'}"
        if score is not None and classes and score.shape != (len(prediction), len(classes)):
            raise Refused(
                f"{named} gives scores of shape {score.shape} for {len(prediction)} rows of {len(classes)} classes; "
                f"expected {(len(prediction), len(classes))}. Nothing was changed"
            )
        foreign = [] if not classes else [each for each in pd.unique(prediction).tolist() if each not in set(classes)]
        if foreign:
            raise Refused(
                f"{named} predicts {foreign[0]!r}, which is none of the classes that it learned, "
                f"{', '.join(map(repr, classes[:5]))}. Nothing was changed"
            )

    def _refuse_nan(self, prediction: Array, score: Array | None) -> None:
        values = score if score is not None else prediction
        broken = np.asarray((~np.isfinite(values)).reshape(len(values), -1).any(axis=1))
        if broken.any():
            raise NotFinite(
                f"version {self.version or '(unregistered)'} predicts no finite number for {int(broken.sum())} of "
                f"{len(values)} rows: it must neither serve nor be judged. Nothing was changed",
                broken,
            )


def of_one_library(last: object) -> bool:
    """Whether `predict` comes from where `predict_proba` does: a subclass may answer otherwise."""
    heads = [getattr(type(last), head, None) for head in ("predict", "predict_proba")]
    return None not in heads and len({each.__module__.split(".")[0] for each in heads}) == 1


def predicting(estimator: object) -> Any:  # of a Pipeline, whose steps mypy does not see
    """The last step of a plain pipeline, which alone is asked once the steps before have prepared the rows; else
    *estimator* itself."""
    if isinstance(estimator, Pipeline) and type(estimator) is Pipeline and len(estimator) > 1:
        last = estimator.steps[-1][1]
        return estimator if last in (None, "passthrough") else last
    return estimator


def _prepared(estimator: Scorer, X: pd.DataFrame) -> tuple[Scorer, Features]:
    """What predicts, and what the steps before it make of *X*, so that answer and score share it."""
    if not isinstance(estimator, Pipeline):
        return estimator, X
    last = predicting(estimator)
    return (last, X) if last is estimator else (last, estimator[:-1].transform(X))
