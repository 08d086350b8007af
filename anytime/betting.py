"""Bets on a bounded gain: what a gambler would have won who doubted that the mean is m.

Exact at every look, however rare the rows that tell (Waudby-Smith and Ramdas, Estimating means of bounded random
variables by betting, J. R. Stat. Soc. B 86, 2024, arXiv:2010.09686; Ville 1939). Where the mean is m, the stake has
expectation one at all times, so that it exceeds 1 / alpha ever with probability alpha at most. What it costs is power:
where rows are plenty and the variance well known, normal.py's intervals are narrower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GRID = 401  # means that are doubted, so that interval ends are known to 0.005
_MOST = 0.5  # of the stake that one row may lose, which keeps it above zero


@dataclass(frozen=True)
class Bets:
    """Stakes against every mean of a grid over [-1, 1], after *rows* gains in that range.

    *up* and *down*, shape (401,), are the logarithms of the stakes that the mean lies above and below.
    """

    rows: int
    total: float
    squares: float  # of the distances to the mean predicted, on the scale of 0 to 1
    up: NDArray[np.float64]
    down: NDArray[np.float64]
    alpha: float

    @classmethod
    def begin(cls, alpha: float = 0.05) -> Bets:
        """Before the first row. The bets are sized for an interval at *alpha*; every other level holds too.

        Raises ValueError unless 0 < alpha < 1.
        """
        if not 0 < alpha < 1:
            raise ValueError(f"expected 0 < alpha < 1, found {alpha:g}")
        nothing = np.zeros(_GRID)
        return cls(0, 0.0, 0.25, nothing, nothing.copy(), alpha)

    def add(self, gains: NDArray[np.float64]) -> Bets:
        """With more rows, shape (n,), in the order in which they came: each bet is sized by the rows before it.

        Raises ValueError if a gain is not in [-1, 1].
        """
        gains = np.asarray(gains, dtype=np.float64)
        if len(gains) == 0:
            return self
        if not np.all(np.abs(gains) <= 1):
            raise ValueError("bets are on gains in [-1, 1]; scale them by the largest loss there can be")
        y = (gains + 1) / 2
        t = self.rows + np.arange(1, len(y) + 1)
        sums = self.total + np.cumsum(y)
        predicted = (0.5 + sums) / (t + 1)  # the mean after each row, one row of 0.5 taken as seen before
        squares = self.squares + np.cumsum((y - predicted) ** 2)
        before = np.concatenate([[self.squares], squares[:-1]]) / t
        size = np.sqrt(2 * math.log(2 / self.alpha) / (before * t * np.log1p(t)))
        up, down = self.up.copy(), self.down.copy()
        for start in range(0, len(y), 2000):  # a table of 2,000 × 401 at once
            rows = slice(start, start + 2000)
            apart = y[rows, None] - _MEANS
            up += np.log1p(np.minimum(size[rows, None], _LONG) * apart).sum(axis=0)
            down += np.log1p(-np.minimum(size[rows, None], _SHORT) * apart).sum(axis=0)
        return Bets(self.rows + len(y), float(sums[-1]), float(squares[-1]), up, down, self.alpha)

    @property
    def mean(self) -> float:
        """The mean gain so far; NaN before the first one."""
        return 2 * self.total / self.rows - 1 if self.rows else math.nan

    @property
    def log_gain(self) -> float:
        """The log of the e-value against *the mean gain is at most zero*: evidence that the candidate gains."""
        return float(self.up[_GRID // 2])

    @property
    def log_loss(self) -> float:
        """The log of the e-value against *the mean gain is at least zero*: evidence that the candidate loses."""
        return float(self.down[_GRID // 2])

    def interval(self, alpha: float | None = None) -> tuple[float, float]:
        """The gain's interval, at all looks at once with probability 1 - *alpha* (that of `begin` if left out).

        The means against which neither half of the stake has won enough (the hedged capital, theorem 3), widened by a
        step of the grid. All of [-1, 1] before the first row.
        """
        level = self.alpha if alpha is None else alpha
        hedged = np.maximum(self.up, self.down) - math.log(2)
        held = np.flatnonzero(hedged < -math.log(level))
        if len(held) == 0:  # no mean is believed: the rows do not come from one
            return (self.mean, self.mean)
        ends = 2 * _MEANS[[max(0, held[0] - 1), min(_GRID - 1, held[-1] + 1)]] - 1
        return float(ends[0]), float(ends[1])


_MEANS = np.linspace(0, 1, _GRID)
with np.errstate(divide="ignore"):
    _LONG, _SHORT = _MOST / _MEANS, _MOST / (1 - _MEANS)
_LONG[0], _SHORT[-1] = _MOST, _MOST  # at the ends nothing can be lost, and no large bet is needed
