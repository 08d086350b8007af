"""Labels beside what a model said of them: what every metric is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Outcomes:
    """Labels beside what a model said of them; all of length n.

    *prediction* holds classes, numbers, or numbers of clusters; *score* the positive class's probability (binary,
    shape (n,)), one column per class in the order of *classes* (multiclass, shape (n, k)), the distance to the
    nearest centre (clustering, shape (n,); *target* is 0 throughout), or None (regression). *part* tells apart, by a
    number for each row, the rows that different models answered: their scores have no common scale, so that a metric
    of ranks compares rows inside a part only.
    """

    target: Array
    prediction: Array
    score: Array | None = None
    classes: tuple[Any, ...] = ()
    part: Array | None = None

    def __len__(self) -> int:
        return len(self.target)

    def on(self, classes: tuple[Any, ...]) -> Outcomes:
        """The same with one score column for each of *classes*, which hold all of its own."""
        if self.score is None or self.classes == classes:
            return self
        score = np.column_stack([1 - self.score, self.score]) if self.score.ndim == 1 else self.score
        wide = np.zeros((len(self), len(classes)))
        wide[:, [classes.index(each) for each in self.classes]] = score
        return replace(self, score=wide[:, 1] if len(classes) == 2 else wide, classes=classes)

    def take(self, rows: Array) -> Outcomes:
        score, part = (None if each is None else each[rows] for each in (self.score, self.part))
        return Outcomes(self.target[rows], self.prediction[rows], score, self.classes, part)


def parts_of(outcomes: Outcomes) -> list[Array]:
    """The row numbers of each part; of all rows where nothing tells them apart."""
    if outcomes.part is None:
        return [np.arange(len(outcomes))]
    return [np.flatnonzero(outcomes.part == each) for each in np.unique(outcomes.part)]


def codes_of(outcomes: Outcomes) -> tuple[Array, tuple[Any, ...]]:
    """Labels and predictions as places in the classes, shape (2, n), and all classes: the known ones first."""
    places = {each: place for place, each in enumerate(outcomes.classes)}
    values = [*outcomes.target.tolist(), *outcomes.prediction.tolist()]
    codes = [places.setdefault(each if each == each else None, len(places)) for each in values]
    return np.asarray(codes, dtype=np.intp).reshape(2, -1), tuple(places)


def join(parts: Sequence[Outcomes]) -> Outcomes:
    """Outcomes one after the other, on the union of their classes; scores only where every part has them."""
    if not parts:
        return Outcomes(np.empty(0), np.empty(0))
    union = tuple(sorted({each for part in parts for each in part.classes}))
    parts = [part.on(union) for part in parts] if union else parts
    scores = [part.score for part in parts if part.score is not None]
    return Outcomes(
        np.concatenate([part.target for part in parts]),
        np.concatenate([part.prediction for part in parts]),
        np.concatenate(scores) if len(scores) == len(parts) else None,
        parts[0].classes,
    )
