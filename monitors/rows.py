"""Screens over a window's rows as a whole: how many, how many twice, and labels that make no sense."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..data.window import Window
from ..spec.values import Status
from .columnar import Columnar
from .columns import Finding, surely_above
from .kept import Kept
from .stretches import Stretches, stretches

_FAULTS = 0.05  # share of rows whose labels make no sense
_EXPECTED = 5  # fewer rows expected than this: their absence says nothing
_COPIED: Kept[float] = Kept(64)


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
    times = reference.frame["_time"]
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


def copies(reference: Columnar, current: Columnar, most: float, at: Stretches) -> Finding:
    """Share of rows that repeat another row in every column and its time, under another id."""
    share, was = _copied(current), _COPIED.make(at.key, lambda: _copied(reference))
    limit = max(most, 2 * was)
    sure = share > limit and surely_above(share, len(current), limit)
    note = f"{share:.0%} of the rows repeat another one in everything but their id; {was:.0%} did in the reference"
    return Finding("copies", None, "fail" if sure else "ok", share, was, limit, note if sure else "")


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
        if name in ("_id", "_holdout", "_label_time", "_time"):
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
