"""Labels as numbers beside what served said of their rows: what faults of labels are looked for in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from ...data.metrics.metrics import Outcomes
from ...spec.keys.watching import Task

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


_ROWS = 6_000  # rows of a window that are looked at, the newest
_LEAST = 100  # rows of a window, of which fewer say nothing
_CLASSES = 20


@dataclass(frozen=True)
class Said:
    """Labelled rows in the order of time beside what served said of them.

    *label* and *score* have one column for each class but the first of two, or the number itself, shape (n, k);
    *codes* (n,) tells labels apart, *names* the classes.
    """

    rows: pd.DataFrame
    label: Matrix
    score: Matrix
    codes: NDArray[np.intp]
    names: tuple[object, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def later_half(self) -> Said:
        """The later half of the rows; none where that is too few."""
        first = len(self) // 2 if len(self) >= 2 * _LEAST else len(self)
        return replace(self.take(np.arange(len(self)) >= first), rows=self.rows.iloc[first:])

    def take(self, where: Mask) -> Said:
        """Labels and scores of some rows; *rows* are left as they are."""
        return replace(self, label=self.label[where], score=self.score[where], codes=self.codes[where])


@dataclass(frozen=True)
class Cause:
    """A fault that explains a loss: the *metric* that says so, *where* (a group, a class), how much, in words."""

    metric: str
    where: str
    value: float
    was: float
    note: str


def said(outcomes: Outcomes | None, rows: pd.DataFrame | None, task: Task, classes: tuple[object, ...]) -> Said | None:
    """*outcomes* of *rows* (aligned, n rows) as numbers; None of too few, or where they do not belong together."""
    if outcomes is None or rows is None or len(outcomes) != len(rows) or len(rows) < _LEAST:
        return None
    target, prediction = np.asarray(outcomes.target)[-_ROWS:], np.asarray(outcomes.prediction)[-_ROWS:]
    rows = rows.iloc[-_ROWS:]
    if task == "regression":
        label, score = (np.asarray(v, dtype=float)[:, None] for v in (target, prediction))
        return Said(rows, label, score, np.unique(label, return_inverse=True)[1].ravel(), ())
    names = classes[:_CLASSES]
    used = names[1:] if len(names) == 2 else names
    label = np.column_stack([(target == each).astype(float) for each in used])
    codes = pd.Index(classes).get_indexer(pd.Index(target))
    if outcomes.score is None:
        score = np.column_stack([(prediction == each).astype(float) for each in used])
    else:
        score = np.asarray(outcomes.score, dtype=float)[-_ROWS:]
    score = score[:, None] if score.ndim == 1 else score[:, : len(used)] if len(names) != 2 else score[:, 1:]
    return Said(rows, label, score, codes, names)


def plain(each: Said) -> NDArray[np.generic]:
    """The labels as they are told apart, shape (n,): numbers, or the places of their classes."""
    return each.label[:, 0] if not each.names else each.codes


def ranked(values: Matrix, task: Task) -> Matrix:
    """The columns (n, k) of a regression as ranks, since labels may have outliers; others as they are."""
    return np.column_stack([rankdata(c) for c in values.T]) if task == "regression" else values


def along(score: Matrix, label: Matrix) -> float:
    """The correlation of scores and labels over all columns, each weighed by how much its label varies."""
    score, label = score - score.mean(axis=0), label - label.mean(axis=0)
    spread, power = (label**2).sum(axis=0), np.sqrt((score**2).sum(axis=0) * (label**2).sum(axis=0))
    found = np.divide((score * label).sum(axis=0), power, out=np.zeros_like(power), where=power > 0)
    return float((found * spread).sum() / spread.sum()) if spread.sum() > 0 else 0.0
