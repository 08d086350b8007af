"""Rows that came while the data was broken: no rung learns them, and no gate judges by them.

A window that is called broken holds its own training back, and is gone at the next look; its rows are still behind
the watermark. So every stretch between the last whole look and a broken one stays out for good (invariant 6). The
watermark passes over it: these rows are the one exception to "none skipped".

Unless a later look finds that it lasts: then it was no fault, but the world as it is now, and the stretches directly
before, which failed by nothing else, are given back. And unless a person who knows better says that it is sound
(`accept`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from ..ledger.ledger import Look
from ..spec.values import Span

# What they are held against is gone, or what judges them: nothing is known against the rows themselves
_NO_FAULT_OF_ROWS = frozenset({"reference", "unpredicted", "unmeasured", "label_silence", "label_delay"})


def broken_spans(looks: Sequence[Look]) -> tuple[Span, ...]:
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


def _given_back(looks: Sequence[Look]) -> set[int]:
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


def without(rows: pd.DataFrame, spans: tuple[Span, ...]) -> pd.DataFrame:
    """*rows* outside *spans* by `_time`."""
    for span in spans:
        rows = rows[~((rows["_time"] > span.start) & (rows["_time"] <= span.end))]
    return rows
