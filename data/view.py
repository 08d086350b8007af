"""A source as of one moment: every read that monitors and learners make."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import pyarrow as pa

from ..spec.values import Span
from .columns import HOLDOUT, ID, LABEL_TIME, TARGET, TIME
from .sources import counted, selection
from .sources.moment import EARLIEST, TICK
from .sources.near import MOST_CELLS, Near
from .sources.plain import to_frame
from .sources.query import Questions
from .sources.rows import Rows
from .window import RowTally, Window

if TYPE_CHECKING:
    import ibis.expr.types as ir

T = TypeVar("T")


class View:
    """All that is visible at *now*: rows with `_time <= now`, and labels that have arrived by then.

    Frames have the columns of `plain.to_frame`; spans are open at start and closed at end. Of rows that
    share an id only the first is ever seen (by time, then label arrival, then content). Every method
    raises DataError where the engine cannot read.
    """

    def __init__(self, questions: Questions, rows: Rows, now: datetime) -> None:
        self.now = naive(now)
        self._ask = questions
        self._rows = rows
        self._seen: dict[
            Hashable, Any
        ] = {}  # a look asks for the same rows several times: monitors, trials, ladder, gate
        self._near: Near | None = None

    def hold(self, since: datetime) -> None:
        """Read what came after *since* into memory, out of which all that lies there is answered from now on.

        Nothing is held where an id may come twice, or of more rows than are worth it: then the engine answers.
        """
        since = max(naive(since), EARLIEST)
        if not self._rows.unique or since >= self.now or (self._near is not None and self._near.since <= since):
            return
        span = {"now": self.now, "start": since, "end": self.now}
        count = self._ask.one("counts", lambda: selection.span_counts(self._rows), **span)["rows"] or 0
        if count * (len(self._rows.layout.features) + 8) > MOST_CELLS:
            return
        here = self._ask.rows(("span", False, None), lambda: selection.in_span(self._rows, wide=True), **span)
        late = self._ask.rows("late", lambda: selection.labelled_late(self._rows), now=self.now, after=since)
        self._near = Near(since, here, late)

    def _held(self, start: datetime | None) -> Near | None:
        """What is held, if that is all from *start* on."""
        near = self._near
        return near if near is not None and start is not None and naive(start) >= near.since else None

    def window(self, span: Span, *, sample: int | None = None, name: str = "window") -> Window:
        """The rows of *span* by `_time`: at most *sample* (left out: the spec's `monitors.sample`).

        A larger window is sampled by hash of the id, so that the same window always gives the same rows.
        """
        sample = sample if sample is not None else self._rows.spec.monitors.sample
        found = self._once(("window", span, sample), lambda: self._window(span, sample, name))
        return replace(found, name=name, frame=found.frame.copy(deep=False))

    def _window(self, span: Span, sample: int, name: str) -> Window:
        moments = self._moments(span)
        near = self._held(moments["start"])
        if near is not None and (here := near.span(moments["start"], moments["end"])).sum() <= sample:
            counts = near.counts(here)
            frame = self._sorted(near.rows(here), [TIME, ID])
        else:
            asked = self._ask.one("counts", lambda: selection.span_counts(self._rows), **moments)
            counts = {key: int(value or 0) for key, value in asked.items()}
            frame = self._frame(
                "span",
                lambda: selection.in_span(self._rows, wide=True),
                copies=counts["copies"] > 0,
                limit=sample if counts["rows"] > sample else None,
                order=[TIME, ID],
                **moments,
            )
        return Window(
            name=name,
            span=span,
            frame=frame,
            rows=counts["rows"],
            labelled=counts["labelled"],
            duplicates=counts["duplicates"],
            label_faults=counts["faults"],
            revised=counts["revised"],
            orphan_labels=self._orphans(moments),
            nameless=(nameless := self._nameless(moments)),
            unplaced=self._unplaced() if nameless else 0,
            timeless=self._timeless(moments),
            schema=dict(self._rows.layout.schema),
            unreadable=self._unreadable(moments),
            missing_columns=self._rows.layout.missing,
        )

    def counts(self, span: Span) -> tuple[int, int]:
        """How many rows *span* has by `_time`, and how many of them are labelled; counted in the engine."""
        moments = self._moments(span)
        if (near := self._held(moments["start"])) is not None:
            known = near.counts(near.span(moments["start"], moments["end"]))
            return known["rows"], known["labelled"]
        found = self._ask.one("counts", lambda: selection.span_counts(self._rows), **moments)
        return int(found["rows"] or 0), int(found["labelled"] or 0)

    def span_of(self, extent: timedelta | int, end: datetime) -> Span:
        """The span of *extent* that ends at *end*.

        A number of rows is counted back from *end*, copies left out; rows that share the first one's time are
        all inside, so that the span may hold a few more. Fewer rows than asked for: all of them. No row: an
        empty span at *end*.
        """
        end = naive(end)
        if isinstance(extent, timedelta):
            return Span(start=end - extent, end=end)
        start = self._ask.one(
            ("last", extent), lambda: selection.start_of_last(self._rows, extent), now=min(self.now, end)
        )["start"]
        return Span(start=end if start is None else start - TICK, end=end)

    def unlearned(self, after: datetime | None) -> pd.DataFrame:
        """Labelled rows outside the holdout with `after < _label_time <= now`, in (_label_time, _id) order."""
        return self.learned(self.now, after)

    def unlearned_count(self, after: datetime | None) -> int:
        """How many rows `unlearned` would return, counted in the engine."""
        if after is not None and (near := self._held(after)) is not None:
            return int(near.labelled(naive(after), self.now, holdout=False).sum())
        return self._tally(after, self.now).rows

    def learned(self, upto: datetime, since: datetime | None = None) -> pd.DataFrame:
        """Labelled rows outside the holdout with `since < _label_time <= upto`, in (_label_time, _id) order."""
        return self._labelled(since, upto, holdout=False)

    def holdout(self, after: datetime | None, until: datetime | None = None, limit: int | None = None) -> pd.DataFrame:
        """Labelled holdout rows with `after < _label_time <= until` (left out: now); *limit* of them by hash."""
        return self._labelled(after, until if until is not None else self.now, holdout=True, limit=limit)

    def labels_of(self, ids: Sequence[str]) -> pd.Series:
        """The labels that rows with these ids have now, by id; ids without a row, or without a label, are not there.

        It reads the ids of the whole source, so that it is no question for every look.
        """
        asked = sorted(set(ids))
        table = self._ask.rows(None, lambda: selection.labels_of(self._rows, asked), now=self.now)
        found = to_frame(table.append_column(HOLDOUT, pa.array([False] * len(table))), self._rows.layout.narrow)
        return found.dropna(subset=[TARGET]).drop_duplicates(ID).set_index(ID)[TARGET]

    def ledger_of_rows(self, upto: datetime) -> RowTally:
        """The tally of what `learned(upto)` returns: it changes when a row arrives behind the watermark."""
        return self._tally(None, upto)

    def last_label(self, after: datetime) -> datetime | None:
        """When the newest label came, of those that came later than *after*; None where none did."""
        if (near := self._held(after)) is not None:
            return near.last_label(naive(after))
        found = self._ask.one("last_label", lambda: selection.last_label(self._rows), now=self.now, after=naive(after))
        return None if found["newest"] is None else pd.Timestamp(found["newest"]).to_pydatetime()

    def label_delay(self, span: Span, quantile: float) -> timedelta:
        """The delay that *quantile* of the span's arrived labels had at most; zero where none has arrived."""
        moments = self._moments(span)
        if (near := self._held(moments["start"])) is not None:
            return timedelta(seconds=near.delay(near.span(moments["start"], moments["end"]), quantile) or 0.0)
        found = self._ask.one(("delay", quantile), lambda: selection.label_delays(self._rows, quantile), **moments)
        return timedelta(seconds=found["delay"] or 0.0)

    def _labelled(
        self, after: datetime | None, until: datetime, *, holdout: bool, limit: int | None = None
    ) -> pd.DataFrame:
        key = ("labelled", after, until, holdout, limit)
        found = self._once(key, lambda: self._read(after, until, holdout=holdout, limit=limit))
        return found.copy(deep=False)

    def _once(self, key: Hashable, read: Callable[[], T]) -> T:
        """What *read* gives, read once: a view is of one moment, whose rows do not change under who looks at it."""
        if key not in self._seen:
            self._seen[key] = read()
        found: T = self._seen[key]
        return found

    def _read(self, after: datetime | None, until: datetime, *, holdout: bool, limit: int | None) -> pd.DataFrame:
        shape, moments = (after is not None, holdout), self._stretch(after, until)
        near, more = self._held(after), False  # more than *limit*, as far as one knows
        if near is not None and after is not None:
            here = near.labelled(naive(after), moments["until"], holdout=holdout)
            if limit is None or here.sum() <= limit:
                return self._sorted(near.rows(here), [LABEL_TIME, ID])
            more = True

        def chosen(wide: bool) -> ir.Table:
            return selection.by_label(self._rows, bounded=after is not None, holdout=holdout, wide=wide)

        if self._rows.unique and (limit is None or more):
            copies, many = False, limit is not None
        else:
            found = self._ask.one(("size", shape), lambda: selection.size(chosen(wide=False)), **moments)
            copies, many = found["rows"] > found["ids"], limit is not None and found["ids"] > limit
        return self._frame(
            ("labelled", shape),
            lambda: chosen(wide=True),
            copies=copies,
            limit=limit if many else None,
            order=[LABEL_TIME, ID],
            **moments,
        )

    def _frame(
        self,
        shape: Hashable,
        build: Callable[[], ir.Table],
        *,
        copies: bool,
        limit: int | None,
        order: list[str],
        **moments: datetime,
    ) -> pd.DataFrame:
        def one_each() -> ir.Table:
            found = build()
            return selection.sampled(self._rows.first_copies(found) if copies else found, limit)

        return self._sorted(self._ask.rows((shape, copies, limit), one_each, **moments), order)

    def _sorted(self, table: pa.Table, order: list[str]) -> pd.DataFrame:
        # Sorted here, not in the engine: collations disagree about the order of ids.
        return to_frame(table, self._rows.layout).sort_values(order, kind="stable", ignore_index=True)

    def _tally(self, after: datetime | None, until: datetime) -> RowTally:
        return self._once(("tally", after, until), lambda: self._counted(after, until))

    def _counted(self, after: datetime | None, until: datetime) -> RowTally:
        bounded = after is not None
        found = self._ask.one(
            ("tally", bounded),
            lambda: selection.tally(selection.by_label(self._rows, bounded=bounded, holdout=False, wide=False)),
            **self._stretch(after, until),
        )
        return RowTally(rows=found["rows"], fingerprint=int(found["total"] or 0) % 2**61)

    def _orphans(self, moments: dict[str, datetime]) -> int:
        if not self._rows.can_have_orphans:
            return 0
        return int(self._ask.one("orphans", lambda: selection.orphans(self._rows), **moments)["rows"])

    def _nameless(self, moments: dict[str, datetime]) -> int:
        if self._rows.named:
            return self._rows.unplaced or 0
        found = self._ask.one("nameless", lambda: selection.nameless(self._rows), **moments)
        return int(found["rows"]) + (self._rows.unplaced or 0)

    def _timeless(self, moments: dict[str, datetime]) -> int:
        if not self._rows.timed_by_label:
            return 0
        return int(self._ask.one("timeless", lambda: selection.timeless(self._rows), **moments)["rows"])

    def _unreadable(self, moments: dict[str, datetime]) -> dict[str, int]:
        names = self._rows.layout.unsure
        if not names:
            return {}
        found = self._ask.one("words", lambda: selection.words_among_numbers(self._rows), **moments)
        return {name: count for n, name in enumerate(names) if (count := int(found[str(n)] or 0))}

    def _unplaced(self) -> int:
        """Rows without a time, anywhere in the source."""
        if self._rows.unplaced is not None:
            return self._rows.unplaced
        found = self._once("unplaced", lambda: self._ask.one("placing", lambda: counted.placing(self._rows)))
        return int(found["unplaced"] or 0)

    def _moments(self, span: Span) -> dict[str, datetime]:
        """The slots of a span, cut at now."""
        end = min(naive(span.end), self.now)
        return {"now": self.now, "start": min(max(naive(span.start), EARLIEST), end), "end": end}

    def _stretch(self, after: datetime | None, until: datetime) -> dict[str, datetime]:
        """The slots of a stretch of label arrivals, cut at now."""
        moments = {"now": self.now, "until": min(naive(until), self.now)}
        return moments if after is None else {**moments, "after": naive(after)}


def naive(moment: datetime) -> datetime:
    """The same moment as naive UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
