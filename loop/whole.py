"""Rows that came while the data was broken: no rung learns them, and no gate judges by them.

A window that is called broken holds its own training back, and is gone at the next look; its rows are still behind
the watermark. So every stretch between the last whole look and a broken one stays out for good (invariant 6). The
watermark passes over it: these rows are the one exception to "none skipped".
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from ..spec.values import History, PastDecision, Span
from .care import Care


def broken_spans(history: History) -> tuple[Span, ...]:
    """The stretches, oldest first, in which looks found broken data; each begins at the last whole look before."""
    found: list[Span] = []
    whole: datetime | None = None
    for look in sorted(history.decisions, key=lambda each: (each.at, each.id)):
        if look.verdict != "broken_data":
            whole = look.at
            continue
        start = whole if whole is not None else look.at - _length(look)
        if found and found[-1].end >= start:
            start = min(start, found.pop().start)
        found.append(Span(start=start, end=look.at))
    return tuple(found)


def whole_rows(care: Care, rows: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """*rows* without those that were predicted while the data was broken, as far as was known by *now*."""
    spans = broken_spans(care.ledger.history(care.spec.model, now + timedelta(microseconds=1)))
    return without(rows, spans)


def without(rows: pd.DataFrame, spans: tuple[Span, ...]) -> pd.DataFrame:
    """*rows* outside *spans* by `_time`."""
    for span in spans:
        rows = rows[~((rows["_time"] > span.start) & (rows["_time"] <= span.end))]
    return rows


def _length(look: PastDecision) -> timedelta:
    return timedelta(hours=float(look.facts.get("window", {}).get("hours", 0.0)))
