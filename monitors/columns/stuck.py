"""A sensor that stood still, or hit its stop, for a part of the window.

Two marks, each held against the reference's own stretches: one value on far more rows than any value ever had
(a pile: saturation, a sentinel, a frozen part), and one value for far more rows and time in a row (a run).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ..columnar import Columnar, runs_of
from ..kept import REMEMBERED, Remembered
from ..profile import ColumnProfile
from ..stretches import Stretches, longest_run, ordered_parts
from .pauses import learned, pauses, rests
from .screens import FEW, Finding, format_run, surely_above

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


_KNOWN: Remembered[Habit] = Remembered(REMEMBERED)
_UNKNOWN = Habit(0, {}, 0.0, 0.0, 0.0, (0.0, 0.0), timedelta(0), 0)


def stuck(
    name: str,
    reference: Columnar,
    current: Columnar,
    at: Stretches,
    scale: float,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """Whether the number column *name* stood still; *scale* is how many rows one reference row stands for, over
    how many one current row does. None where there are too few values, or too few different ones.
    """
    now = current.ordered(name)
    if len(now) < FEW:
        return None
    habit = _KNOWN.make((at.key, name), lambda: _habit(name, reference, at))
    if habit.distinct <= _DISTINCT:
        return None
    slack = _FAR * (habit.high - habit.low)
    below = np.searchsorted(now, habit.low - slack, side="left")
    above = np.searchsorted(now, habit.high + slack, side="right")
    outside = np.r_[now[:below], now[above:]]
    value, share = _pile(outside, len(now)) if len(outside) else _pile(now, len(now))
    alone = share * len(now) >= _ALONE * len(outside) > 0  # a season leaves the range with many values
    if alone and share > _STRANGER and surely_above(share, len(now), _STRANGER):
        note = f"{name} is {value:g} on {share:.0%} of the rows, outside {habit.low:g} … {habit.high:g}: a sentinel?"
        return Finding("stuck", name, "fail", share, 0.0, _STRANGER, note)
    value, share = _pile(now, len(now))
    most, limit = _limit(habit, value)
    limit = max(limit, learned(value, known) + _PILE)
    if share > limit and surely_above(share, len(now), limit):
        if pauses(name, value, reference, current, at, known):
            note = f"{name} rests at {value:g} on {share:.0%} of the rows, as it did before on {most:.0%}"
            return Finding("stuck", name, "warn", share, most, limit, note)
        note = f"{name} is {value:g} on {share:.0%} of the rows; no value had more than {most:.0%} in the reference"
        return Finding("stuck", name, "fail", share, most, limit, note)
    if rests(value, known) or (value == habit.mode and habit.piles[0] >= _RESTS):
        return Finding("stuck", name, "ok", share, most, limit)  # a dry spell, however long
    run, rows = longest_run(current, name)
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


def _habit(name: str, columns: Columnar, at: Stretches) -> Habit:
    values = columns.ordered(name)
    if len(values) < FEW:
        return _UNKNOWN
    distinct, counts = runs_of(values)
    whole = counts / len(values)
    mode = int(whole.argmax())
    worst = np.maximum(_most_in_a_stretch(ordered_parts(columns, name, at), distinct), whole)
    others = np.delete(worst, mode)
    run, rows = longest_run(columns, name)
    often = np.flatnonzero(whole >= _COMMON)
    common = {float(distinct[each]): float(whole[each]) for each in often}
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


def _most_in_a_stretch(parts: list[NDArray[np.float64]], distinct: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest share of a stretch's rows that each of the *distinct* values had, where a stretch has rows enough."""
    worst = np.zeros(len(distinct))
    for here in parts:
        if len(here) >= FEW:
            found, counts = runs_of(here)
            place = np.searchsorted(distinct, found)
            worst[place] = np.maximum(worst[place], counts / len(here))
    return worst


def _pile(values: NDArray[np.float64], rows: int) -> tuple[float, float]:
    """The most frequent of *values*, which lie in order, and its share of *rows*."""
    distinct, counts = runs_of(values)
    most = int(counts.argmax())
    return float(distinct[most]), float(counts[most] / rows)
