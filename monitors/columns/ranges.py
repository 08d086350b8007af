"""How far numbers lie outside of what the reference held: a share of them, or a few of them very far.

The few are impossible each by itself (-999 among temperatures, a reading times a million): they are kept out of
training and judging one by one, and the window lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...spec.values import Status
from ..columnar import Columnar, quantiles_of, runs_of
from ..kept import REMEMBERED, Remembered
from ..profile import ColumnProfile
from ..stretches import Stretches, ordered_parts, travel
from .screens import DOMINANT, FEW, HANDFUL, Finding, points_of, surely_above

FAR = 5.0  # widths of the reference, outside of it, from which on a handful of rows is a fault
_FAR_ASLEEP = 20.0  # of a column that mostly rests
_NEVER_MOVED = 1_000.0  # times its only value
LEAST = 0.1  # of the range, that either side of its middle counts for
_LEAPS = 3.0  # times as far as later stretches of the reference lay outside of earlier ones


def out_of_range(
    name: str,
    reference: Columnar,
    current: Columnar,
    at: Stretches,
    most: float,
    apart: float = 0.0,
    *,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """The share of numbers outside the reference's range, widened by half on each side and by its own trend.

    What the champion's whole history held (*known*) is inside.

    The share that later stretches of the reference had outside the range of earlier ones is ordinary: that
    excuses months, counters and other columns that wander. A column that was constant, or nearly, and comes
    alive is never broken for it: its range says nothing.

    How far outside counts as well: a handful of rows that lie several ranges away, and farther than the reference
    ever leapt, are stand-ins such as -999 or values in another unit, however few they are. Up to the share *apart* of
    the rows, such are kept out one by one (`Finding.within`); a single one must lie farther than any ever leapt.
    """
    now = current.ordered(name)
    reach = _REACHES.make((at.key, name), lambda: _reach(reference, name, at))
    if len(now) == 0 or reach.rows < FEW:
        return None
    low, high, ordinary, asleep = reach.low, reach.high, reach.later, reach.asleep
    trend = travel(reach.middles, at.ahead)
    if known is not None and known.low is not None and known.high is not None:
        low, high = min(low, known.low), max(high, known.high)
    share = _outside(now, low, high, trend) / len(now)
    limit = max(most, ordinary)
    status: Status = "ok"
    if share > limit or (share > 0 and asleep):
        broken = not asleep and ordinary < 0.999 and surely_above(share, len(now), limit)
        status = "fail" if broken else "warn"
    elif share > most:
        status = "warn"
    note, within = "", None
    far, bounds = _far(now, reach, low, high, trend, reach.leap)
    if far and status != "fail":
        status = "fail" if far >= HANDFUL else "warn"
        note = f"{far:,} of {len(now):,} rows have a {name} far beyond {low:g} … {high:g} (now {now[0]:g} … "
        note += f"{now[-1]:g}): stand-ins, or another unit?"
        if apart and far < HANDFUL:
            far, bounds = _far(now, reach, low, high, trend, reach.farthest)
        if far and apart and (far < HANDFUL or far <= apart * len(now)):
            within = bounds
            note += f" Rows outside {bounds[0]:g} … {bounds[1]:g} are kept out of training and judging"
    elif status != "ok":
        note = f"{share:.1%} of {name} is far outside {low:g} … {high:g} (now {now.min():g} … {now.max():g})"
        if asleep:
            note += "; the reference was constant, or nearly"
    return Finding("out_of_range", name, status, share, ordinary, limit, note, within=within)


def _far(
    now: NDArray[np.float64], reach: _Reach, low: float, high: float, trend: float, leap: float
) -> tuple[int, tuple[float, float]]:
    """How many values lie far beyond the range, and the bounds of what does not; *leap* as in `_Reach`."""
    times = max(_FAR_ASLEEP if reach.asleep else FAR, _LEAPS * leap)
    below, above = (times * width for width in _widths(low, reach.middle, high))
    if low == high != 0:  # it never moved: what else it may be is not known, but hardly a thousand times as much
        below = above = _NEVER_MOVED * abs(low)
    elif reach.moving < FEW:
        return 0, (low, high)
    far = _beyond(now, low, high, (below, above), trend)
    return far, (low - below - trend, high + above + trend)


@dataclass(frozen=True)
class _Reach:
    """Where a reference's numbers lie: their range, the middle of each stretch, the share that later stretches had
    outside earlier ones' range (*later*), how many of its widths a handful of them lay away from it (*leap*), and
    the last one of them (*farthest*);
    whether one value held nearly all of the rows (*asleep*); *moving* rows had another one; *middle* is the median."""

    rows: int
    low: float = 0.0
    high: float = 0.0
    middles: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    later: float = 0.0
    leap: float = 0.0
    farthest: float = 0.0
    asleep: bool = False
    moving: int = 0
    middle: float = 0.0


_REACHES: Remembered[_Reach] = Remembered(REMEMBERED)


def _reach(reference: Columnar, name: str, at: Stretches) -> _Reach:
    was = reference.ordered(name)
    if len(was) < FEW:
        return _Reach(len(was))
    parts = ordered_parts(reference, name, at)
    resting = int(runs_of(was)[1].max())
    asleep = resting / len(was) >= DOMINANT
    middle = float(was[len(was) // 2])
    leaps = _leap(parts, middle, HANDFUL), _leap(parts, middle, 1)
    ends = float(was[0]), float(was[-1])
    return _Reach(len(was), *ends, _middles(parts), _later_outside(parts), *leaps, asleep, len(was) - resting, middle)


def _outside(ordered: NDArray[np.float64], low: float, high: float, trend: float = 0.0) -> int:
    """How many values of an array in order lie outside the range, widened by half on each side and by *trend*."""
    slack = (high - low) / 2 + trend
    return _beyond(ordered, low, high, (slack, slack), 0.0)


def _beyond(ordered: NDArray[np.float64], low: float, high: float, widths: tuple[float, float], slack: float) -> int:
    """How many values of an array in order lie farther outside the range than *widths* (below, above) and *slack*."""
    below = np.searchsorted(ordered, low - widths[0] - slack, side="left")
    return int(below + len(ordered) - np.searchsorted(ordered, high + widths[1] + slack, "right"))


def _widths(low: float, middle: float, high: float) -> tuple[float, float]:
    """The range as seen from its middle, doubled: a long tail above says nothing of what may lie below."""
    middle, least = min(max(middle, low), high), LEAST * (high - low)
    return max(2 * (middle - low), least), max(2 * (high - middle), least)


def _middles(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The middle (of the 5th and 95th percentile) of each stretch that has values enough."""
    ends = np.array([0.05, 0.95])
    return np.asarray([quantiles_of(part, ends).mean() for part in parts if len(part) >= FEW])


