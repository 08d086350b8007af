"""The rows of the last weeks in memory, out of which one look answers most of what it asks.

A look asks some thirty questions of much the same rows: reference and current window, matured labels, delays, what no
version has learned yet, the holdout. An engine takes 10 to 30 ms for each, however few rows they are about.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..columns import HOLDOUT, LABEL_TIME, TIME
from .revisions import REVISED
from .rows import FAULT

MOST_CELLS = 4_000_000  # values that are held: 32 MB of numbers

Mask = NDArray[np.bool_]


class Near:
    """Rows that are visible at one moment, each once: all that were predicted or labelled after *since*.

    *parts* are tables of the same columns, as `Rows.visible` gives them.
    """

    def __init__(self, since: datetime, *parts: pa.Table) -> None:
        self.since = since
        self._table = pa.concat_tables(parts).combine_chunks()
        self._time = _moments(self._table[TIME])
        self._label_time = _moments(self._table[LABEL_TIME])
        self._holdout = self._table[HOLDOUT].to_numpy(zero_copy_only=False).astype(bool)
        self._fault, self._revised = (
            self._table[name].to_numpy(zero_copy_only=False).astype(bool) for name in (FAULT, REVISED)
        )

    def span(self, start: datetime, end: datetime) -> Mask:
        """The rows with start < `_time` <= end; *start* must not lie before `since`."""
        return np.asarray((self._time > _moment(start)) & (self._time <= _moment(end)))

    def labelled(self, after: datetime, until: datetime, *, holdout: bool) -> Mask:
        """The rows with after < `_label_time` <= until, of the holdout or outside; *after* not before `since`."""
        inside = (self._label_time > _moment(after)) & (self._label_time <= _moment(until))
        return np.asarray(inside & (self._holdout == holdout))

    def rows(self, where: Mask) -> pa.Table:
        return self._table.filter(pa.array(where))

    def counts(self, where: Mask) -> dict[str, int]:
        """As `selection.span_counts` of a source in which no id comes twice."""
        here = where & ~np.isnat(self._label_time)
        return {
            "rows": int(where.sum()),
            "labelled": int(here.sum()),
            "faults": int((where & self._fault).sum()),
            "revised": int((where & self._revised).sum()),
            "duplicates": 0,
            "copies": 0,
        }

    def last_label(self, after: datetime) -> datetime | None:
        """When the newest label later than *after* came; *after* not before `since`."""
        later = self._label_time[self._label_time > _moment(after)]
        return None if not len(later) else later.max().astype(datetime)

    def delay(self, where: Mask, quantile: float) -> float | None:
        """The *quantile* of the seconds that the labels of these rows took; None where none has come."""
        here = where & ~np.isnat(self._label_time)
        if not here.any():
            return None
        took = _seconds(self._label_time[here]) - _seconds(self._time[here])
        return float(np.quantile(took, quantile))


def _moment(moment: datetime) -> np.datetime64:
    return np.datetime64(moment, "us")


def _moments(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype="datetime64[us]")


def _seconds(moments: NDArray[np.datetime64]) -> NDArray[np.float64]:
    return moments.astype(np.int64) / 1e6
