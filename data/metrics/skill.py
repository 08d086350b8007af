"""An error beside that of the best constant on the same rows, in which the labels' scale cancels.

The ratio is the relative absolute error for `mae` (the best constant is the median) and the root relative squared error
for `rmse` (the mean); skill is 1 minus it (Murphy, Skill scores based on the mean square error, Monthly Weather Review
116, 1988). The constant is that of each stretch of time, so that a long history with a trend or a season is not easier
to beat than a short window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .metrics import Interval, Outcomes

Floats = NDArray[np.float64]

_FEWEST = 20  # rows of a stretch: fewer lie too close to their own constant


@dataclass(frozen=True)
class _Kind:
    constant: Callable[[Floats], float]
    cost: Callable[[Floats], Floats]
    back: Callable[[float], float]


_KINDS = {
    "mae": _Kind(lambda y: float(np.median(y)), np.abs, float),
    "rmse": _Kind(lambda y: float(np.mean(y)), np.square, lambda v: float(np.sqrt(v))),
}


def has_scale(metric: str) -> bool:
    """Whether *metric* is in the labels' unit, so that it grows with them."""
    return metric in _KINDS


def constant_error(metric: str, target: Floats, stretch: NDArray[np.intp] | None = None) -> float:
    """The metric of the best constant of each *stretch*, shape (n,) like *target*; left out: of all rows."""
    kind = _KINDS[metric]
    return kind.back(float(np.mean(_deviations(kind, np.asarray(target, dtype=float), stretch))))


def relative_error(
    metric: str,
    outcomes: Outcomes,
    stretch: NDArray[np.intp] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 300,
    seed: int = 0,
) -> Interval | None:
    """The metric over `constant_error`, with a percentile bootstrap interval over rows (the constants stay).

    None where it is undefined: no rows, or labels that do not vary.
    """
    kind = _KINDS[metric]
    if len(outcomes) < 2:
        return None
    target = np.asarray(outcomes.target, dtype=float)
    errors = kind.cost(target - np.asarray(outcomes.prediction, dtype=float))
    beside = _deviations(kind, target, stretch)
    if not beside.mean() > 0 or not np.isfinite(errors).all():
        return None
    rng, rows = np.random.default_rng(seed), len(target)
    drawn = [rng.integers(0, rows, rows) for _ in range(resamples)]
    sums = np.asarray([(errors[each].sum(), beside[each].sum()) for each in drawn])
    ratios = [kind.back(error / constant) for error, constant in sums if constant > 0]
    low, high = np.quantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(kind.back(errors.sum() / beside.sum()), float(low), float(high), rows)


def stretches_of(times: pd.Series, window: timedelta | int, share: float = 1.0) -> NDArray[np.intp]:
    """The stretch of each row, shape (n,), 0 …: as long as *window*, of which the rows are a *share*.

    Stretches of fewer than 20 rows are put to the one after (the last: to the one before).
    """
    order = np.argsort(times.to_numpy(), kind="stable")
    if isinstance(window, int):
        place = np.arange(len(times)) // max(_FEWEST, round(window * share))
    else:
        moments = times.to_numpy(dtype="datetime64[us]")[order].astype(np.int64)
        size = max(window // timedelta(microseconds=1), 1)
        place = (moments - moments[0]) // size if len(moments) else moments
    found = np.empty(len(times), dtype=np.intp)
    found[order] = _merged(np.asarray(place))
    return found


def _merged(place: NDArray[np.int64]) -> NDArray[np.intp]:
    """Sorted stretches with the small ones joined, numbered anew."""
    _, counts = np.unique(place, return_counts=True)
    number, held, numbers = 0, 0, list[int]()
    for count in counts:
        numbers += [number] * int(count)
        held += int(count)
        if held >= _FEWEST:
            number, held = number + 1, 0
    merged = np.asarray(numbers, dtype=np.intp)
    if held and number:
        merged[merged == number] = number - 1
    return merged


def _deviations(kind: _Kind, target: Floats, stretch: NDArray[np.intp] | None) -> Floats:
    centre = np.full(len(target), np.nan)
    groups = np.zeros(len(target), dtype=np.intp) if stretch is None else stretch
    for each in np.unique(groups):
        here = groups == each
        centre[here] = kind.constant(target[here])
    return kind.cost(target - centre)
