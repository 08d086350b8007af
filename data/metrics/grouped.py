"""The paired gain's terms for a metric that is no mean of rows: from leaving out groups of neighbours, one at a time.

The grouped jackknife (Quenouille, Biometrika 43, 1956; Efron and Stein, Annals of Statistics 9, 1981): what a group
adds is how far the gain moves without it. It stands at one row of the group, the others have the mean, so that a
block of rows holds the sum of its groups, and the variance over rows is that over groups.
"""

from __future__ import annotations

import numpy as np

from .metric import Metric
from .outcomes import Outcomes
from .terms import Terms, terms

_GROUPS = 200  # enough for a variance; each asks the metric twice
_FEWEST = 10


def trial_terms(metric: Metric, candidate: Outcomes, champion: Outcomes) -> Terms | None:
    """As `terms`, with those of groups of rows, which must be in order of time, if the metric has none of rows."""
    if metric.each is not None or metric.influence is not None:
        return terms(metric, candidate, champion)
    return grouped_terms(metric, candidate, champion)


def grouped_terms(metric: Metric, candidate: Outcomes, champion: Outcomes, groups: int = _GROUPS) -> Terms | None:
    """The terms of the gain by groups; None if the metric has no finite value on the rows, or without some of them.

    Raises ValueError if the two do not hold the same labels in the same order.
    """
    if not np.array_equal(candidate.target, champion.target):
        raise ValueError("a paired comparison needs the same rows in the same order for both models")
    rows = len(champion)
    count = min(groups, rows)
    if count < _FEWEST:
        return None
    new, old = metric.prepare(candidate), metric.prepare(champion)
    every = np.arange(rows)
    whole = metric.gain(new(every), old(every))
    moved = np.zeros(rows)
    for group in np.array_split(every, count):
        left = np.delete(every, group)
        without = metric.gain(new(left), old(left))
        if not np.isfinite(without):
            return None
        moved[group[len(group) // 2]] = len(left) * (whole - without)
    if not np.isfinite(whole):
        return None
    telling = min(metric.telling(candidate, champion), int(np.count_nonzero(moved)))
    return Terms(float(whole), whole + (moved - moved.mean()), telling)
