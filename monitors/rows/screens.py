"""Screens over a window's rows as a whole: how many, how many twice, and labels that make no sense."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.columns import HOLDOUT, ID, LABEL_TIME, TIME
from ...data.window import Window
from ...spec.values import Status
from ..columnar import Columnar
from ..columns.screens import Finding, surely_above
from ..kept import Remembered
from ..stretches import Stretches, stretches

_FAULTS = 0.05  # share of rows whose labels make no sense
_NAMELESS = 0.01  # share of rows that may lack an id
_EXPECTED = 5  # fewer rows expected than this: their absence says nothing
_REPEATS = 20  # rows that repeat earlier ones, of which fewer say nothing
_COLUMNS = 6  # numbers by which rows are told apart
_LOOKED_AT = 2_000  # rows that tell which numbers have many values
_ORDINARY = 3.0  # times the share that a stretch of the reference had
_USUAL = 0.2  # share of rows equal to earlier ones, from which on a reference tells nothing
_COPIED: Remembered[float] = Remembered(64)


def volume(reference: Window, current: Window, bounds: tuple[float, float]) -> Finding:
    """Rows in the window as a multiple of what the reference had in the same time.

    The reference's pace is the median over its stretches that have rows, so that a gap or a late start of the
    data does not dilute it; what its own slowest and busiest stretch had is ordinary. Too many rows are worth a
    look, not an alarm: growth is no fault, and rows that were written twice show as duplicates.
    """
    low, high = bounds
    length = current.span.length
    at = stretches(reference, current)
    if current.rows == 0:
        return Finding("volume", None, "fail", 0.0, 1.0, low, "the window has no rows")
    if length <= timedelta(0) or reference.rows < _EXPECTED or at.count == 0:
        return Finding("volume", None, "unknown", note="the reference is too small to know its pace")
    times = reference.frame[TIME]
    counts = np.bincount(at.of_row, minlength=at.count) * (reference.rows / len(reference.frame))
    covered = (times.max() - times.min()).to_pytimedelta()
    if covered <= timedelta(0):
        return Finding("volume", None, "unknown", note="all rows of the reference have the same time")
    paces = counts[counts > 0] * (length / (covered / at.count))
    expected = float(np.median(paces))
    ratio = current.rows / expected
    least, most = min(low, float(paces.min()) / expected), max(high, float(paces.max()) / expected)
    if ratio < least:
        # Poisson: so few rows must also be improbable at the least ordinary pace
        sure = expected >= _EXPECTED and current.rows + 2 * math.sqrt(current.rows + 1) < max(least * expected, 1)
        status: Status = "fail" if sure else "warn"
    else:
        status = "warn" if ratio > most and current.rows >= 2 * _EXPECTED else "ok"
    note = f"{current.rows} rows where the reference had about {expected:.0f} in the same time"
    return Finding("volume", None, status, ratio, 1.0, least if ratio < 1 else most, note if status != "ok" else "")


def duplicates(reference: Window, current: Window, most: float) -> Finding:
    """Share of the window's rows whose id was seen before; twice the reference's share is ordinary."""
    share, was = (w.duplicates / max(w.rows + w.duplicates, 1) for w in (current, reference))
    limit = max(most, 2 * was)
    status: Status = "fail" if share > limit else "ok"
    note = f"{current.duplicates} rows repeat an id that was seen before" if status == "fail" else ""
    return Finding("duplicates", None, status, share, was, limit, note)


def unreadable(current: Window, apart: float) -> list[Finding]:
    """Features with words where the model learned numbers. Such rows are never learned nor judged; more of them than
    the share *apart* are a fault of the window."""
    found = []
    for name, count in current.unreadable.items():
        share = count / max(current.rows + count, 1)
        status: Status = "fail" if share > apart and count >= _EXPECTED else "warn"
        note = f"{count:,} rows have a {name} that is no number, as it was when the champion learned it; they are kept "
        found.append(Finding("unreadable", name, status, share, 0.0, apart, f"{note}out of training and judging"))
    return found


def nameless(current: Window) -> list[Finding]:
    """Rows without an id, or whose label came without a time to place them by: nobody ever learns or judges them.

    Nothing is said where there is none.
    """
    ids, times = max(current.nameless - current.unplaced, 0), current.timeless
    lost = ids + times
    if not lost:
        return []
    every = current.rows + current.duplicates + lost
    share = lost / every
    status: Status = "fail" if share > _NAMELESS and lost >= _EXPECTED else "warn"
    what = [f"{ids:,} of {every:,} rows have no id"] if ids else []
    what += [f"{times:,} rows whose labels came have no time, or one in the future"] if times else []
    note = f"{'; '.join(what)}; they are never learned nor judged"
    return [Finding("nameless", None, status, share, 0.0, _NAMELESS, note)]


def copies(reference: Columnar, current: Columnar, most: float, at: Stretches, features: Sequence[str] = ()) -> Finding:
    """Share of rows that repeat another row under another id: in every column and its time, or, with other times, in
    all of *features*, as when yesterday's rows are delivered again."""
    again = _delivered_again(reference, current, most, at, features)
    if again is not None:
        return again
    share, was = _copied(current), _COPIED.make(at.key, lambda: _copied(reference))
    limit = max(most, 2 * was)
    sure = share > limit and surely_above(share, len(current), limit)
    note = f"{share:.0%} of the rows repeat another one in everything but their id; {was:.0%} did in the reference"
    return Finding("copies", None, "fail" if sure else "ok", share, was, limit, note if sure else "")


