"""Bringing in a history that was kept elsewhere: predictions with their times, labels with the times they came at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from ..spec.errors import BadInput
from .append import Stamps, append_to
from .engine import Partition
from .entries import Status
from .lookups import find_clock
from .prepared import Event, HandIn, Row
from .tables import clocks, predictions

AT_ONCE = 5_000


@dataclass
class Past(Stamps):
    """Arrivals as the history says them, which go forward in it as well.

    *times* are those of the labels; *last* is the newest prediction's. Raises BadInput for a label that came no later
    than one that the log has: whoever has read that one would never read it.
    """

    times: dict[Event, datetime] = field(default_factory=dict)
    last: datetime = datetime.min

    def of_row(self, row: Row) -> datetime:
        self.last = max(row.time, self.last, *((self.clock.closed,) if self.clock.closed else ()))
        self.clock.arrival = max(self.clock.arrival, self.last)
        return self.last

    def of_label(self, event: Event) -> datetime:
        arrival = self.times.get(event)
        if arrival is None:  # one that waited for its prediction: it comes now
            return super().of_label(event)
        self.clock.labelled = arrival
        self.clock.arrival = max(self.clock.arrival, arrival)
        return arrival


def append_past(connection: Connection, hand_in: HandIn, arrivals: Sequence[datetime], now: datetime) -> list[Status]:
    """Write rows at their own times, or labels at *arrivals*, to a partition whose lock is held."""
    place = hand_in.place
    clock = find_clock(connection, place)
    times = dict(zip(hand_in.events, arrivals, strict=True))
    stamps = Past(clock, now, times, _last_prediction(connection, place) if hand_in.rows else datetime.min)
    newest = connection.execute(select(func.max(clocks.c.labelled)).where(clocks.c.model == place[0])).scalar()
    least = max((each for each in (newest, clock.closed) if each is not None), default=datetime.min)
    outcome = append_to(connection, place, (hand_in.rows, hand_in.events), stamps)
    new = [each for each, status in zip(hand_in.events, outcome.events, strict=True) if status != "repeated"]
    late = next((each for each in new if times[each] <= least), None)
    if late is not None:
        raise BadInput(
            f"the label of row {late.row_id!r} came at {times[late]}, and the log has one of {least} already: who has "
            "read that one would never see it. Nothing of this part was written. Bring the history in before the first "
            "label comes, or into a log of its own (stores.log)."
        )
    return [*outcome.rows, *outcome.events]


def parts(hand_in: HandIn, arrivals: Sequence[datetime]) -> Iterator[tuple[HandIn, Sequence[datetime]]]:
    """*hand_in*, whose labels are in the order of *arrivals*, in parts that are each one commit.

    Labels of one moment are in one part, so that no reader finds half of them.
    """
    rows, events, start = hand_in.rows, hand_in.events, 0
    for first in range(0, len(rows), AT_ONCE):
        yield HandIn(*hand_in.place, rows[first : first + AT_ONCE], (), hand_in.columns), ()
    while start < len(events):
        end = min(start + AT_ONCE, len(events))
        while end < len(events) and arrivals[end] == arrivals[end - 1]:
            end += 1
        yield HandIn(*hand_in.place, (), events[start:end], hand_in.columns), arrivals[start:end]
        start = end


def _last_prediction(connection: Connection, place: Partition) -> datetime:
    table = predictions
    query = (
        select(table.c.arrival)
        .where(table.c.model == place[0], table.c.partition == place[1])
        .order_by(table.c.n.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() or datetime.min
