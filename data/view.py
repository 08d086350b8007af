"""A source as of one moment: every read that monitors and learners make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pandas as pd

from ..spec.values import Span
from .engine import Engine
from .holdout import SAMPLE_SALT, hash_number, hashed
from .layout import HOLDOUT, ID, INNER, LABEL_TIME, TIME
from .moment import EARLIEST, TICK, literal
from .plain import to_frame
from .rows import FAULT, SEEN, Rows
from .window import RowTally, Window

_EARLIER = f"{INNER}earlier"
_FIRST = f"{INNER}first"


class View:
    """All that is visible at *now*: rows with `_time <= now`, and labels that have arrived by then.

    Frames have the columns of `plain.to_frame`; spans are open at start and closed at end. Of rows that
    share an id only the first is ever seen (by time, then label arrival, then content). Every method
    raises DataError where the engine cannot read.
    """

    def __init__(self, engine: Engine, rows: Rows, now: datetime) -> None:
        self.now = naive(now)
        self._engine = engine
        self._rows = rows

    def window(self, span: Span, *, sample: int | None = None, name: str = "window") -> Window:
        """The rows of *span* by `_time`: at most *sample* (left out: the spec's `monitors.sample`).

        A larger window is sampled by hash of the id, so that the same window always gives the same rows.
        """
        sample = sample if sample is not None else self._rows.spec.monitors.sample
        counts = self._counts(span)
        rows = self._in_span(span, wide=True)
        if counts["copies"]:
            rows = self._rows.first_copies(rows)
        frame = self._frame(rows, limit=sample if counts["rows"] > sample else None, order=[TIME, ID])
        return Window(
            name=name,
            span=span,
            frame=frame,
            rows=counts["rows"],
            labelled=counts["labelled"],
            duplicates=counts["duplicates"],
            label_faults=counts["faults"],
            orphan_labels=self._orphans(span),
            nameless=self._count(self._rows.nameless(span.start, min(span.end, self.now))),
            schema=dict(self._rows.layout.schema),
            missing_columns=self._rows.layout.missing,
        )

    def span_of(self, extent: timedelta | int, end: datetime) -> Span:
        """The span of *extent* that ends at *end*.

        A number of rows is counted back from *end*, copies left out; rows that share the first one's time are
        all inside, so that the span may hold a few more. Fewer rows than asked for: all of them. No row: an
        empty span at *end*.
        """
        end = naive(end)
        if isinstance(extent, timedelta):
            return Span(start=end - extent, end=end)
        ids = self._rows.ids(min(self.now, end))
        first = ids.group_by(ID).aggregate(**{_FIRST: ids[TIME].min()})
        last = first.order_by(first[_FIRST].desc()).limit(extent)
        start = self._engine.one(last.aggregate(start=last[_FIRST].min()))["start"]
        return Span(start=end if start is None else start - TICK, end=end)

    def unlearned(self, after: datetime | None) -> pd.DataFrame:
        """Labelled rows outside the holdout with `after < _label_time <= now`, in (_label_time, _id) order."""
        return self.learned(self.now, after)

    def unlearned_count(self, after: datetime | None) -> int:
        """How many rows `unlearned` would return, counted in the engine."""
        return self._tally(self._by_label(after, self.now, holdout=False, wide=False)).rows

    def learned(self, upto: datetime, since: datetime | None = None) -> pd.DataFrame:
        """Labelled rows outside the holdout with `since < _label_time <= upto`, in (_label_time, _id) order."""
        return self._labelled_frame(since, upto, holdout=False)

    def holdout(self, after: datetime | None, until: datetime | None = None, limit: int | None = None) -> pd.DataFrame:
        """Labelled holdout rows with `after < _label_time <= until` (left out: now); *limit* of them by hash."""
        return self._labelled_frame(after, until if until is not None else self.now, holdout=True, limit=limit)

    def ledger_of_rows(self, upto: datetime) -> RowTally:
        """The tally of what `learned(upto)` returns: it changes when a row arrives behind the watermark."""
        return self._tally(self._by_label(None, upto, holdout=False, wide=False))

    def label_delay(self, span: Span, quantile: float) -> timedelta:
        """The delay that *quantile* of the span's arrived labels had at most; zero where none has arrived."""
        rows, kept = self._rows.ranked(self._in_span(span, wide=False))
        rows = rows.filter(kept, rows[LABEL_TIME].notnull())
        seconds = (rows[LABEL_TIME].epoch_seconds() - rows[TIME].epoch_seconds()).cast("float64")
        found = self._engine.one(rows.select(delay=seconds).aggregate(delay=lambda t: t.delay.quantile(quantile)))
        return timedelta(seconds=found["delay"] or 0.0)

    def _counts(self, span: Span) -> dict[str, int]:
        """True counts of a span; *copies* tells whether it holds any row that must be left out."""
        start, end = self._ends(span)
        rows = self._rows.visible(self.now, wide=False)
        rows = rows.filter(rows[TIME] > literal(start), rows[TIME] <= literal(end))
        earlier = self._earlier(start)
        joined = rows.left_join(earlier, rows[ID] == earlier[_EARLIER])
        joined = joined.select(*[joined[name] for name in rows.columns], joined[_EARLIER])
        ranked, first = self._rows.ranked(joined)
        kept = first & ranked[_EARLIER].isnull()
        found = self._engine.one(
            ranked.aggregate(
                rows=_number_of(kept),
                labelled=_number_of(kept & ranked[LABEL_TIME].notnull()),
                faults=_number_of(kept & ranked[FAULT]),
                duplicates=_number_of(~kept & ranked[SEEN]),
                copies=_number_of(~first),
            )
        )
        return {name: int(value or 0) for name, value in found.items()}

    def _in_span(self, span: Span, *, wide: bool) -> Any:
        """Rows of the span whose id was not seen before it; copies inside the span are still there."""
        start, end = self._ends(span)
        rows = self._rows.visible(self.now, wide=wide)
        rows = rows.filter(rows[TIME] > literal(start), rows[TIME] <= literal(end))
        earlier = self._earlier(start)
        return rows.anti_join(earlier, rows[ID] == earlier[_EARLIER])

    def _earlier(self, start: datetime) -> Any:
        ids = self._rows.ids(min(start, self.now))
        return ids.select(**{_EARLIER: ids[ID]}).distinct()

    def _by_label(self, after: datetime | None, until: datetime, *, holdout: bool, wide: bool) -> Any:
        """Rows whose label arrived in the stretch and that no copy outside it precedes.

        A copy precedes by an earlier time, or at the same time by an earlier label; copies inside the
        stretch are still there.
        """
        until = min(naive(until), self.now)
        rows = self._rows.visible(self.now, wide=wide)
        rows = rows.filter(rows[LABEL_TIME] <= literal(until), rows[HOLDOUT] == ibis.literal(holdout))
        ids = self._rows.ids(self.now)
        first = ids.group_by(ID).aggregate(**{_FIRST: ids[TIME].min()})
        if after is not None:
            rows = rows.filter(rows[LABEL_TIME] > literal(naive(after)))
        rows = rows.semi_join(first, [rows[ID] == first[ID], rows[TIME] == first[_FIRST]])
        if after is None:
            return rows
        known = self._rows.visible(self.now, wide=False)
        known = known.filter(known[LABEL_TIME] <= literal(naive(after))).select(ID, TIME)
        return rows.anti_join(known, [rows[ID] == known[ID], rows[TIME] == known[TIME]])

    def _labelled_frame(
        self, after: datetime | None, until: datetime, *, holdout: bool, limit: int | None = None
    ) -> pd.DataFrame:
        narrow = self._by_label(after, until, holdout=holdout, wide=False)
        found = self._engine.one(narrow.aggregate(rows=narrow.count(), ids=narrow[ID].nunique()))
        rows = self._by_label(after, until, holdout=holdout, wide=True)
        if found["rows"] > found["ids"]:
            rows = self._rows.first_copies(rows)
        bound = limit if limit is not None and found["ids"] > limit else None
        return self._frame(rows, limit=bound, order=[LABEL_TIME, ID])

    def _frame(self, rows: Any, *, limit: int | None, order: list[str]) -> pd.DataFrame:
        if limit is not None:
            rows = rows.order_by(hashed(SAMPLE_SALT, rows[ID]), rows[ID]).limit(limit)
        frame = to_frame(self._engine.arrow(rows), self._rows.layout)
        # Sorted here, not in the engine: collations disagree about the order of ids.
        return frame.sort_values(order, kind="stable", ignore_index=True)

    def _tally(self, rows: Any) -> RowTally:
        ids = rows.select(ID).distinct()
        found = self._engine.one(ids.aggregate(rows=ids.count(), total=hash_number(ids[ID]).sum()))
        return RowTally(rows=found["rows"], fingerprint=int(found["total"] or 0) % 2**61)

    def _orphans(self, span: Span) -> int:
        start, end = self._ends(span)
        orphans = self._rows.orphans(self.now, start, end)
        return 0 if orphans is None else self._count(orphans)

    def _count(self, rows: Any) -> int:
        return int(self._engine.one(rows.aggregate(rows=rows.count()))["rows"])

    def _ends(self, span: Span) -> tuple[datetime, datetime]:
        return max(naive(span.start), EARLIEST), min(naive(span.end), self.now)


def naive(moment: datetime) -> datetime:
    """The same moment as naive UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _number_of(condition: Any) -> Any:
    return ibis.ifelse(condition, 1, 0).cast("int64").sum()
