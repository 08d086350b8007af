"""What was served, read from the data's own prediction column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..spec.errors import DataError
from ..spec.keys.watching import Task
from .columns import PREDICTION, TARGET
from .metrics.metrics import Outcomes


def served_outcomes(frame: pd.DataFrame, task: Task, classes: tuple[Any, ...], positive: Any = None) -> Outcomes:
    """Labels beside the recorded predictions of the n labelled rows in *frame* that have one.

    For a binary task a column of numbers between 0 and 1 that are not all classes is read as the probability of
    *positive* (left out: of the last of *classes*); otherwise the column holds classes, and score metrics are
    undefined. Raises DataError where a regression's prediction is no number, or *positive* none of the classes.
    """
    known = frame[frame[PREDICTION].notna() & frame[TARGET].notna()]
    target, served = known[TARGET].to_numpy(), known[PREDICTION]
    if task == "regression":
        numbers = pd.to_numeric(served, errors="coerce").to_numpy(dtype="float64")
        if np.isnan(numbers).any():
            found = served[np.isnan(numbers)].iloc[0]
            raise DataError(f"data.prediction: found {found!r} in row {known['_id'].iloc[0]}; expected a number.")
        return Outcomes(target.astype("float64"), numbers)
    if task == "binary" and _probabilities(served, classes):
        score = served.to_numpy(dtype="float64")
        if positive_of(classes, positive) == classes[0]:
            score = 1 - score
        return Outcomes(target, np.where(score >= 0.5, classes[1], classes[0]), score, classes)
    return Outcomes(target, served.to_numpy(), None, classes)


def positive_of(classes: tuple[Any, ...], positive: Any = None) -> Any:
    """The one of two *classes* that a recorded probability is of; *positive* may be written as a number or as text.

    Raises DataError where *positive* is neither.
    """
    if positive is None:
        return classes[1]
    known = next((each for each in classes if each == positive or str(each) == str(positive)), None)
    if known is None:
        listed = " and ".join(repr(each) for each in classes)
        raise DataError(f"data.positive: found {positive!r}; expected one of data.target's classes, {listed}")
    return known


def _probabilities(served: pd.Series, classes: tuple[Any, ...]) -> bool:
    numeric = pd.api.types.is_numeric_dtype(served) and bool(served.between(0, 1).all())
    return numeric and not bool(served.isin(classes).all())
