"""Screens over one column: missing values, a column gone constant, out of range, new categories.

Each returns a Finding: the measure, what it was held against, and whether it broke, is unusual, or is fine.
A share fails only when its one-sided 95 % Wilson bound (Wilson 1927) is above the threshold as well, so that
a small window does not fail by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spec.values import Status
from .kept import Kept
from .profile import ColumnProfile
from .stretches import Stretches, longest_run, travel

FEW = 20  # fewer values than this say nothing of a column
_HANDFUL = 5  # new categories on fewer rows than this are worth a look, not an alarm
_RUN = 0.3  # a reference run this long, as a share of the current window, makes a constant window ordinary
_DOMINANT = 0.8  # so does a value that the reference holds this often
_POINTS = 6  # places in the reference from which the rest is looked at

# What follows from the reference alone, by its key and the column
_RUNS: Kept[tuple[timedelta, int]] = Kept(512)
_LATER: Kept[float] = Kept(512)
_MIDDLES: Kept[NDArray[np.float64]] = Kept(512)


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


def guarded(metric: str, column: str | None, screen: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What *screen* found, or one `unknown` of *metric*: no window, however broken, stops the other screens."""
    try:
        return list(screen())
    except Exception as error:
        return [Finding(metric, column, "unknown", note=f"could not be screened: {type(error).__name__}: {error}")]


def surely_above(share: float, rows: int, threshold: float) -> bool:
    """Whether *share* of *rows* is above *threshold* with 95 % one-sided confidence (Wilson's bound)."""
    if share <= threshold or rows == 0:
        return False
    z = 1.645
    centre = share + z * z / (2 * rows)
    half = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return bool((centre - half) / (1 + z * z / rows) > threshold)


def missing_share(name: str, reference: pd.Series, current: pd.Series, at: Stretches, rise: float) -> Finding:
    """The share of missing values (NaN, None, ±inf) may rise by *rise* over the reference's worst stretch.

    Where the reference's own stretches lie further apart than *rise*, it may rise by as much as that; and it
    may double, since a column that is often missing is one that the model, and its owners, live with.
    """
    was, now = _missing(reference), _missing(current)
    ordinary = float(was.mean()) if len(was) else 0.0
    shares = _shares(was, at.of_row, at.count)
    worst = max(ordinary, float(shares.max(initial=0.0)))
    rise = max(rise, worst, float(np.ptp(shares)) if len(shares) else 0.0)
    share = float(now.mean()) if len(now) else 0.0
    limit = min(worst + rise, 0.999)
    status: Status = "ok"
    if share > worst and share > limit:
        status = "fail" if share >= 1 or surely_above(share, len(now), limit) else "warn"
    if worst >= 0.99 and status == "fail":
        status = "warn"  # it was as good as empty before
    note = f"{share:.1%} of {name} is missing; the reference had {ordinary:.1%}" if status != "ok" else ""
    return Finding("missing_share", name, status, share, ordinary, limit, note)


def constant(
    name: str, reference: pd.DataFrame, current: pd.Series, length: timedelta, at: Stretches
) -> Finding | None:
    """A column that varied in the reference holds one value all through the window.

    Ordinary where the reference itself stood still for long (a month, a season, a dry spell), or where it
    held this very value nearly always. None where the window has too few values to tell.
    """
    values = current.dropna()
    if len(values) < FEW:
        return None
    if values.nunique() > 1:
        return Finding("constant", name, "ok", 0.0, 0.0)
    present = reference[name].dropna()
    if present.nunique() <= 1:
        return Finding("constant", name, "ok", 1.0, 1.0, note="")
    only = values.iloc[0]
    run, rows = _RUNS.make((at.key, name), lambda: longest_run(reference[name], reference["_time"]))
    held = float((present == only).mean())
    ordinary = run >= _RUN * length or rows >= max(_RUN * len(values), FEW) or held >= _DOMINANT
    note = f"{name} is {only!r} in all {len(values)} rows; the reference had {present.nunique()} values"
    if ordinary:
        note += f", but stood still for up to {format_run(run)} and held this value in {held:.0%} of its rows"
    return Finding("constant", name, "warn" if ordinary else "fail", 1.0, 0.0, note=note)


