"""A sensor that stood still, or hit its stop, for a part of the window.

Two marks, each held against the reference's own stretches: one value on far more rows than any value ever had
(a pile: saturation, a sentinel, a frozen part), and one value for far more rows and time in a row (a run).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .columns import FEW, Finding, format_run, surely_above
from .kept import Kept
from .stretches import Stretches, longest_run

_PILE = 0.15  # more of the rows than this above what any value had in any stretch
_COMMON = 0.02  # a value with this share of the reference may well become more frequent,
_MORE = 0.25  # by this,
_MODE = 0.6  # and the most frequent one by this share of what is left
_STRANGER = 0.05  # of the rows on one value that lies outside all that was ever seen: a sentinel
_DISTINCT = 20  # codes and counts of few values pile up as they like
_LONGER = 4.0  # times as long as the reference's longest run
_PART = 0.1  # of the window

_RESTS = 0.5  # a column that has one value so often is at rest there: rain, snow, a valve
_FAR = 0.15  # of the range, beyond which a value is outside it
_ALONE = 0.95  # of all rows outside the range


@dataclass(frozen=True)
class Habit:
    """How a reference column stands still: *mode* is its most frequent value, *piles* the largest share that the
    mode, and that any other value, had in a stretch; *run* its longest run in time and *rows* in rows. *shares* are
    those of the common values, *low* and *high* the range."""

    distinct: int
    shares: dict[float, float]  # of values with a share of _COMMON or more
    low: float
    high: float
    mode: float
    piles: tuple[float, float]
    run: timedelta
    rows: int


_KNOWN: Kept[Habit] = Kept(512)
_UNKNOWN = Habit(0, {}, 0.0, 0.0, 0.0, (0.0, 0.0), timedelta(0), 0)


def stuck(name: str, reference: pd.DataFrame, current: pd.DataFrame, at: Stretches, scale: float) -> Finding | None:
    """Whether the number column *name* stood still; *scale* is how many rows one reference row stands for, over
    how many one current row does. None where there are too few values, or too few different ones.
    """
    now = current[name].to_numpy(dtype=float)
    now = now[np.isfinite(now)]
    if len(now) < FEW:
        return None
    habit = _KNOWN.make((at.key, name), lambda: _habit(reference[name], reference["_time"], at))
    if habit.distinct <= _DISTINCT:
        return None
    slack = _FAR * (habit.high - habit.low)
    outside = now[(now < habit.low - slack) | (now > habit.high + slack)]
    value, share = _pile(outside, len(now)) if len(outside) else _pile(now, len(now))
    alone = share * len(now) >= _ALONE * len(outside) > 0  # a season leaves the range with many values
    if alone and share > _STRANGER and surely_above(share, len(now), _STRANGER):
        note = f"{name} is {value:g} on {share:.0%} of the rows, outside {habit.low:g} … {habit.high:g}: a sentinel?"
        return Finding("stuck", name, "fail", share, 0.0, _STRANGER, note)
    value, share = _pile(now, len(now))
    most, limit = _limit(habit, value)
    if share > limit and surely_above(share, len(now), limit):
        note = f"{name} is {value:g} on {share:.0%} of the rows; no value had more than {most:.0%} in the reference"
        return Finding("stuck", name, "fail", share, most, limit, note)
    if value == habit.mode and habit.piles[0] >= _RESTS:
        return Finding("stuck", name, "ok", share, most, limit)  # a dry spell, however long
    run, rows = longest_run(current[name], current["_time"])
    part = rows / len(now)
    if part >= _PART and rows >= FEW and rows > _LONGER * habit.rows * scale and run > _LONGER * habit.run:
        note = f"{name} did not move for {format_run(run)} ({rows} rows); before, for {format_run(habit.run)} at most"
        return Finding("stuck", name, "fail", part, habit.rows * scale / len(now), _PART, note)
    return Finding("stuck", name, "ok", share, most, limit)


def _limit(habit: Habit, value: float) -> tuple[float, float]:
    """The largest share that such a value had in a stretch, and what it may have now."""
    if value == habit.mode:
        most = habit.piles[0]
        return most, most + max(_PILE, _MODE * (1 - most))
    return habit.piles[1], habit.piles[1] + (_MORE if value in habit.shares else _PILE)


def _habit(column: pd.Series, times: pd.Series, at: Stretches) -> Habit:
    values = column.to_numpy(dtype=float)
    known = np.isfinite(values)
    values, groups = values[known], at.of(known)
    if len(values) < FEW:
        return _UNKNOWN
    distinct, codes = np.unique(values, return_inverse=True)
    table = np.zeros((at.count, len(distinct)))
    np.add.at(table, (groups, codes), 1.0)
    sizes = table.sum(axis=1)
    shares = table[sizes >= FEW] / sizes[sizes >= FEW, None]
    whole = table.sum(axis=0) / len(values)
    mode = int(whole.argmax())
    worst = np.maximum(shares.max(axis=0, initial=0.0), whole)
    others = np.delete(worst, mode)
    run, rows = longest_run(column, times)
    common = {float(v): float(p) for v, p in zip(distinct, whole, strict=True) if p >= _COMMON}
    return Habit(
        distinct=len(distinct),
        shares=common,
        low=float(distinct[0]),
        high=float(distinct[-1]),
        mode=float(distinct[mode]),
        piles=(float(worst[mode]), float(others.max(initial=0.0))),
        run=run,
        rows=rows,
    )


def _pile(values: NDArray[np.float64], rows: int) -> tuple[float, float]:
    """The most frequent of *values*, and its share of *rows*."""
    distinct, counts = np.unique(values, return_counts=True)
    most = int(counts.argmax())
    return float(distinct[most]), float(counts[most] / rows)
