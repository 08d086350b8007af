"""Hours or days without rows that always had some, while the window as a whole looks plausible.

Half of a day's partitions that did not come leave half of the rows, which a quiet week may have as well. What no quiet
week does is to leave whole hours empty again and again between full ones. One stretch without rows is `gap`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ...data.window import Window
from ..columnar import Columnar
from ..columns.screens import FEW, Finding
from ..kept import Remembered
from ..stretches import Stretches

Moments = NDArray[np.int64]  # microseconds since 1970
Slots = NDArray[np.int64]  # hours or days since 1970

_PERIODS = {"hours": 3_600_000_000, "days": 86_400_000_000}
_WEEK = 604_800_000_000
_WEEKS = 4  # as long a reference tells of each hour of the week; a shorter one of each hour of the day
_ALWAYS = 0.95  # of the times that such an hour came, it had rows
_LOST = 0.15  # of the hours that always have rows, beyond what the worst stretch lost
_NOISE = 3.0  # standard errors of what chance leaves empty
_REGULAR = 0.05  # of the hours, by which fewer are empty than by chance
_THIN = 3.0  # rows of a slot: of more, none is empty by chance
_SLOTS = 6  # of fewer nothing follows


@dataclass(frozen=True)
class _Habit:
    """Which hours (or days), by their place in *cycle* of them, always have rows, and the largest share of them that a
    stretch of the reference lost. *regular*: far fewer are empty than chance would leave, as where a row comes every
    hour: then no thin window explains what is missing."""

    cycle: int
    always: NDArray[np.bool_]
    worst: float
    regular: bool = False
    luck: float = 0.0  # the share that could be empty although the reference, which is short, shows none

    def lost(self, times: Moments, period: int) -> tuple[float, int]:
        """The share of the expected slots between the first and the last row that hold none, but for the longest run
        of such; and how many were expected."""
        filled = np.unique(times // period)
        slots = np.arange(filled[0] + 1, filled[-1])
        slots = slots[self.always[slots % self.cycle]]
        if len(slots) < _SLOTS:
            return 0.0, len(slots)
        empty = ~np.isin(slots, filled)
        return float((empty.sum() - _longest(empty)) / len(slots)), len(slots)

    def thin(self, times: Moments, period: int, expected: int) -> float:
        """The share of the *expected* slots that chance leaves empty where so few rows come."""
        rows = float(self.always[(times // period) % self.cycle].sum()) / expected
        return max(math.exp(-rows), self.luck if rows < _THIN else 0.0)


_KNOWN: Remembered[_Habit] = Remembered(64)


def holes(reference: Columnar, current: Columnar, window: Window, at: Stretches) -> list[Finding]:
    """One finding, of the hours or else of the days; one `ok` where neither lack any."""
    if len(current) < FEW or len(reference) < FEW or window.span.length <= timedelta(0):
        return []
    times, worst = current.times(), 0.0
    for name, period in _PERIODS.items():
        habit = _KNOWN.make((at.key, name), lambda period=period: _habit(reference.times(), period, at))  # type: ignore[misc]
        share, expected = habit.lost(times, period)
        if not expected:
            continue
        thin = 0.0 if habit.regular else habit.thin(times, period, expected)
        limit = max(habit.worst, thin) + max(_LOST, _NOISE * math.sqrt(thin * (1 - thin) / expected))
        missed = share * len(times) / max(1 - share, 1e-9)
        if share > limit and missed >= FEW:
            note = f"{share:.0%} of the {name} that always had rows have none, here and there; "
            note += f"{habit.worst:.0%} at most in the reference: a part was not delivered?"
            return [Finding("holes", None, "fail", share, habit.worst, limit, note)]
        worst = max(worst, share)
    return [Finding("holes", None, "ok", worst, 0.0, _LOST)]


def _habit(times: Moments, period: int, at: Stretches) -> _Habit:
    weekly = int(times.max() - times.min()) >= _WEEKS * _WEEK
    cycle = _WEEK // period if weekly else max(_PERIODS["days"] // period, 1)
    filled = np.unique(times // period)
    every = np.arange(filled[0], filled[-1] + 1)
    came = np.bincount(every % cycle, minlength=cycle)
    had = np.bincount(filled % cycle, minlength=cycle)
    always = (came >= _WEEKS) & (had >= _ALWAYS * came)
    habit = _Habit(cycle, always, 0.0)
    parts = [times[at.of_row == g] for g in range(at.count)]
    worst = max((habit.lost(part, period)[0] for part in parts if len(part) >= FEW), default=0.0)
    slots = every[always[every % cycle]]
    empty = 1 - float(np.isin(slots, filled).mean()) if len(slots) else 1.0
    inside = int(always[(times // period) % cycle].sum())
    chosen = always.sum() < (had > 0).sum() / 2  # a few, by luck: they tell of themselves alone
    regular = not chosen and empty + _REGULAR < math.exp(-inside / max(len(slots), 1))
    luck = 1 - 0.05 ** (1 / int(came[always].min())) if always.any() else 0.0
    return _Habit(cycle, always, worst, regular, luck)


def _longest(empty: NDArray[np.bool_]) -> int:
    """The longest run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, empty, False].astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
