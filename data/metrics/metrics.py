"""The metrics of each task, and their intervals.

On many rows an interval is Student's, from the rows' terms (influence.py); on few, or where single rows outweigh the
others, the percentile bootstrap over rows (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13
and 16). What one model gains over another on the same rows is paired.py's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from .built_in import METRICS as METRICS
from .built_in import known_metric as known_metric
from .metric import MANY as MANY
from .metric import Draw as Draw
from .metric import Metric as Metric
from .outcomes import Array as Array
from .outcomes import Outcomes as Outcomes
from .outcomes import join as join
from .resampled import resampled_means

_LARGEST = 0.1  # of the variance that one row may hold; with more, a mean is far from normal however many rows


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
        least, most = metric.bounds
        return Interval(value, max(least, value - half), min(most, value + half), rows)
    return bootstrapped(metric, outcomes, confidence=confidence, resamples=resamples, seed=seed)


def bootstrapped(
    metric: Metric, outcomes: Outcomes, *, confidence: float = 0.95, resamples: int = 500, seed: int = 0
) -> Interval:
    """As `interval`, by the percentile bootstrap whatever the rows."""
    rows, rng = len(outcomes), np.random.default_rng(seed)
    value = metric(outcomes)
    if rows == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    if metric.is_mean and metric.each is not None:
        draws = resampled_means(metric.each(outcomes).astype(np.float64), resamples, rng)
    else:
        draw = metric.prepare(outcomes)
        draws = np.asarray([draw(rng.integers(0, rows, rows)) for _ in range(resamples)])
    known = draws[np.isfinite(draws)]
    if len(known) == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), rows)
