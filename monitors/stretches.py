"""The reference cut into stretches as long as the current window: how much such a window ordinarily differs.

Seasons, calendar columns and trends make every short window unlike the long reference. So a screen never
compares the current window with the whole reference alone; it asks whether the reference's own stretches
differed as much from what came before them (a prequential check, Dawid 1984).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from os import urandom
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.columns import TIME
from ..data.window import Window
from .columnar import Columnar

_LEAST, _MOST = 4, 16  # stretches
_ROWS = 20  # least rows of a stretch, on average
_SEASON = timedelta(days=183)  # a trend is followed no further than half a year: then seasons turn back


@dataclass(frozen=True)
class Stretches:
    """*of_row* (n,) is the stretch of each reference row, 0 … count - 1, in time order.

    *key* stands for the reference's content and this cut of it: what follows from both alone may be kept under it
    (by itself `stretches` gives one that never comes again).
    *ahead* is how many stretches the current window's end lies behind the reference's end, at least 1.
    """

    of_row: NDArray[np.intp]
    count: int
    ahead: float
    key: bytes = field(default_factory=lambda: urandom(16))

    def of(self, rows: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The stretches of some of the rows (a mask over all of them)."""
        return self.of_row[rows]


def stretches(reference: Window, current: Window) -> Stretches:
    """Cut *reference*, by time, into stretches of about the current window's length."""
    times = reference.frame[TIME].to_numpy(dtype="datetime64[us]").astype(np.int64)
    if len(times) == 0:
        return Stretches(np.empty(0, dtype=np.intp), 0, 1.0)
    start, end = int(times.min()), int(times.max())
    length = current.span.length / timedelta(microseconds=1)
    wanted = int((end - start) / length) if length > 0 else _MOST
    count = max(1, min(max(wanted, _LEAST), _MOST, len(times) // _ROWS))
    if end == start or count == 1:
        return Stretches(np.zeros(len(times), dtype=np.intp), 1, 1.0)
    size = (end - start) / count
    of_row = np.minimum((times - start) / size, count - 1).astype(np.intp)
    gap = (current.span.end - reference.span.end) / timedelta(microseconds=1)
    ahead = min(gap, _SEASON / timedelta(microseconds=1)) / size
    return Stretches(of_row, count, max(1.0, ahead))


def known_stretches(reference: Window, current: Window, was: Columnar) -> Stretches:
    """As `stretches`, with the key of the reference, whose columns are *was*."""
    at = stretches(reference, current)
    return replace(at, key=was.digest() + at.count.to_bytes(2, "big"))


def ordered_parts(columns: Columnar, name: str, at: Stretches) -> list[NDArray[np.float64]]:
    """The finite numbers of a reference column in each stretch, sorted; kept as long as `Columnar.ordered`."""
    return columns.beside_ordered(name, lambda: _ordered_parts(columns.numbers(name), at))


def _ordered_parts(values: NDArray[np.float64], at: Stretches) -> list[NDArray[np.float64]]:
    known = np.isfinite(values)
    parts = [values[(at.of_row == g) & known] for g in range(at.count)]
    return [np.sort(part) for part in parts]


def travel(middles: NDArray[np.float64], ahead: float) -> float:
    """How far a column's middle may have travelled *ahead* stretches after the reference.

    At least its largest step from one stretch to the next; beyond that by the pace of the half of the reference
    in which it went farthest: over half the stretches a trend or a season adds up, while noise does not.
    """
    if len(middles) < 2:
        return 0.0
    half = max(1, len(middles) // 2)
    pace = float(np.abs(middles[half:] - middles[:-half]).max()) / half
    return max(float(np.abs(np.diff(middles)).max()), pace * ahead)


def longest_run(columns: Columnar, name: str) -> tuple[timedelta, int]:
    """The longest stretch of time, and most rows in a row, in which the column stayed the same; missing values
    are passed over."""
    clock = columns.times()
    if columns.is_number(name):
        values: NDArray[Any] = columns.array(name)
        known = ~np.isnan(values)
    else:
        values = columns.codes(name).of_row
        known = values >= 0
    if not columns.in_order():
        order = np.argsort(clock, kind="stable")
        values, clock, known = values[order], clock[order], known[order]
    if not known.all():
        values, clock = values[known], clock[known]
    if len(values) == 0:
        return timedelta(0), 0
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    ends = np.r_[starts[1:], len(values)] - 1
    longest = int((clock[ends] - clock[starts]).max())
    return timedelta(microseconds=longest), int((ends - starts + 1).max())
