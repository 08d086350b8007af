"""Numbers that look as if they stand for something else: -999 for a missing one, infinity, a reading times a million.

Before the first version nothing is known that rows could be held against; what is told here is told by a gap: nothing
lies between such values and all the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_AGAIN = 3  # rows that hold one value
_APART = 5.0  # ranges of all others between them and a value that comes again
_SPIKE = 50.0  # the same, of values that come once: a long tail leaps as well
_FEW = 0.02  # most of the rows that are spikes
_VALUES = 3  # different ones that the others must have
_MOST = 3  # stand-ins on either side
_MINUS_ONE = 0.002  # least share of -1 among numbers that are never negative otherwise


def stand_ins(values: Numbers) -> list[str]:
    """What looks wrong among *values*, shape (n,), NaN left out by the caller: a few words each."""
    endless = int(np.isinf(values).sum())
    found = [f"{endless:,} of {len(values):,} values are infinite"] if endless else []
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    odd = np.zeros(len(distinct), dtype=bool)
    for side in (1, -1):
        for place in _apart(distinct[~odd] * side, counts[~odd]):
            odd |= distinct == place * side
    left = distinct[~odd]
    for value, count in zip(distinct[odd][:_MOST], counts[odd][:_MOST], strict=True):
        found.append(
            f"{value:g} stands in {count:,} of {len(values):,} rows, the others are {left[0]:g} … {left[-1]:g}"
        )
    if odd.sum() > _MOST:
        found.append(f"{odd.sum() - _MOST:,} more values lie as far away")
    if len(left) > _VALUES and left[0] == -1 and left[1] >= 0 and (left % 1 == 0).all():
        share = counts[distinct == -1].sum() / len(values)
        if share > _MINUS_ONE and left[-1] > 2:
            found.append(f"-1 stands in {share:.1%} of the rows, and no other value is negative")
    return found


def _apart(distinct: Numbers, counts: NDArray[np.intp]) -> Iterator[float]:
    """Of values in any order, those above a gap: one that comes again and again, or a few spikes."""
    order = np.argsort(distinct)
    distinct, counts = distinct[order], counts[order]
    low = _low_end(distinct, counts)
    for _ in range(_MOST):
        if len(distinct) <= _VALUES or not _AGAIN <= counts[-1] < counts.sum() / 2:
            break
        if not distinct[-1] / _APART - distinct[-2] / _APART > distinct[-2] - min(low, distinct[-2]):
            break
        yield float(distinct[-1])
        distinct, counts = distinct[:-1], counts[:-1]
    few = np.cumsum(counts[::-1])[::-1] <= _FEW * counts.sum()
    for place in np.flatnonzero(few[1:]) + 1:
        below = distinct[place - 1]
        if place >= _VALUES and distinct[place] / _SPIKE - below / _SPIKE > below - min(low, below):
            yield from distinct[place:]
            return


def _low_end(distinct: Numbers, counts: NDArray[np.intp]) -> float:
    """Where the values begin, but for a few that may be stand-ins themselves."""
    passed = np.cumsum(counts) > _FEW * counts.sum()
    return float(distinct[np.flatnonzero(passed)[0]]) if len(distinct) else 0.0