def _delivered_again(
    reference: Columnar, current: Columnar, most: float, at: Stretches, features: Sequence[str]
) -> Finding | None:
    """Rows equal in their numbers to earlier ones, far more of them than stretches of the reference ever had.

    Of the numbers those with the most values tell: a row that is whole by them is no coincidence, and where it is one,
    the reference had as many.
    """
    key = (at.key, tuple(features))
    known = _REPEATED.make(key, lambda: _Repeated.of(reference, at, features))
    if not known.columns or len(current) < _REPEATS:
        return None
    now = _hashed(current, known.columns)
    seen = np.isin(now, known.hashes) & ~_shared(reference, current)
    share = float((seen | _again(now)).mean())
    limit = most + _ORDINARY * known.usual
    if not surely_above(share, len(now), limit) or share * len(now) < _REPEATS:
        return None
    note = (
        f"{share:.0%} of the rows are equal to earlier ones in {', '.join(known.columns[:4])}, under other ids; "
        f"{known.usual:.0%} at most were in a stretch of the reference: delivered again?"
    )
    return Finding("copies", None, "fail", share, known.usual, limit, note)


def _shared(reference: Columnar, current: Columnar) -> NDArray[np.bool_]:
    """The rows of the window that are rows of the reference: where a champion is young the two overlap."""
    if not len(reference) or not len(current) or current.times().min() > reference.times().max():
        return np.zeros(len(current), dtype=bool)
    return np.asarray(current.frame[ID].isin(reference.frame[ID]))


def distinct_values(reference: Columnar, features: Sequence[str]) -> dict[str, int]:
    """How many values each number among *features* has, in rows spaced evenly over the reference."""
    spaced = np.linspace(0, len(reference) - 1, min(len(reference), _LOOKED_AT)).astype(int)
    return {
        name: len(np.unique(reference.numbers(name)[spaced]))
        for name in features
        if name in reference.frame and reference.is_number(name)
    }


@dataclass(frozen=True)
class _Repeated:
    """The hashes of a reference's rows by its *columns* (none where they tell nothing), and the largest share of a
    stretch's rows that were equal to earlier ones."""

    columns: tuple[str, ...]
    hashes: NDArray[np.uint64]
    usual: float

    @staticmethod
    def of(reference: Columnar, at: Stretches, features: Sequence[str]) -> _Repeated:
        counts = distinct_values(reference, features)
        columns = tuple(sorted(counts, key=lambda name: (-counts[name], name))[:_COLUMNS])
        if not columns or len(reference) < _REPEATS or at.count < 2:
            return _Repeated((), np.empty(0, dtype=np.uint64), 1.0)
        hashes = _hashed(reference, columns)
        repeated = _again(hashes)
        sizes = np.bincount(at.of_row, minlength=at.count)
        shares = np.bincount(at.of_row, weights=repeated, minlength=at.count) / np.maximum(sizes, 1)
        usual = float(shares[sizes >= _REPEATS].max(initial=float(repeated.mean())))
        return _Repeated(columns if usual < _USUAL else (), np.unique(hashes), usual)


def _again(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows are equal to an earlier one."""
    found = np.ones(len(hashes), dtype=bool)
    found[np.unique(hashes, return_index=True)[1]] = False
    return found


def _hashed(columns: Columnar, names: Sequence[str]) -> NDArray[np.uint64]:
    found = np.zeros(len(columns), dtype=np.uint64)
    for name in names:
        values = columns.numbers(name) if columns.is_number(name) else np.full(len(columns), np.nan)
        bits = (values + 0.0).view(np.uint64)  # -0.0 is 0.0
        bits = np.where(np.isnan(values), np.uint64(7), bits)
        found = (found ^ (bits >> np.uint64(29)) ^ bits) * np.uint64(0x9E3779B97F4A7C15)
    return found


_REPEATED: Remembered[_Repeated] = Remembered(64)


def label_faults(reference: Window, current: Window) -> Finding:
    """Labels that make no sense: before their row's time, without a time, or for an unknown id."""
    faults = current.label_faults + current.orphan_labels
    share = faults / max(current.rows, 1)
    was = (reference.label_faults + reference.orphan_labels) / max(reference.rows, 1)
    limit = max(_FAULTS, 2 * was)
    status: Status = "fail" if share > limit and faults >= _EXPECTED else "warn" if faults else "ok"
    note = f"{current.label_faults} labels with an impossible time, {current.orphan_labels} for unknown ids"
    return Finding("label_faults", None, status, share, was, limit, note if faults else "")


def _copied(columns: Columnar) -> float:
    """The share of rows that an earlier one equals.

    Rows are told apart column by column, the time first; one that stands alone is asked no more, so that of a
    stream whose times differ no other column is read at all.
    """
    if len(columns) == 0:
        return 0.0
    rows, group = _together(np.arange(len(columns)), columns.times())
    for name in columns.frame.columns:
        if len(rows) == 0:
            return 0.0
        if name in (ID, HOLDOUT, LABEL_TIME, TIME):
            continue
        codes = pd.factorize(columns.array(name)[rows])[0]
        rows, group = _together(rows, group * (codes.max(initial=0) + 2) + codes + 1)
    return float((len(rows) - len(np.unique(group))) / len(columns))


def _together(rows: NDArray[np.intp], told: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Those of *rows* that share their value of *told* with another one, and a number for each such value."""
    order = np.argsort(told, kind="stable")
    ordered = told[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.r_[same, False] | np.r_[False, same]
    group = np.cumsum(np.r_[True, ~same])[shared] - 1
    return rows[order[shared]], np.asarray(group, dtype=np.intp)
