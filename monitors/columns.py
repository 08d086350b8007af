"""Screens over one column: missing values, a column gone constant, out of range, new categories.

Each returns a Finding: the measure, what it was held against, and whether it broke, is unusual, or is fine.
A share fails only when its one-sided 95 % Wilson bound (Wilson 1927) is above the threshold as well, so that
a small window does not fail by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ..spec.values import Status
from .columnar import Codes, Columnar, quantiles_of, runs_of
from .kept import REMEMBERED, Kept
from .profile import ColumnProfile
from .stretches import Stretches, longest_run, ordered_parts, travel

FEW = 20  # fewer values than this say nothing of a column
_HANDFUL = 5  # new categories on fewer rows than this are worth a look, not an alarm
_FAR = 5.0  # widths of the reference, outside of it, from which on a handful of rows is a fault
_FAR_ASLEEP = 20.0  # of a column that mostly rests
_LEAST = 0.1  # of the range, that either side of its middle counts for
_LEAPS = 3.0  # times as far as later stretches of the reference lay outside of earlier ones
_RUN = 0.3  # a reference run this long, as a share of the current window, makes a constant window ordinary
_DOMINANT = 0.8  # so does a value that the reference holds this often
_POINTS = 6  # places in the reference from which the rest is looked at

# What follows from the reference alone, by its key and the column
_RUNS: Kept[tuple[timedelta, int]] = Kept(REMEMBERED)
_LATER: Kept[float] = Kept(REMEMBERED)
_ABSENT: Kept[tuple[float, float, float]] = Kept(REMEMBERED)


@dataclass(frozen=True)
class Finding:
    """What one screen saw; *value* in the metric's unit, *status* as in Signal."""

    metric: str
    column: str | None
    status: Status
    value: float | None = None
    reference: float | None = None
    threshold: float | None = None
    note: str = ""
    lasting: bool = False  # as in Signal
    broke_off: bool = False  # the screen raised, so that nobody knows