def _before_and_later(
    parts: list[NDArray[np.float64]],
) -> Iterator[tuple[float, float, list[NDArray[np.float64]]]]:
    """For some points in the reference: the range of all before, and each stretch after it that has values enough."""
    for point in points_of(len(parts)):
        early = [part for part in parts[: point + 1] if len(part)]
        if sum(map(len, early)) >= FEW:
            low, high = min(float(part[0]) for part in early), max(float(part[-1]) for part in early)
            yield low, high, [part for part in parts[point + 1 :] if len(part) >= FEW]


def _later_outside(parts: list[NDArray[np.float64]]) -> float:
    """The largest share of a later stretch's values outside the range of all before a point."""
    worst = 0.0
    for low, high, later in _before_and_later(parts):
        worst = max(worst, *(_outside(part, low, high) / len(part) for part in later), 0.0)
    return worst


def _leap(parts: list[NDArray[np.float64]], middle: float, rows: int) -> float:
    """How many widths of all before it so many *rows* of a later stretch's values lay away from these, at most."""
    farthest = 0.0
    for low, high, later in _before_and_later(parts):
        below, above = _widths(low, middle, high)
        for part in later if high > low else ():
            down, up = low - float(part[rows - 1]), float(part[-rows]) - high
            farthest = max(farthest, down / below, up / above)
    return farthest
