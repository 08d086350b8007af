"""A reference that has left the source, or most of it: that no screen finds anything is no health then.

What the version keeps of all rows that it learned still tells of single columns: missing values, ranges, categories.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from ...data.columns import TIME
from ...data.window import Window
from ...spec.values import Span
from ..columns.screens import FEW, Finding
from ..profile import ColumnProfile, Profile

REFERENCE = "reference"
_LEARNED = 100  # rows to be expected in a reference, of fewer nothing follows
_LEFT = 0.2  # of its rows, with fewer it has left
_THIN = 0.5  # of fewer it is worth a look
_DRAWN = 2_000  # rows that stand for a profile


def gone(reference: Window, current: Window, known: Profile | None) -> list[Finding]:
    """The reference window has left the source, or most of it, as where old rows are deleted.

    Nothing is said while it is there, nor where so long a stretch never held many rows.
    """
    if not len(current.frame) or known is None:
        return []
    expected = _expected(reference.span, known)
    if min(expected, known.rows) < _LEARNED or reference.rows >= _THIN * expected:
        return []
    few = len(reference.frame) < FEW
    if known.reference is None and not few:
        return []  # an average pace tells of all of them only
    left = few or reference.rows < _LEFT * expected
    note = (
        f"the reference window, {reference.span}, has {reference.rows:,} rows in the source, {expected:,.0f} are usual"
    )
    if left:
        note += (
            f", so that columns are held against the champion's profile of {known.rows:,} rows alone. Look at the rows "
            "since then, let them in by `ratoon accept-window SPEC --until … --reason …`, and train a version that has "
            "a reference of its own: `ratoon retrain SPEC --strategy scratch`"
        )
    return [
        Finding(REFERENCE, None, "fail" if left else "warn", float(reference.rows), expected, _LEFT * expected, note)
    ]


def _expected(span: Span, known: Profile) -> float:
    """How many rows the reference had when the version was trained, or would have at its usual pace."""
    if known.reference is not None:
        return float(known.reference)
    return (known.rows_per_day or 0.0) * (span.length / timedelta(days=1))


def drawn(known: Profile, span: Span) -> Window:
    """Rows that look like those of the profile, column by column, spread over *span*: no more than what it holds."""
    rows = min(known.rows, _DRAWN)
    rng = np.random.default_rng(0)
    times = pd.date_range(span.start, span.end, rows + 1, unit="us")[1:]
    columns = {name: _column(each, rows, rng) for name, each in known.columns.items()}
    return Window(REFERENCE, span, pd.DataFrame({TIME: times, **columns}), rows=rows, labelled=0)


def _column(known: ColumnProfile, rows: int, rng: np.random.Generator) -> pd.Series:
    """*rows* values of a column in any order: its percentiles, or its categories by their shares, and gaps."""
    present = rows - round(known.missing * rows)
    if known.kind == "number":
        numbers = np.full(rows, np.nan)
        if known.edges and present:
            at = np.linspace(0, 1, present)
            numbers[:present] = np.interp(at, np.linspace(0, 1, len(known.edges)), known.edges)
        return pd.Series(rng.permutation(numbers))
    values = np.full(rows, None, dtype=object)
    names, shares = list(known.categories), np.array(list(known.categories.values()))
    if names and present:
        values[:present] = np.repeat(
            names, np.diff(np.round(np.cumsum([0, *shares]) / shares.sum() * present).astype(int))
        )
    return pd.Series(rng.permutation(values), dtype=object)
