"""Rows that came while the data was broken: no strategy learns them, and no gate judges by them.

A window that is called broken holds its own training back, and is gone at the next look; its rows are still behind
the watermark. So every stretch between the last whole look and a broken one stays out for good (invariant 6). The
watermark passes over it: these rows are the one exception to "none skipped".

Unless a later look finds that it lasts: then it was no fault, but the world as it is now, and the stretches directly
before, which failed by nothing else, are given back. And unless a person who knows better says that it is sound
(`accept`).

Rows that are impossible each by itself stay out alone, and the others of their window are learned: those since the
look before, whose values lie outside of the bounds that the look found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ..data.columns import TIME
from ..ledger.entries import Outlying
from ..ledger.ledger import Evaluation
from ..spec.values import Signal, Span

# What judges them is gone: the screens were asked, and know nothing against the rows themselves
_NO_FAULT_OF_ROWS = frozenset({"unpredicted", "unmeasured", "label_silence", "label_delay"})


def broken_spans(looks: Sequence[Evaluation]) -> tuple[Span, ...]:
    """The stretches, oldest first, in which *looks* (oldest first) found broken data.

    Each begins at the last whole look before, or with its window where there was none.
    """
    found: list[Span] = []
    whole: datetime | None = None
    given_back = _given_back(looks)
    for place, look in enumerate(looks):
        if look.verdict != "broken_data" or place in given_back:
            whole = look.at
            continue
        start = whole if whole is not None else look.start
        if found and found[-1].end >= start:
            start = min(start, found.pop().start)
        found.append(Span(start=start, end=look.at))
    return tuple(found)


def _given_back(looks: Sequence[Evaluation]) -> set[int]:
    """Places of looks at broken data that a look directly after them found to last, that a person accepted, or whose
    rows had no fault that is known."""
    found = {
        place for place, look in enumerate(looks) if look.accepted or (look.failed and look.failed <= _NO_FAULT_OF_ROWS)
    }
    for place, look in enumerate(looks):
        if look.verdict == "broken_data" or not look.lasting:
            continue
        before = place - 1
        while before >= 0 and looks[before].failed and looks[before].failed <= look.lasting:
            found.add(before)
            before -= 1
    return found


@dataclass(frozen=True)
class Impossible:
    """Rows of *span* with a value outside of the bounds of one of the *outlying* columns."""

    span: Span
    outlying: tuple[Outlying, ...]


KeptOut = tuple[Span | Impossible, ...]  # stretches whose rows stay out, all of them or some


def kept_out(looks: Sequence[Evaluation]) -> KeptOut:
    """All that no version learns and no gate judges by, after *looks* (oldest first)."""
    return (*broken_spans(looks), *impossible(looks))


def impossible(looks: Sequence[Evaluation]) -> tuple[Impossible, ...]:
    """The rows that *looks* (oldest first) found to be impossible, each by itself, and that nobody accepted."""
    found: list[Impossible] = []
    before: datetime | None = None
    for look in looks:
        if look.outlying and not look.accepted:
            start = before if before is not None else look.start
            found.append(Impossible(Span(start=min(start, look.at), end=look.at), look.outlying))
        before = look.at
    return tuple(found)


def here_and_now(signals: Sequence[Signal], now: datetime) -> list[Evaluation]:
    """The look of *now*, which the ledger does not hold yet, as far as its *signals* tell of impossible rows."""
    found = tuple(
        Outlying(column=s.column, low=s.within[0], high=s.within[1])
        for s in signals
        if s.within is not None and s.column is not None
    )
    start = min((s.window.start for s in signals), default=now)
    return [Evaluation(at=now, start=start, verdict="healthy", outlying=found)] if found else []


def without(rows: pd.DataFrame, stretches: KeptOut) -> pd.DataFrame:
    """*rows* that are not kept out, by their `_time` and values."""
    if not len(rows):
        return rows
    first, last = rows[TIME].min(), rows[TIME].max()
    for each in stretches:
        span = each.span if isinstance(each, Impossible) else each
        if span.end < first or span.start >= last:
            continue
        inside = (rows[TIME] > span.start) & (rows[TIME] <= span.end)
        rows = rows[~(inside & outlying(rows, each.outlying))] if isinstance(each, Impossible) else rows[~inside]
    return rows


def outlying(rows: pd.DataFrame, bounds: Sequence[Outlying]) -> pd.Series[bool]:
    """Which of *rows* have a value outside of the *bounds* of a column; a missing value, or none at all, is inside."""
    found = pd.Series(False, rows.index)
    for each in bounds:
        if each.column in rows and rows[each.column].dtype.kind == "f":
            found |= (rows[each.column] < each.low) | (rows[each.column] > each.high)
    return found