def guarded(metric: str, column: str | None, screen: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What *screen* found, or one `unknown` of *metric*: no window, however broken, stops the other screens."""
    try:
        return list(screen())
    except Exception as error:
        note = f"could not be screened: {type(error).__name__}: {error}"
        return [Finding(metric, column, "unknown", note=note, broke_off=True)]


def surely_above(share: float, rows: int, threshold: float) -> bool:
    """Whether *share* of *rows* is above *threshold* with 95 % one-sided confidence (Wilson's bound)."""
    if share <= threshold or rows == 0:
        return False
    z = 1.645
    centre = share + z * z / (2 * rows)
    half = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return bool((centre - half) / (1 + z * z / rows) > threshold)


def missing_share(name: str, reference: Columnar, current: Columnar, at: Stretches, rise: float) -> Finding:
    """The share of missing values (NaN, None, ±inf) may rise by *rise* over the reference's worst stretch.

    Where the reference's own stretches lie further apart than *rise*, it may rise by as much as that; and it
    may double, since a column that is often missing is one that the model, and its owners, live with.
    """
    now = current.missing(name)
    ordinary, worst, apart = _ABSENT.make((at.key, name), lambda: _absent(reference.missing(name), at))
    rise = max(rise, worst, apart)
    share = float(now.mean()) if len(now) else 0.0
    limit = min(worst + rise, 0.999)
    status: Status = "ok"
    if share > worst and share > limit:
        status = "fail" if share >= 1 or surely_above(share, len(now), limit) else "warn"
    if worst >= 0.99 and status == "fail":
        status = "warn"  # it was as good as empty before
    note = f"{share:.1%} of {name} is missing; the reference had {ordinary:.1%}" if status != "ok" else ""
    return Finding("missing_share", name, status, share, ordinary, limit, note)


def constant(name: str, reference: Columnar, current: Columnar, length: timedelta, at: Stretches) -> Finding | None:
    """A column that varied in the reference holds one value all through the window.

    Ordinary where the reference itself stood still for long (a month, a season, a dry spell), or where it
    held this very value nearly always. None where the window has too few values to tell.
    """
    if current.is_number(name):
        values = current.array(name)
        values = values[~np.isnan(values)]
        rows, only = len(values), values[0] if len(values) else None
        several = rows > 0 and bool((values != only).any())
    else:
        codes = current.codes(name)
        rows, several = int((codes.of_row >= 0).sum()), len(codes.values) > 1
        only = codes.values[0] if len(codes.values) else None
    if rows < FEW:
        return None
    if several:
        return Finding("constant", name, "ok", 0.0, 0.0)
    present = reference.frame[name].dropna()
    if present.nunique() <= 1:
        return Finding("constant", name, "ok", 1.0, 1.0, note="")
    run, longest = _RUNS.make((at.key, name), lambda: longest_run(reference, name))
    held = float((present == only).mean())
    ordinary = run >= _RUN * length or longest >= max(_RUN * rows, FEW) or held >= _DOMINANT
    note = f"{name} is {only!r} in all {rows} rows; the reference had {present.nunique()} values"
    if ordinary:
        note += f", but stood still for up to {format_run(run)} and held this value in {held:.0%} of its rows"
    return Finding("constant", name, "warn" if ordinary else "fail", 1.0, 0.0, note=note)


def out_of_range(
    name: str,
    reference: Columnar,
    current: Columnar,
    at: Stretches,
    most: float,
    *,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """The share of numbers outside the reference's range, widened by half on each side and by its own trend.

    What the champion's whole history held (*known*) is inside.

    The share that later stretches of the reference had outside the range of earlier ones is ordinary: that
    excuses months, counters and other columns that wander. A column that was constant, or nearly, and comes
    alive is never broken for it: its range says nothing.

    How far outside counts as well: a handful of rows that lie several ranges away, and farther than the reference
    ever leapt, are stand-ins such as -999 or values in another unit, however few they are.
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
    note = ""
    times = max(_FAR_ASLEEP if asleep else _FAR, _LEAPS * reach.leap)
    below, above = _widths(low, reach.middle, high)
    far = _beyond(now, low, high, (times * below, times * above), trend) if reach.moving >= FEW else 0
    if far and status != "fail":
        status = "fail" if far >= _HANDFUL else "warn"
        note = f"{far:,} of {len(now):,} rows have a {name} far beyond {low:g} … {high:g} (now {now.min():g} … "
        note += f"{now.max():g}): stand-ins, or another unit?"
    elif status != "ok":
        note = f"{share:.1%} of {name} is far outside {low:g} … {high:g} (now {now.min():g} … {now.max():g})"
        if asleep:
            note += "; the reference was constant, or nearly"
    return Finding("out_of_range", name, status, share, ordinary, limit, note)


def new_categories(
    name: str,
    reference: Columnar,
    current: Columnar,
    at: Stretches,
    most: float,
    *,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """The share of rows whose category the reference lacks; ordinary is what later stretches had of it.

    What the champion's whole history held (*known*) is not new. A handful of rows is enough where they have a known
    category, written otherwise.
    """
    now, was = current.codes(name), reference.codes(name)
    counts = now.counts()
    rows = int(counts.sum())
    if rows == 0 or int((was.of_row >= 0).sum()) < FEW:
        return None
    seen = set(was.values)
    before = known.categories if known is not None else {}
    strange = np.flatnonzero([value not in seen and str(value) not in before for value in now.values])
    count = int(counts[strange].sum())
    share = count / rows
    ordinary = _LATER.make((at.key, name), lambda: _later_unseen(was, at))
    limit = max(most, ordinary)
    status: Status = "ok"
    if count:
        broken = count >= _HANDFUL and len(seen) > 1 and ordinary < 0.999 and surely_above(share, rows, limit)
        status = "fail" if broken else "warn"
    note = ""
    spelt = _spelt_otherwise(now, was, strange)
    if spelt >= _HANDFUL and status != "fail":
        status = "fail"
        note = f"{spelt} rows have a {name} that differs from a known one only by case or blanks; "
    if count:
        often = strange[np.argsort(-counts[strange], kind="stable")][:3]
        names = ", ".join(repr(str(now.values[each])) for each in often)
        note += f"{count} of {rows} rows have a {name} that the reference lacks: {names}"
    return Finding("new_categories", name, status, share, ordinary, limit, note)


def _spelt_otherwise(now: Codes, was: Codes, strange: NDArray[np.intp]) -> int:
    """How many rows have one of the *strange* values that is a known one but for case and blanks; 0 where the reference
    itself is so."""
    if not len(strange):
        return 0
    known = {str(value).strip().casefold() for value in was.values}
    if len(known) < len(was.values):
        return 0
    counts = now.counts()
    return int(sum(counts[each] for each in strange if str(now.values[each]).strip().casefold() in known))


def format_run(run: timedelta) -> str:
    return (
        f"{run / timedelta(days=1):.3g} days" if run >= timedelta(days=2) else f"{run / timedelta(hours=1):.3g} hours"
    )


def _absent(missing: NDArray[np.bool_], at: Stretches) -> tuple[float, float, float]:
    """The share of missing values, the largest in any stretch (or as a whole), and how far the stretches are apart."""
    share = float(missing.mean()) if len(missing) else 0.0
    shares = _shares(missing, at.of_row, at.count)
    return share, max(share, float(shares.max(initial=0.0))), float(np.ptp(shares)) if len(shares) else 0.0


@dataclass(frozen=True)
class _Reach:
    """Where a reference's numbers lie: their range, the middle of each stretch, the share that later stretches had
    outside earlier ones' range (*later*), how many of its widths a handful of them lay away from it (*leap*), and
    whether one value held nearly all of the rows (*asleep*); *moving* rows had another one; *middle* is the median."""

    rows: int
    low: float = 0.0
    high: float = 0.0
    middles: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    later: float = 0.0
    leap: float = 0.0
    asleep: bool = False
    moving: int = 0
    middle: float = 0.0


_REACHES: Kept[_Reach] = Kept(REMEMBERED)


def _reach(reference: Columnar, name: str, at: Stretches) -> _Reach:
    was = reference.ordered(name)
    if len(was) < FEW:
        return _Reach(len(was))
    parts = ordered_parts(reference, name, at)
    resting = int(runs_of(was)[1].max())
    asleep = resting / len(was) >= _DOMINANT
    middle = float(was[len(was) // 2])
    later, leap = _later_outside(parts), _leap(parts, middle)
    ends = float(was[0]), float(was[-1])
    return _Reach(len(was), *ends, _middles(parts), later, leap, asleep, len(was) - resting, middle)


def _shares(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """The share of flagged rows in each stretch that has rows enough."""
    sizes = np.bincount(groups, minlength=count)
    shares = np.bincount(groups, weights=flags, minlength=count) / np.maximum(sizes, 1)
    return np.asarray(shares[sizes >= FEW])


def _largest_share(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> float:
    return float(_shares(flags, groups, count).max(initial=0.0))


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
    middle, least = min(max(middle, low), high), _LEAST * (high - low)
    return max(2 * (middle - low), least), max(2 * (high - middle), least)


def _middles(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The middle (of the 5th and 95th percentile) of each stretch that has values enough."""
    ends = np.array([0.05, 0.95])
    return np.asarray([quantiles_of(part, ends).mean() for part in parts if len(part) >= FEW])


def _points(count: int) -> list[int]:
    """The stretches after which the rest of the reference is compared with what came before."""
    return sorted({int(p) for p in np.linspace(0, count - 2, _POINTS)}) if count > 1 else []


def _before_and_later(
    parts: list[NDArray[np.float64]],
) -> Iterator[tuple[float, float, list[NDArray[np.float64]]]]:
    """For some points in the reference: the range of all before, and each stretch after it that has values enough."""
    for point in _points(len(parts)):
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


def _leap(parts: list[NDArray[np.float64]], middle: float) -> float:
    """How many widths of all before it a handful of a later stretch's values lay away from these, at most."""
    farthest = 0.0
    for low, high, later in _before_and_later(parts):
        below, above = _widths(low, middle, high)
        for part in later if high > low else ():
            down, up = low - float(part[_HANDFUL - 1]), float(part[-_HANDFUL]) - high
            farthest = max(farthest, down / below, up / above)
    return farthest


def _later_unseen(values: Codes, at: Stretches) -> float:
    known = values.of_row >= 0
    codes, groups, count = values.of_row[known], at.of(known), at.count
    came = np.full(len(values.values), count)
    np.minimum.at(came, codes, groups)
    first = came[codes]  # stretch in which each value first came
    worst = 0.0
    for point in _points(count):
        later = groups > point
        if (~later).sum() >= FEW and later.any():
            worst = max(worst, _largest_share(first[later] > point, groups[later], count))
    return worst
