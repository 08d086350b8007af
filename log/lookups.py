"""What the log knows already of rows and events, asked by their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, select, union, union_all

from .engine import Partition
from .prepared import Event
from .tables import clocks, labels, predictions, sealed_rows, waiting

T = TypeVar("T")

_AT_ONCE = 400  # ids in one question: SQLite takes a few thousand values at most

_ids: BindParameter[str] = bindparam("ids", expanding=True)
_model: BindParameter[str] = bindparam("model")
_rows = select(predictions.c.row_id, predictions.c.partition).where(
    predictions.c.model == _model, predictions.c.row_id.in_(_ids)
)
_rows_and_sealed = union_all(
    _rows,
    select(sealed_rows.c.row_id, sealed_rows.c.partition).where(
        sealed_rows.c.model == _model, sealed_rows.c.row_id.in_(_ids)
    ),
)
_events: BindParameter[str] = bindparam("events", expanding=True)
_labels = select(labels.c.n, labels.c.event_id, labels.c.row_id, labels.c.value).where(labels.c.model == _model)
# Two questions, each by its index: of one with OR SQLite uses the model's alone, and reads all of its labels.
_known = union(_labels.where(labels.c.row_id.in_(_ids)), _labels.where(labels.c.event_id.in_(_events)))
_waiting_rows = (
    select(waiting.c.event_id, waiting.c.row_id, waiting.c.value, waiting.c.partition)
    .where(waiting.c.model == _model, waiting.c.row_id.in_(_ids))
    .order_by(waiting.c.n)
)
_clock = select(clocks.c.arrival, clocks.c.labelled, clocks.c.closed).where(
    clocks.c.model == _model, clocks.c.partition == bindparam("partition")
)


@dataclass(slots=True)
class Clock:
    """A partition's newest arrival, of labels alone, and until when it is closed; *stored*: it has a row."""

    arrival: datetime
    labelled: datetime | None = None
    closed: datetime | None = None
    stored: bool = True

    @property
    def last(self) -> datetime:
        """Every later stamp is later than this."""
        return max(self.arrival, self.closed or self.arrival)


@dataclass(slots=True)
class Known:
    """Labels that the log has: each event with its value, and of each row the value that came last."""

    events: set[tuple[str, str]] = field(default_factory=set)
    newest: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        self.events.add((event.event_id, event.value))
        self.newest[event.row_id] = event.value


def find_clock(connection: Connection, place: Partition) -> Clock:
    """The clock of a partition whose lock is held; one at the start of time if there is none."""
    found = connection.execute(_clock, {"model": place[0], "partition": place[1]}).one_or_none()
    return Clock(datetime(1, 1, 1), stored=False) if found is None else Clock(*found)


def find_rows(connection: Connection, model: str, ids: Collection[str]) -> dict[str, str]:
    """Those of *ids* whose prediction is in the log, sealed or not, with the partition that it is in."""
    question = _rows_and_sealed if connection.dialect.name == "sqlite" else _rows  # PostgreSQL keeps plain tables
    found: dict[str, str] = {}
    for some in _parts(ids):
        for row_id, partition in connection.execute(question, {"model": model, "ids": some}):
            found[row_id] = partition
    return found


def find_labels(connection: Connection, model: str, events: Collection[Event]) -> Known:
    """The labels that the log has of the rows, or under the names, of *events*."""
    known = Known()
    for some in _parts(events):
        asked = {"model": model, "ids": [e.row_id for e in some], "events": [e.event_id for e in some]}
        for _, event_id, row_id, value in sorted(connection.execute(_known, asked).tuples()):
            known.add(Event(event_id, row_id, value))
    return known


def find_waiting(connection: Connection, place: Partition, ids: Collection[str]) -> list[Event]:
    """The labels of these rows that wait in the partition, in the order in which they came."""
    found = []
    for some in _parts(ids):
        for event_id, row_id, value, partition in connection.execute(_waiting_rows, {"model": place[0], "ids": some}):
            if partition == place[1]:
                found.append(Event(event_id, row_id, value))
    return found


def _parts(values: Collection[T]) -> Iterator[list[T]]:
    listed = list(values)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]
