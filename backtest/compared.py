"""How two arms of a backtest compare, stretch by stretch, and which fixed strategy was the best in hindsight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import computed_field

from .results import ArmResult, Kind, Summed

Answer = Literal["beats", "loses_to", "cannot_tell"]

FIXED: tuple[Kind, ...] = ("never", "warm", "scratch_sliding", "scratch_all")  # cheapest first

_RESAMPLES = 2000
_FEWEST = 6  # stretches: of five, even all in one direction are no proof (sign test, two-sided, 2 / 2^5 > 0.05)


class Difference(Summed):
    """The mean difference of the metric over the stretches, weighted by their rows; positive is better.

    *low* and *high* are its 95 % interval; NaN where fewer than six stretches can be compared.
    """

    value: float
    low: float
    high: float
    stretches: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def verdict(self) -> Answer:
        """What the interval says."""
        return "beats" if self.low > 0 else "loses_to" if self.high < 0 else "cannot_tell"


def compared(greater_is_better: bool, arm: ArmResult, other: ArmResult) -> Difference:
    """*arm* against *other* on the stretches that both were judged on; the interval bootstraps the stretches.

    Stretch by stretch, since a metric of ranks over all rows at once also compares rows that different versions
    answered, on scales of their own. Raises ValueError for arms of different plans.
    """
    sign = 1 if greater_is_better else -1
    pairs = [
        (sign * (a.quality.value - b.quality.value), a.rows)
        for a, b in zip(arm.steps, other.steps, strict=True)
        if np.isfinite(a.quality.value) and np.isfinite(b.quality.value)
    ]
    if not pairs:
        return Difference(value=float("nan"), low=float("nan"), high=float("nan"), stretches=0)
    gains, rows = np.asarray(pairs, dtype=np.float64).T
    value, low, high = float(np.average(gains, weights=rows)), float("nan"), float("nan")
    if len(gains) >= _FEWEST:
        drawn = np.random.default_rng(0).integers(0, len(gains), (_RESAMPLES, len(gains)))
        draws = (gains[drawn] * rows[drawn]).sum(axis=1) / rows[drawn].sum(axis=1)
        low, high = (float(each) for each in np.quantile(draws, [0.025, 0.975]))
    return Difference(value=value, low=low, high=high, stretches=len(gains))


def best_fixed(arms: Sequence[ArmResult], greater_is_better: bool) -> ArmResult | None:
    """Of never, warm and both from scratch the one of the best quality, by labels that nobody had at the time.

    Of equal ones the cheapest; None where none of them has a quality.
    """
    fixed = sorted(
        (arm for arm in arms if arm.kind in FIXED and np.isfinite(arm.quality.value)),
        key=lambda arm: FIXED.index(arm.kind),
    )
    better = max if greater_is_better else min
    return better(fixed, key=lambda arm: arm.quality.value) if fixed else None