def out_of_range(
    name: str,
    reference: pd.Series,
    current: pd.Series,
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
    """
    now = _finite(current)
    present = np.isfinite(reference.to_numpy(dtype=float))
    was = reference.to_numpy(dtype=float)[present]
    if len(now) == 0 or len(was) < FEW:
        return None
    low, high = float(was.min()), float(was.max())
    groups = at.of(present)
    trend = travel(_MIDDLES.make((at.key, name), lambda: _middles(was, groups, at)), at.ahead)
    if known is not None and known.low is not None and known.high is not None:
        low, high = min(low, known.low), max(high, known.high)
    share = float(_outside(now, low, high, trend).mean())
    asleep = float(np.unique(was, return_counts=True)[1].max() / len(was)) >= _DOMINANT
    ordinary = _LATER.make((at.key, name), lambda: _later_outside(was, groups, at.count))
    limit = max(most, ordinary)
    status: Status = "ok"
    if share > limit or (share > 0 and asleep):
        broken = not asleep and ordinary < 0.999 and surely_above(share, len(now), limit)
        status = "fail" if broken else "warn"
    elif share > most:
        status = "warn"
    note = ""
    if status != "ok":
        note = f"{share:.1%} of {name} is far outside {low:g} … {high:g} (now {now.min():g} … {now.max():g})"
        if asleep:
            note += "; the reference was constant, or nearly"
    return Finding("out_of_range", name, status, share, ordinary, limit, note)


def new_categories(
    name: str,
    reference: pd.Series,
    current: pd.Series,
    at: Stretches,
    most: float,
    *,
    known: ColumnProfile | None = None,
) -> Finding | None:
    """The share of rows whose category the reference lacks; ordinary is what later stretches had of it.

    What the champion's whole history held (*known*) is not new.
    """
    now = current.dropna()
    was = reference.dropna()
    if len(now) == 0 or len(was) < FEW:
        return None
    seen = set(was.unique())
    before = set(known.categories) if known is not None else set()
    strange = ~(now.isin(list(seen)) | now.astype(str).isin(list(before)))
    share, count = float(strange.mean()), int(strange.sum())
    groups = at.of(reference.notna().to_numpy())
    ordinary = _LATER.make((at.key, name), lambda: _later_unseen(was, groups, at.count))
    limit = max(most, ordinary)
    status: Status = "ok"
    if count:
        broken = count >= _HANDFUL and len(seen) > 1 and ordinary < 0.999 and surely_above(share, len(now), limit)
        status = "fail" if broken else "warn"
    note = ""
    if count:
        names = ", ".join(repr(str(v)) for v in now[strange].value_counts().index[:3])
        note = f"{count} of {len(now)} rows have a {name} that the reference lacks: {names}"
    return Finding("new_categories", name, status, share, ordinary, limit, note)


def format_run(run: timedelta) -> str:
    return (
        f"{run / timedelta(days=1):.3g} days" if run >= timedelta(days=2) else f"{run / timedelta(hours=1):.3g} hours"
    )


def _finite(values: pd.Series) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.to_numpy(dtype=float)
    return numbers[np.isfinite(numbers)]


def _missing(values: pd.Series) -> NDArray[np.bool_]:
    present = np.isfinite(values.to_numpy(dtype=float)) if values.dtype.kind == "f" else values.notna().to_numpy()
    return np.asarray(np.logical_not(present))


def _shares(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """The share of flagged rows in each stretch that has rows enough."""
    sizes = np.bincount(groups, minlength=count)
    shares = np.bincount(groups, weights=flags, minlength=count) / np.maximum(sizes, 1)
    return np.asarray(shares[sizes >= FEW])


def _largest_share(flags: NDArray[np.bool_], groups: NDArray[np.intp], count: int) -> float:
    return float(_shares(flags, groups, count).max(initial=0.0))


def _outside(values: NDArray[np.float64], low: float, high: float, trend: float = 0.0) -> NDArray[np.bool_]:
    slack = (high - low) / 2 + trend
    return (values < low - slack) | (values > high + slack)


def _middles(values: NDArray[np.float64], groups: NDArray[np.intp], at: Stretches) -> NDArray[np.float64]:
    """The middle (of the 5th and 95th percentile) of each stretch that has values enough."""
    middles = [np.quantile(v, [0.05, 0.95]).mean() for g in range(at.count) if len(v := values[groups == g]) >= FEW]
    return np.asarray(middles)


def _points(groups: NDArray[np.intp], count: int) -> list[int]:
    """The stretches after which the rest of the reference is compared with what came before."""
    return sorted({int(p) for p in np.linspace(0, count - 2, _POINTS)}) if count > 1 else []


def _later_outside(values: NDArray[np.float64], groups: NDArray[np.intp], count: int) -> float:
    worst = 0.0
    for point in _points(groups, count):
        early = values[groups <= point]
        later = groups > point
        if len(early) < FEW or not later.any():
            continue
        flags = _outside(values[later], float(early.min()), float(early.max()))
        worst = max(worst, _largest_share(flags, groups[later], count))
    return worst


def _later_unseen(values: pd.Series, groups: NDArray[np.intp], count: int) -> float:
    codes = pd.factorize(values)[0]
    first = pd.Series(groups).groupby(codes).min().to_numpy()[codes]  # stretch in which each value first came
    worst = 0.0
    for point in _points(groups, count):
        later = groups > point
        if (~later).sum() >= FEW and later.any():
            worst = max(worst, _largest_share(first[later] > point, groups[later], count))
    return worst
