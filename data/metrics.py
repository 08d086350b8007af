"""The metrics of each task, and their bootstrap intervals.

Intervals are percentile bootstraps over rows (Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapters 13 and 16). What one model gains over another on the same rows is paired.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

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


Draw = Callable[[Array], float]  # row numbers, shape (n,) → the metric on those rows
Each = Callable[[Outcomes], Array]  # what every row adds to a mean, shape (n,)


@dataclass(frozen=True)
class Metric:
    """One metric: how it is computed, which way is better, and whether a margin is a share of it.

    *prepare* does once what every resample of the same outcomes would do again, and returns what is left.
    *needs_score* says that it is undefined where a model gives no probabilities. *each* is what a row adds, where
    the metric is a mean over rows or rises with one; *of_classes* says that it is silent on rows of one class only.
    """

    name: str
    function: Callable[[Outcomes], float]
    greater_is_better: bool
    relative: bool  # margins and tolerances are a share of the champion's value
    prepare: Callable[[Outcomes], Draw]
    needs_score: bool = False
    each: Each | None = None
    of_classes: bool = False

    def __call__(self, outcomes: Outcomes) -> float:
        """The metric's value; NaN where it is undefined (no rows, or one class only for roc_auc)."""
        if len(outcomes) == 0:
            return float("nan")
        return float(self.function(outcomes))

    def gain(self, candidate: float, champion: float) -> float:
        """How much better *candidate* is: positive is better, in the metric's unit."""
        return candidate - champion if self.greater_is_better else champion - candidate

    def row_gains(self, candidate: Outcomes, champion: Outcomes) -> Array | None:
        """What each row adds to the gain, shape (n,), where the metric has it; positive is better."""
        if self.each is None:
            return None
        new, old = (self.each(each).astype(np.float64) for each in (candidate, champion))
        return np.asarray(new - old if self.greater_is_better else old - new)

    def telling(self, candidate: Outcomes, champion: Outcomes) -> int:
        """How many rows can tell the two apart: the ones that they answer differently.

        For roc_auc, which compares rows of two classes, at most as many as the rarer class has.
        """
        if self.each is not None:
            return int(np.sum(self.each(candidate) != self.each(champion)))
        if self.name == "roc_auc":
            _, counts = np.unique(champion.target, return_counts=True)
            return int(counts.min()) if len(counts) > 1 else 0
        if self.of_classes:
            return int(np.sum(candidate.prediction != champion.prediction))
        return len(champion)


def _roc_auc(outcomes: Outcomes) -> float:
    """The Mann-Whitney form of the area (Hanley and McNeil 1982), ties counted half.

    Equal to scikit-learn's `roc_auc_score` and ten times faster, which the bootstrap's thousands of calls need. With
    parts, the share of the pairs inside them that are in order: their areas, weighted by their pairs.
    """
    if outcomes.score is None or len(outcomes) == 0:
        return float("nan")
    won, pairs = 0.0, 0
    for rows in parts_of(outcomes):
        positive = outcomes.target[rows] == outcomes.classes[1]
        hits, misses = int(positive.sum()), int((~positive).sum())
        won += rankdata(outcomes.score[rows])[positive].sum() - hits * (hits + 1) / 2
        pairs += hits * misses
    return float(won / pairs) if pairs else float("nan")


def parts_of(outcomes: Outcomes) -> list[Array]:
    """The row numbers of each part; of all rows where nothing tells them apart."""
    if outcomes.part is None:
        return [np.arange(len(outcomes))]
    return [np.flatnonzero(outcomes.part == each) for each in np.unique(outcomes.part)]


def _area_of(outcomes: Outcomes) -> Draw:
    """As `_roc_auc`, with the scores sorted once: a resample is a weight on each row.

    The sums are of whole and half numbers, so that nothing is rounded and both ways give the same float.
    """
    if outcomes.score is None or len(outcomes) == 0:
        return lambda rows: float("nan")
    cell, ends = np.asarray(outcomes.target == outcomes.classes[1], dtype=np.intp), [0]
    for part in parts_of(outcomes):
        values, place = np.unique(outcomes.score[part], return_inverse=True)
        cell[part] += 2 * place.reshape(-1) + ends[-1]
        ends.append(ends[-1] + 2 * len(values))

    def area(rows: Array) -> float:
        counts = np.bincount(cell[rows], minlength=ends[-1])
        won, pairs = 0.0, 0
        for start, end in pairwise(ends):
            below, above = counts[start:end:2], counts[start + 1 : end : 2]
            won += np.dot(above.astype(np.float64), np.cumsum(below) - below / 2)
            pairs += int(below.sum()) * int(above.sum())
        return float(won / pairs) if pairs else float("nan")

    return area


def _each_log_loss(outcomes: Outcomes) -> Array:
    """-ln of the probability given to each row's label, shape (n,); a label of an unknown class had none."""
    if outcomes.score is None:
        return np.full(len(outcomes), np.nan)
    score = np.column_stack([1 - outcomes.score, outcomes.score]) if outcomes.score.ndim == 1 else outcomes.score
    given = np.zeros(len(outcomes))
    for column, each in enumerate(outcomes.classes):
        here = np.asarray(outcomes.target == each, dtype=bool)
        given[here] = score[here, column]
    return np.asarray(-np.log(np.clip(given, 1e-15, 1)))


