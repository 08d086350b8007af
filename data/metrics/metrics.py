"""The metrics of each task, and their intervals.

On many rows an interval is Student's, from the rows' terms (influence.py); on few, or where single rows outweigh the
others, the percentile bootstrap over rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13
and 16). What one model gains over another on the same rows is paired.py's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import t as student

from .influence import of_area, of_f1, of_recalls, of_root, passed
from .outcomes import Array as Array
from .outcomes import Outcomes as Outcomes
from .outcomes import codes_of, parts_of
from .outcomes import join as join
from .resampled import resampled_means

MANY = 100  # telling rows, from which on a mean of them is normal enough
_MANY_OF_A_CLASS = 20  # the same for an area, which is a mean over pairs: smoother than one over rows
_LARGEST = 0.1  # of the variance that one row may hold; with more, a mean is far from normal however many rows

Draw = Callable[[Array], float]  # row numbers, shape (n,) → the metric on those rows
Each = Callable[[Outcomes], Array]  # what every row adds to a mean, shape (n,)
Influence = Callable[[Outcomes], Array | None]  # the rows' terms, see influence.py; None without a value


@dataclass(frozen=True)
class Metric:
    """One metric: how it is computed, which way is better, and whether a margin is a share of it.

    *prepare* does once what every resample of the same outcomes would do again, and returns what is left.
    *needs_score* says that it is undefined where a model gives no probabilities. *each* is what a row adds, where
    the metric is a mean over rows or rises with one; *of_classes* says that it is silent on rows of one class only.
    *influence* gives the rows' terms where a metric that is no mean has such.
    """

    name: str
    function: Callable[[Outcomes], float]
    greater_is_better: bool
    relative: bool  # margins and tolerances are a share of the champion's value
    prepare: Callable[[Outcomes], Draw]
    needs_score: bool = False
    each: Each | None = None
    of_classes: bool = False
    influence: Influence | None = None

    def __call__(self, outcomes: Outcomes) -> float:
        """The metric's value; NaN where it is undefined (no rows, or one class only for roc_auc)."""
        if len(outcomes) == 0:
            return float("nan")
        return float(self.function(outcomes))

    def gain(self, candidate: float, champion: float) -> float:
        """How much better *candidate* is: positive is better, in the metric's unit."""
        return candidate - champion if self.greater_is_better else champion - candidate

    def terms(self, outcomes: Outcomes) -> Array | None:
        """Each row's term, shape (n,), whose mean is the value and whose variance tells the value's (influence.py).

        None where the metric has no finite value, or no such form.
        """
        if len(outcomes) == 0 or (self.needs_score and outcomes.score is None):
            return None
        of_rows: Influence | None = self.influence or self.each
        found = None if of_rows is None else of_rows(outcomes)
        if found is None:
            return None
        found = found.astype(np.float64)
        return found if np.isfinite(found).all() else None

    def row_gains(self, candidate: Outcomes, champion: Outcomes) -> Array | None:
        """What each row adds to the gain, shape (n,), where the metric has it; positive is better."""
        if self.each is None:
            return None
        new, old = (self.each(each).astype(np.float64) for each in (candidate, champion))
        return np.asarray(new - old if self.greater_is_better else old - new)

    @property
    def many(self) -> int:
        """From how many telling rows on the metric is as good as normal."""
        return _MANY_OF_A_CLASS if self.name == "roc_auc" else MANY

    def standing_on(self, outcomes: Outcomes) -> int:
        """How many rows the value stands on: all; for roc_auc those of the rarer class."""
        if self.name != "roc_auc":
            return len(outcomes)
        _, counts = np.unique(outcomes.target, return_counts=True)
        return int(counts.min()) if len(counts) > 1 else 0

    def telling(self, candidate: Outcomes, champion: Outcomes) -> int:
        """How many rows can tell the two apart: the ones that they answer differently.

        For roc_auc, which compares rows of two classes, at most as many as the rarer class has.
        """
        if self.each is not None:
            return int(np.sum(self.each(candidate) != self.each(champion)))
        if self.name == "roc_auc":
            return self.standing_on(champion)
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
        score = outcomes.score[rows]
        won += passed(score[positive], np.sort(score[~positive])).sum()
        pairs += hits * misses
    return float(won / pairs) if pairs else float("nan")


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
    """How far each row lies from the nearest centre, in one unit for both models: `models/learning/unit.py`."""
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

    return Metric(
        name,
        lambda o: float(np.sqrt(np.mean(each(o)))),
        False,
        True,
        prepare,
        each=each,
        influence=lambda o: of_root(each(o)),
    )


def _counted(name: str, of_cells: Callable[[Array, tuple[Any, ...]], float], influence: Influence) -> Metric:
    """A metric of the confusion matrix alone, shape (k, k): labels down, predictions across."""

    def prepare(outcomes: Outcomes) -> Draw:
        codes, classes = codes_of(outcomes)
        k = len(classes)
        cell = codes[0] * k + codes[1]
        return lambda rows: of_cells(np.bincount(cell[rows], minlength=k * k).reshape(k, k), outcomes.classes)

    def function(outcomes: Outcomes) -> float:
        return prepare(outcomes)(np.arange(len(outcomes)))

    return Metric(name, function, True, False, prepare, of_classes=True, influence=influence)


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("roc_auc", _roc_auc, True, False, _area_of, needs_score=True, of_classes=True, influence=of_area),
        _mean("accuracy", _each_hit, True, False),
        _counted("balanced_accuracy", _balanced_accuracy, of_recalls),
        _counted("f1", _f1, of_f1),
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
    """A point estimate and its interval; NaN where the metric is undefined."""

    value: float
    low: float
    high: float
    rows: int


def normal(terms: Array, telling: int, least: int) -> bool:
    """Whether the mean of *terms*, shape (n,), is as good as normal: at least *least* rows tell, and evenly.

    No row may hold more than a tenth of the variance.
    """
    squares = (terms - terms.mean()) ** 2
    return telling >= least and float(squares.max()) <= _LARGEST * float(squares.sum())


def interval(
    metric: Metric, outcomes: Outcomes, *, confidence: float = 0.95, resamples: int = 500, seed: int = 0
) -> Interval:
    """Interval of *metric* over the rows of *outcomes*.

    Student's, from the rows' terms, where they are many and even (`normal`), inside what the metric can be; else the
    percentile bootstrap, of *resamples*.
    """
    terms = metric.terms(outcomes)
    if terms is not None and normal(terms, metric.standing_on(outcomes), metric.many):
        value, rows = float(terms.mean()), len(terms)
        half = float(student.ppf((1 + confidence) / 2, rows - 1) * terms.std(ddof=1) / math.sqrt(rows))
        most = 1.0 if metric.greater_is_better else math.inf
        return Interval(value, max(0.0, value - half), min(most, value + half), rows)
    return bootstrapped(metric, outcomes, confidence=confidence, resamples=resamples, seed=seed)


def bootstrapped(
    metric: Metric, outcomes: Outcomes, *, confidence: float = 0.95, resamples: int = 500, seed: int = 0
) -> Interval:
    """As `interval`, by the percentile bootstrap whatever the rows."""
    rows, rng = len(outcomes), np.random.default_rng(seed)
    value = metric(outcomes)
    if rows == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    if metric.each is not None and metric.influence is None:
        draws = resampled_means(metric.each(outcomes).astype(np.float64), resamples, rng)
    else:
        draw = metric.prepare(outcomes)
        draws = np.asarray([draw(rng.integers(0, rows, rows)) for _ in range(resamples)])
    known = draws[np.isfinite(draws)]
    if len(known) == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), rows)
