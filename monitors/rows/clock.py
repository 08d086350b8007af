"""Clock faults: rows bunched on one moment, cut to dates, missing for a part of the window, or shifted by hours.

A row is only visible once its time has passed, so that a wrong clock shows in where the rows lie inside the
window. All of it is held against the reference's own stretches: daily rows are all at midnight, and that is fine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ...data.window import Window
from ..columnar import Columnar, quantiles_of
from ..columns.screens import FEW, Finding, format_run, surely_above
from ..kept import Remembered
from ..stretches import Stretches

Profile = NDArray[np.float64]  # one value per hour of the day, NaN where there are no rows

_HOURS = 24
_DAY = 86_400_000_000  # microseconds
_BUNCH = 0.2  # of the rows on one moment, above what any stretch had
_MIDNIGHT = 0.5  # of the rows at midnight, above what any stretch had
_STRANGE = 0.5  # of the rows at hours of the day that the reference never had
_GAP = 0.3  # of the window without a row
_LONGER = 3.0  # times as long as the reference's longest gap
_CLEAR = 0.8  # correlation of a daily profile that is always there
_BETTER = 0.3  # by how much another hour fits better than the clock's own
_LOST = 0.2  # correlation of a daily profile that is there no more
_FILLED = 12  # hours of the day with rows, at least
_ROWS = 100


@dataclass(frozen=True)
class Habits:
    """How a reference lies in time: shares of rows, and the daily profiles that hold in every stretch."""

    bunch: float
    midnight: float
    hours: NDArray[np.bool_]  # (24,) hours of the day that have rows
    gap: timedelta
    profiles: dict[str, Profile]
    edges: dict[str, NDArray[np.float64]]


_KNOWN: Remembered[Habits] = Remembered(64)


def clock(
    names: list[str], reference: Window, current: Window, was: Columnar, now: Columnar, at: Stretches
) -> list[Finding]:
    """At most one finding of each sort; one `ok` where the clock goes right. *was* and *now* are the windows'
    columns."""
    if len(current.frame) < FEW or len(reference.frame) < FEW:
        return []
    habits = _KNOWN.make((at.key, tuple(names)), lambda: _habits(names, was, at))
    times = now.times()
    found = [
        *_bunched(times, habits),
        *_strange(times, habits),
        *_gap(times, current, reference, habits),
        *_shifted(now, times, habits),
    ]
    return found or [Finding("clock", None, "ok", _largest(times), habits.bunch)]


def _bunched(times: NDArray[np.int64], habits: Habits) -> list[Finding]:
    share, limit = _largest(times), habits.bunch + _BUNCH
    if share > limit and surely_above(share, len(times), limit):
        note = f"{share:.0%} of the rows have the same time; the reference had {habits.bunch:.0%} at most"
        return [Finding("clock", None, "fail", share, habits.bunch, limit, note)]
    share, limit = float((times % _DAY == 0).mean()), habits.midnight + _MIDNIGHT
    if share > limit:
        note = f"{share:.0%} of the rows are at midnight sharp, {habits.midnight:.0%} in the reference: cut to dates?"
        return [Finding("clock", None, "fail", share, habits.midnight, limit, note)]
    return []


def _strange(times: NDArray[np.int64], habits: Habits) -> list[Finding]:
    share = float((~habits.hours[_hour(times)]).mean())
    if share > _STRANGE:
        note = f"{share:.0%} of the rows are at hours of the day at which the reference never had any"
        return [Finding("clock", None, "fail", share, 0.0, _STRANGE, note)]
    return []


def _gap(times: NDArray[np.int64], current: Window, reference: Window, habits: Habits) -> list[Finding]:
    """A stretch of the window without rows, its ends included; so long only where rows were to be expected."""
    length = current.span.length
    ends = [np.datetime64(t, "us").astype(np.int64) for t in (current.span.start, current.span.end)]
    longest = timedelta(microseconds=int(np.diff(np.r_[ends[0], np.sort(times), ends[1]]).max()))
    if length <= timedelta(0) or reference.span.length <= timedelta(0):
        return []
    expected = reference.rows * (longest / reference.span.length)
    if longest > _GAP * length and longest > _LONGER * habits.gap and expected >= FEW:
        note = f"no row for {format_run(longest)}; the reference was never without for more than "
        note += f"{format_run(habits.gap)}"
        share, was = longest / length, habits.gap / length
        return [Finding("gap", None, "fail", share, was, max(_GAP, _LONGER * was), note)]
    return [Finding("gap", None, "ok", longest / length, habits.gap / length, _GAP)]


def _shifted(columns: Columnar, times: NDArray[np.int64], habits: Habits) -> list[Finding]:
    """The daily profiles fit best some hours away from where they always lay, most of them the same way."""
    if len(times) < _ROWS or not habits.profiles:
        return []
    hours = _hour(times)
    moved: dict[str, int] = {}
    lost: list[str] = []
    judged: list[str] = []
    for name, usual in habits.profiles.items():
        values = None
        if name:
            if not columns.is_number(name):
                continue
            values = _places(columns.numbers(name), habits.edges[name])
        seen = _profile(hours, values)
        fits = [_fit(np.roll(usual, lag), seen) for lag in range(_HOURS)]
        best = int(np.nanargmax(fits)) if np.isfinite(fits).any() else 0
        judged.append(name or "the number of rows")
        lag = best if best <= _HOURS // 2 else best - _HOURS
        if abs(lag) >= 2 and fits[best] >= _CLEAR and not fits[0] > fits[best] - _BETTER:
            moved[judged[-1]] = lag
        elif np.isfinite(fits).all() and max(fits[0], fits[1], fits[-1]) < _LOST:
            lost.append(judged[-1])
    lags = list(moved.values())
    agreeing = [sum(abs((a - b + 12) % _HOURS - 12) <= 1 for b in lags) for a in lags]  # 12 late is 12 early
    lag, agree = max(zip(lags, agreeing, strict=True), key=lambda each: each[1], default=(0, 0))
    if agree < max(1, 0.6 * len(judged)) or len(judged) == 1:
        return [_alone(each, moved.get(each)) for each in (*moved, *lost) if len(moved) + len(lost) < len(judged)]
    note = f"the daily profile of {', '.join(judged[:4])} lies {lag:+d} hours from where it always was: a time zone?"
    return [Finding("clock", None, "fail", float(lag), 0.0, 2.0, note)]


def _alone(name: str, lag: int | None) -> Finding:
    """One column whose day is not that of the clock, while others' is: its rows belong elsewhere."""
    what = f"lies {lag:+d} hours from where it always was" if lag is not None else "is lost"
    note = f"the daily profile of {name} {what}, but not that of other columns: its rows may belong elsewhere"
    return Finding("misaligned", name, "fail", float(lag or 0), 0.0, 2.0, note)


