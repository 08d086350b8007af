"""What a candidate gains over a champion on the same rows, row by row, and how sure the mean of it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .metrics import Array, Metric, Outcomes

_ENOUGH = 8  # blocks, below which their means say little about the variance
_SHORTEST = 5  # rows of a block, below which it holds hardly more than one row does


@dataclass(frozen=True)
class Terms:
    """The paired gain, *value*, in the metric's unit (positive is better), and each row's term in it.

    *each*, shape (n,), in the order of the rows; its mean is *value*. *telling* counts the rows that can tell the two
    models apart (`Metric.telling`).
    """

    value: float
    each: Array
    telling: int

    def variance(self, block: int = 50) -> float:
        """The variance of the mean; NaN for fewer than two rows.

        Neighbours in time are alike, so that rows taken as independent promise too much. It is estimated from the
        means of consecutive blocks of *block* rows (batch means: Schmeiser, Operations Research 30, 1982), for which
        the rows must be in order of time; of fewer, if there would not be eight blocks. It is never below the row-wise
        one, which also answers for fewer than 40 rows. `block=1`: row-wise.
        """
        n = len(self.each)
        if n < 2:
            return float("nan")
        rowwise = float(np.var(self.each, ddof=1)) / n
        length = min(block, n // _ENOUGH)
        if length < min(block, _SHORTEST) or length <= 1:
            return rowwise
        count = n // length
        starts = np.linspace(0, n, count, endpoint=False).astype(np.intp)
        apart = np.add.reduceat(self.each - self.each.mean(), starts)
        return max(rowwise, float(np.sum(apart**2)) / n**2 * count / (count - 1))


def terms(metric: Metric, candidate: Outcomes, champion: Outcomes) -> Terms | None:
    """The terms of the candidate's gain by *metric*; None where it has none.

    That is: no rows, one class only for roc_auc, no probabilities where it needs them, a value that is not finite, or
    a metric without a closed form (calibration).
    Raises ValueError if the two do not hold the same labels in the same order.
    """
    if not np.array_equal(candidate.target, champion.target):
        raise ValueError("a paired comparison needs the same rows in the same order for both models")
    new, old = metric.terms(candidate), metric.terms(champion)
    if new is None or old is None:
        return None
    each = new - old if metric.greater_is_better else old - new
    return Terms(float(np.mean(each)), np.asarray(each), metric.telling(candidate, champion))
