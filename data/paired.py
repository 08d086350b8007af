"""What a candidate gains over a champion on the same rows, with an interval that holds on few rows too.

The interval is the percentile bootstrap over rows (Efron and Tibshirani 1993), *expanded*: on few rows the plain
one is too narrow, so that its tails are moved out to where Student's t would have them (Hesterberg, What Teachers
Should Know About the Bootstrap, The American Statistician 69, 2015, section 5.3). What counts as "few" is the
number of rows that can tell the two apart: of 1,000 rows on which two classifiers differ four times, only four do.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from .metrics import Array, Interval, Metric, Outcomes

_TAIL_DRAWS = 10  # resamples wanted beyond each end of the interval
_MOST = 5  # times as many resamples as asked for, at most


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

    More than *resamples* are drawn, up to five times as many, where the tail would hold fewer than ten of them.
    Raises ValueError where the two do not hold the same labels in the same order.
    """
    if not np.array_equal(candidate.target, champion.target):
        raise ValueError("a paired comparison needs the same rows in the same order for both models")
    rows = len(champion)
    tail = expanded_tail(metric.telling(candidate, champion), (1 - confidence) / 2)
    wanted = max(resamples, math.ceil(_TAIL_DRAWS / tail) if tail > 0 else 0)
    new, old = metric.prepare(candidate), metric.prepare(champion)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(min(wanted, _MOST * resamples) if rows else 0):
        drawn = rng.integers(0, rows, rows)
        draws.append(metric.gain(new(drawn), old(drawn)))
    known = np.asarray([each for each in draws if np.isfinite(each)])
    value = metric.gain(metric(candidate), metric(champion))
    if len(known) == 0:
        return Interval(value, float("nan"), float("nan"), rows)
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, float(low), float(high), rows)


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
    two models are interchangeable row by row, however few the rows and heavy the tails. Of hits and misses it is
    McNemar's exact test. The one observed counts as a draw, so that the answer is never 0 (Phipson and Smyth 2010).
    """
    telling = gains[gains != 0]
    if len(telling) == 0:
        return 1.0
    size = np.sort(np.abs(telling))
    observed, rng = float(np.sum(telling)), np.random.default_rng(seed)
    reached, left = 0, draws
    slack = 1e-12 * float(np.sum(size))
    while left:
        take = min(left, max(1, 2_000_000 // len(size)))
        signs = rng.integers(0, 2, (take, len(size)), dtype=np.int8)
        reached += int(np.sum(2.0 * (signs @ size) - size.sum() >= observed - slack))
        left -= take
    return (reached + 1) / (draws + 1)
