"""What a candidate gains over a champion on the same rows, with an interval that holds on few rows too.

On many rows it is Student's, from the rows' terms (terms.py: for roc_auc DeLong's variance). On few it is the
percentile bootstrap over rows (Efron and Tibshirani 1993), *expanded*: the plain one is too narrow there, so that its
tails are moved out to where Student's t would have them (Hesterberg, What Teachers Should Know About the Bootstrap,
The American Statistician 69, 2015, section 5.3). What counts as "few" is the number of rows that can tell the two
apart: of 1,000 rows on which two classifiers differ four times, only four do.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

from .metrics import MANY, Array, Interval, Metric, Outcomes, normal
from .resampled import resampled_means
from .terms import Terms, terms

_TAIL_DRAWS = 10  # resamples wanted beyond each end of the interval
_MOST = 5  # times as many resamples as asked for, at most
_CELLS = 2_000_000  # numbers drawn at once


def paired_gain(
    metric: Metric,
    candidate: Outcomes,
    champion: Outcomes,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Interval of the candidate's gain over the champion on the *same* rows; positive is better.

    In closed form if at least a hundred rows tell the two apart (twenty of the rarer class for roc_auc) and none of
    them outweighs the others; else by *resamples*. Two that say the same have a gain of zero, and no doubt of it.
    Raises ValueError where the two do not hold the same labels in the same order.
    """
    found = terms(metric, candidate, champion)
    if found is None:
        return bootstrapped_gain(metric, candidate, champion, confidence=confidence, resamples=resamples, seed=seed)
    return interval_of(found, metric, candidate, champion, confidence=confidence, resamples=resamples, seed=seed)


def interval_of(
    found: Terms,
    metric: Metric,
    candidate: Outcomes,
    champion: Outcomes,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """As `paired_gain`, for terms that are known already."""
    if not np.any(found.each):
        return Interval(0.0, 0.0, 0.0, len(champion))
    if not normal(found.each, found.telling, metric.many):
        return bootstrapped_gain(metric, candidate, champion, confidence=confidence, resamples=resamples, seed=seed)
    half = float(student.ppf((1 + confidence) / 2, found.telling - 1)) * math.sqrt(found.variance(block=1))
    return Interval(found.value, found.value - half, found.value + half, len(champion))


def bootstrapped_gain(
    metric: Metric,
    candidate: Outcomes,
    champion: Outcomes,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """As `paired_gain`, by the expanded bootstrap whatever the rows.

    More than *resamples* are drawn, up to five times as many, where the tail would hold fewer than ten of them.
    Raises ValueError where the two do not hold the same labels in the same order.
    """
    if not np.array_equal(candidate.target, champion.target):
        raise ValueError("a paired comparison needs the same rows in the same order for both models")
    rows = len(champion)
    tail = expanded_tail(metric.telling(candidate, champion), (1 - confidence) / 2)
    wanted = max(resamples, math.ceil(_TAIL_DRAWS / tail) if tail > 0 else 0)
    count = min(wanted, _MOST * resamples) if rows else 0
    drawn = _drawn_gains(metric, candidate, champion, count, np.random.default_rng(seed))
    known = drawn[np.isfinite(drawn)]
    value = metric.gain(metric(candidate), metric(champion))
    if len(known) == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, float(low), float(high), rows)


def _drawn_gains(
    metric: Metric, candidate: Outcomes, champion: Outcomes, count: int, rng: np.random.Generator
) -> Array:
    """The gain on *count* resamples of the rows, shape (count,)."""
    gains = metric.row_gains(candidate, champion) if metric.is_mean else None
    if gains is not None and count:
        return resampled_means(gains, count, rng)
    rows = len(champion)
    new, old = metric.prepare(candidate), metric.prepare(champion)
    return np.asarray(
        [metric.gain(new(drawn), old(drawn)) for drawn in (rng.integers(0, rows, rows) for _ in range(count))]
    )


def expanded_tail(rows: int, tail: float) -> float:
    """The bootstrap's quantile that stands for *tail*, with *rows* rows that can tell; 0.0 for fewer than two.

    Hesterberg 2015, equation 8: the normal probability below -sqrt(n / (n - 1)) t(1 - tail, n - 1).
    """
    if rows < 2:
        return 0.0
    return float(norm.cdf(-math.sqrt(rows / (rows - 1)) * student.ppf(1 - tail, rows - 1)))


def chance_of(gains: Array, *, draws: int, seed: int) -> float:
    """How often a mean at least as large as that of *gains*, shape (n,), comes from signs that fall by chance.

    The paired randomisation test, one-sided (Fisher, The Design of Experiments, 1935, section 21): exact where the
    two models are interchangeable row by row, however few the rows and heavy the tails. Of gains of one size, as of
    hits and misses, it is the sign test, McNemar's exact one. Of a hundred rows and more, of which none outweighs the
    others, the sum of signs is normal; else signs are drawn, of which the one observed counts as one, so that the
    answer is never 0 (Phipson and Smyth 2010).
    """
    telling = gains[gains != 0]
    if len(telling) == 0:
        return 1.0
    size = np.sort(np.abs(telling))
    if size[0] == size[-1]:
        return float(binom.sf(int(np.sum(telling > 0)) - 1, len(telling), 0.5))
    squares = float(np.sum(size**2))
    if normal(telling, len(size), MANY):
        return float(norm.sf(float(np.sum(telling)) / math.sqrt(squares)))
    observed, rng = float(np.sum(telling)), np.random.default_rng(seed)
    reached, left = 0, draws
    slack = 1e-12 * float(np.sum(size))
    while left:
        take = min(left, max(1, _CELLS // len(size)))
        signs = rng.integers(0, 2, (take, len(size)), dtype=np.int8).astype(np.float64)
        reached += int(np.sum(2.0 * (signs @ size) - size.sum() >= observed - slack))
        left -= take
    return (reached + 1) / (draws + 1)
