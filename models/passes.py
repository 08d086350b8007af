"""Passes of `partial_fit` over the rows of an update, in shuffled batches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec.model import LearnerSpec
from .rates import scale
from .weighting import parts, row_weights, set_balance_aside, takes_weights

Array = NDArray[Any]

CURVE = 1000  # an MLP appends its loss at every call; only the newest entries are kept with the model


def counts(estimator: Any) -> bool:
    """Whether *estimator* keeps counts, so that a second pass would count every row twice (naive Bayes)."""
    inner = getattr(estimator, "estimator", None) or estimator  # OneVsRest, OneVsOne
    return type(inner).__module__.startswith("sklearn.naive_bayes")


def continued(last: Any, X: Any, y: Array, learned: Array, spec: LearnerSpec, rng: np.random.Generator) -> list[str]:
    """Continue the fitted *last* in place on (X, y), n rows; what had to be set aside or replaced, in words.

    *learned*: the labels of the rows kept and the new ones, by which classes are weighed.
    """
    notes = []
    stopping = [each for each in parts(last) if getattr(each, "early_stopping", False)]
    for each in stopping:
        each.early_stopping = False  # partial_fit refuses it: there is no validation part in an update
        if getattr(each, "best_loss_", 0.0) is None:
            each.best_loss_ = np.inf
    if stopping:
        notes.append("early_stopping was off during the update: partial_fit does not know it")
    balanced = set_balance_aside(last)
    weight = row_weights(y, learned) if balanced or spec.weights == "balanced" else None
    if balanced:
        notes.append("class_weight 'balanced' was taken over the rows kept and the new ones: partial_fit refuses it")
    shares = None if weight is None or takes_weights(last) else weight / weight.sum()
    if shares is not None:
        notes.append(f"classes were balanced by drawing rows again: {type(last).__name__} takes no sample weights")
    if spec.rate != 1.0:
        scale(last, spec.rate)
        notes.append(f"the learning rate was {spec.rate:g} times its own")
    epochs = range(1 if counts(last) else spec.epochs)
    if shares is None:
        order = np.concatenate([rng.permutation(len(y)) for _ in epochs])
    else:
        order = np.concatenate([rng.choice(len(y), size=len(y), p=shares) for _ in epochs])
    _passes(last, X, y, weight if shares is None else None, order, spec.batch)
    if spec.rate != 1.0:
        scale(last, 1 / spec.rate)
    for each in balanced:
        each.class_weight = "balanced"
    for each in stopping:
        each.early_stopping = True
    for each in parts(last):
        if isinstance(getattr(each, "loss_curve_", None), list):
            del each.loss_curve_[:-CURVE]
    return notes


def _passes(last: Any, X: Any, y: Array, weight: Array | None, order: Array, batch: int) -> None:
    """Learn the rows in *order*, every pass behind the other, in calls of at most *batch* rows.

    A call costs a few milliseconds whatever it is given, so that a call for each pass over a small window would
    spend most of its time on checks.
    """
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        for each in parts(last):
            if hasattr(each, "_no_improvement_count"):
                # A drifted batch never beats the best loss of the first fit: left alone, the count would
                # stop epochs and shrink an adaptive learning rate to nothing.
                each._no_improvement_count = 0
        by = {} if weight is None else {"sample_weight": weight[rows]}
        last.partial_fit(X.iloc[rows] if hasattr(X, "iloc") else X[rows], y[rows], **by)