def _each_brier(outcomes: Outcomes) -> Array:
    if outcomes.score is None:
        return np.full(len(outcomes), np.nan)
    return np.asarray((outcomes.score - (outcomes.target == outcomes.classes[1])) ** 2)


def _each_hit(outcomes: Outcomes) -> Array:
    return np.asarray(outcomes.target == outcomes.prediction, dtype=bool)


def _each_error(outcomes: Outcomes) -> Array:
    return np.asarray(np.abs(outcomes.target - outcomes.prediction))


def _each_square(outcomes: Outcomes) -> Array:
    return np.asarray((outcomes.target - outcomes.prediction) ** 2)


def _each_distance(outcomes: Outcomes) -> Array:
    """How far each row lies from the nearest centre, in the unit that `models/unit.py` keeps equal for both models."""
    return np.full(len(outcomes), np.nan) if outcomes.score is None else np.asarray(outcomes.score, dtype=np.float64)


def _balanced_accuracy(cells: Array, classes: tuple[Any, ...]) -> float:
    """Mean recall over the classes that have labels."""
    labelled = cells.sum(axis=1)
    return float(np.mean(np.diag(cells)[labelled > 0] / labelled[labelled > 0]))


def _f1(cells: Array, classes: tuple[Any, ...]) -> float:
    """Of the positive class (binary), else the mean over all classes that are there or were predicted."""
    hits, seen = np.diag(cells), cells.sum(axis=0) + cells.sum(axis=1)
    if len(classes) == 2:
        return float(2 * hits[1] / seen[1]) if seen[1] else 0.0
    return float(np.mean(2 * hits[seen > 0] / seen[seen > 0]))


def _mean(name: str, each: Each, greater: bool, relative: bool, score: bool = False) -> Metric:
    """A metric that is the mean of something per row."""

    def prepare(outcomes: Outcomes) -> Draw:
        values = each(outcomes)
        return lambda rows: float(np.mean(values[rows]))

    return Metric(name, lambda o: float(np.mean(each(o))), greater, relative, prepare, score, each)


def _root(name: str, each: Each) -> Metric:
    """A metric that is the root of the mean of something per row."""

    def prepare(outcomes: Outcomes) -> Draw:
        values = each(outcomes)
        return lambda rows: float(np.sqrt(np.mean(values[rows])))

    return Metric(name, lambda o: float(np.sqrt(np.mean(each(o)))), False, True, prepare, each=each)


def _counted(name: str, of_cells: Callable[[Array, tuple[Any, ...]], float]) -> Metric:
    """A metric of the confusion matrix alone, shape (k, k): labels down, predictions across."""

    def prepare(outcomes: Outcomes) -> Draw:
        codes, classes = codes_of(outcomes)
        k = len(classes)
        cell = codes[0] * k + codes[1]
        return lambda rows: of_cells(np.bincount(cell[rows], minlength=k * k).reshape(k, k), outcomes.classes)

    return Metric(name, lambda o: prepare(o)(np.arange(len(o))), True, False, prepare, of_classes=True)


def codes_of(outcomes: Outcomes) -> tuple[Array, tuple[Any, ...]]:
    """Labels and predictions as places in the classes, shape (2, n), and all classes: the known ones first."""
    places = {each: place for place, each in enumerate(outcomes.classes)}
    values = [*outcomes.target.tolist(), *outcomes.prediction.tolist()]
    codes = [places.setdefault(each if each == each else None, len(places)) for each in values]
    return np.asarray(codes, dtype=np.intp).reshape(2, -1), tuple(places)


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("roc_auc", _roc_auc, True, False, _area_of, needs_score=True, of_classes=True),
        _mean("accuracy", _each_hit, True, False),
        _counted("balanced_accuracy", _balanced_accuracy),
        _counted("f1", _f1),
        _mean("log_loss", _each_log_loss, False, True, score=True),
        _mean("brier", _each_brier, False, False, score=True),
        _mean("mae", _each_error, False, True),
        _root("rmse", _each_square),
        _mean("distance", _each_distance, False, True),
        # What k-means minimises (Lloyd, Least squares quantization in PCM, 1982); one far row weighs more in it.
        _mean("distortion", lambda o: _each_distance(o) ** 2, False, True),
    )
}


@dataclass(frozen=True)
class Interval:
    """A point estimate and its bootstrap interval; NaN where the metric is undefined."""

    value: float
    low: float
    high: float
    rows: int


def interval(
    metric: Metric, outcomes: Outcomes, *, confidence: float = 0.95, resamples: int = 500, seed: int = 0
) -> Interval:
    """Percentile bootstrap interval of *metric* over the rows of *outcomes*."""
    draw = metric.prepare(outcomes)
    draws = [draw(rows) for rows in _resamples(len(outcomes), resamples, seed)]
    return _interval(metric(outcomes), draws, confidence, len(outcomes))


def _resamples(rows: int, resamples: int, seed: int) -> list[Array]:
    if rows == 0:
        return []
    rng = np.random.default_rng(seed)
    return [rng.integers(0, rows, rows) for _ in range(resamples)]


def _interval(value: float, draws: list[float], confidence: float, rows: int) -> Interval:
    known = np.asarray([d for d in draws if np.isfinite(d)])
    if len(known) == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), rows)


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