def _habits(names: list[str], columns: Columnar, at: Stretches) -> Habits:
    clear = [n for n in names if columns.is_number(n)]
    times = columns.times()
    groups = [times[at.of_row == g] for g in range(at.count)]
    groups = [g for g in groups if len(g) >= FEW] or [times]
    profiles: dict[str, Profile] = {}
    edges: dict[str, NDArray[np.float64]] = {}
    hours = _hour(times)
    for name in ["", *clear]:
        values = None
        if name:
            ordered = columns.ordered(name)
            if len(ordered) < _ROWS:
                continue
            edges[name] = np.unique(quantiles_of(ordered, np.linspace(0, 1, 51)))
            values = _places(columns.numbers(name), edges[name])
        usual = _profile(hours, values)
        if _always(usual, hours, values, at):
            profiles[name] = usual
    largest = max(_largest(g) for g in groups)
    midnight = max(float((g % _DAY == 0).mean()) for g in groups)
    filled = np.bincount(hours, minlength=_HOURS) > 0
    gap = timedelta(microseconds=int(np.diff(np.sort(times)).max(initial=0)))
    return Habits(largest, midnight, filled, gap, profiles, edges)


def _always(usual: Profile, hours: NDArray[np.int64], values: Profile | None, at: Stretches) -> bool:
    """Whether each stretch of the reference has this profile, at the same hour (or the next: summer time)."""
    if np.isfinite(usual).sum() < _FILLED or np.nanstd(usual) < 1e-3 or at.count < 4:
        return False
    for g in range(at.count):
        here = at.of_row == g
        if here.sum() < _ROWS:
            continue
        part = _profile(hours[here], None if values is None else values[here])
        fits = [_fit(np.roll(usual, lag), part) for lag in range(_HOURS)]
        if not max(fits[0], fits[1], fits[-1]) >= _CLEAR or int(np.nanargmax(fits)) not in (0, 1, _HOURS - 1):
            return False
    return True


def _profile(hours: NDArray[np.int64], values: Profile | None) -> Profile:
    """The mean of *values* per hour of the day, or the rows per hour as a share of an even day."""
    counts = np.bincount(hours, minlength=_HOURS).astype(float)
    if values is None:
        return np.asarray(counts * _HOURS / max(len(hours), 1))
    known = np.isfinite(values)
    counts = np.bincount(hours[known], minlength=_HOURS).astype(float)
    sums = np.bincount(hours[known], weights=values[known], minlength=_HOURS)
    return np.asarray(np.divide(sums, counts, out=np.full(_HOURS, np.nan), where=counts > 0))


def _fit(usual: Profile, seen: Profile) -> float:
    both = np.isfinite(usual) & np.isfinite(seen)
    if both.sum() < _FILLED:
        return float("nan")
    a, b = usual[both] - usual[both].mean(), seen[both] - seen[both].mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b / scale) if scale > 0 else float("nan")


def _places(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Profile:
    """Values as places 0 … 1 in the reference's distribution; NaN stays NaN."""
    places = np.searchsorted(edges, values, side="right") / max(len(edges), 1)
    return np.asarray(np.where(np.isfinite(values), places, np.nan))


def _largest(times: NDArray[np.int64]) -> float:
    return float(np.unique(times, return_counts=True)[1].max() / len(times)) if len(times) else 0.0


def _hour(times: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(times // 3_600_000_000 % _HOURS)
