"""Writing to the log: many callers' hand-ins in one transaction.

Within the lock of a partition each row and label is stamped with `arrival = max(now, last + 1 µs)`, so that arrivals
grow in the order of commits: who has read up to one of them has read all before it, whatever the clock does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Insert, Table, and_, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql

from .engine import Partition
from .entries import Status
from .lookups import Clock, Known, find_clock, find_labels, find_rows, find_waiting
from .prepared import Column, Event, HandIn, Row
from .tables import clocks, columns, labels, predictions, waiting

TICK = timedelta(microseconds=1)

_forward = (
    update(clocks)
    .where(clocks.c.model == bindparam("of_model"), clocks.c.partition == bindparam("of_partition"))
    .values(arrival=bindparam("arrival"), labelled=bindparam("labelled"), closed=bindparam("closed"))
)
_released = delete(waiting).where(
    and_(
        waiting.c.model == bindparam("of_model"),
        waiting.c.event_id == bindparam("of_event"),
        waiting.c.value == bindparam("of_value"),
    )
)


@dataclass
class Stamps:
    """The arrivals that a partition gives, one after the other, from *now* on."""

    clock: Clock
    now: datetime

    def of_row(self, row: Row) -> datetime:
        return self._next()

    def of_label(self, event: Event) -> datetime:
        self.clock.labelled = self._next()
        return self.clock.labelled

    def _next(self) -> datetime:
        self.clock.arrival = max(self.now, self.clock.last + TICK)
        return self.clock.arrival


@dataclass(slots=True)
class Outcome:
    """What became of one partition's rows and events, each in the order in which they were handed in."""

    rows: list[Status] = field(default_factory=list)
    events: list[Status] = field(default_factory=list)


def append(connection: Connection, hand_ins: Sequence[HandIn], now: Callable[[], datetime]) -> list[list[Status]]:
    """Write all *hand_ins* and say of each what became of its rows or events; the partitions' locks are held."""
    places: dict[Partition, list[HandIn]] = {}
    for each in hand_ins:
        places.setdefault(each.place, []).append(each)
    found: dict[int, list[Status]] = {}
    for place, together in places.items():
        rows = [row for each in together for row in each.rows]
        events = [event for each in together for event in each.events]
        outcome = append_to(connection, place, (rows, events), Stamps(find_clock(connection, place), now()))
        row_at = event_at = 0
        for each in together:
            row_end, event_end = row_at + len(each.rows), event_at + len(each.events)
            found[id(each)] = [*outcome.rows[row_at:row_end], *outcome.events[event_at:event_end]]
            row_at, event_at = row_end, event_end
    return [found[id(each)] for each in hand_ins]


def append_to(
    connection: Connection, place: Partition, both: tuple[Sequence[Row], Sequence[Event]], stamps: Stamps
) -> Outcome:
    """Write rows, then events, to a partition whose lock is held."""
    (rows, events), clock = both, stamps.clock
    before = replace(clock)
    here = find_rows(connection, place[0], {row.row_id for row in rows} | {event.row_id for event in events})
    outcome = Outcome()
    new = _new_rows(rows, here, place[1], outcome)
    _insert(connection, predictions, [_row_values(place, row, stamps.of_row(row)) for row in new])
    freed = find_waiting(connection, place, [row.row_id for row in new]) if new else []
    if freed or events:
        known = find_labels(connection, place[0], [*freed, *events])
        fresh = [each for each in freed if (each.event_id, each.value) not in known.events]
        for each in fresh:
            known.add(each)
        early: list[Event] = []
        _sort_events(events, here, known, _Kept(place[1], fresh, early, outcome.events))
        _insert(connection, labels, [_label_values(place, each, stamps.of_label(each)) for each in fresh])
        _release(connection, place, freed)
        if early:
            _wait(connection, place, early, stamps, outcome.events)
    if clock != before or not clock.stored:
        store_clock(connection, place, clock)
    return outcome


def _new_rows(rows: Sequence[Row], here: dict[str, str], partition: str, outcome: Outcome) -> list[Row]:
    """Those of *rows* that the log has not; their ids are *here*, in this partition, from now on."""
    new = []
    for row in rows:
        if row.row_id in here:
            outcome.rows.append("repeated")
            continue
        here[row.row_id] = partition
        new.append(row)
        outcome.rows.append("accepted")
    return new


@dataclass(slots=True)
class _Kept:
    """Where events of *partition* go: labels that are *fresh*, those that came too *early*, what is said of each."""

    partition: str
    fresh: list[Event]
    early: list[Event]
    said: list[Status]


def _sort_events(events: Sequence[Event], here: dict[str, str], known: Known, kept: _Kept) -> None:
    for event in events:
        if (event.event_id, event.value) in known.events:
            kept.said.append("repeated")
        elif here.get(event.row_id) != kept.partition:
            kept.early.append(event)
            kept.said.append("waiting")
        else:
            last = known.newest.get(event.row_id)
            kept.said.append("accepted" if last is None else "repeated" if last == event.value else "correction")
            kept.fresh.append(event)  # also one that repeats the value: its own id is to be known
            known.add(event)


def _wait(connection: Connection, place: Partition, early: list[Event], stamps: Stamps, said: list[Status]) -> None:
    """Keep labels whose prediction is not there; those that wait already are only repeated."""
    held = {(each.event_id, each.value) for each in find_waiting(connection, place, {each.row_id for each in early})}
    new, turn = [], iter(early)
    for position, status in enumerate(said):
        if status != "waiting":
            continue
        event = next(turn)
        if (event.event_id, event.value) in held:
            said[position] = "repeated"
            continue
        held.add((event.event_id, event.value))
        new.append({**_event_values(place, event), "received": stamps.now})
    _insert(connection, waiting, new)


def _release(connection: Connection, place: Partition, freed: Iterable[Event]) -> None:
    """Let go of what waited for a prediction: it is a label now."""
    gone = [{"of_model": place[0], "of_event": each.event_id, "of_value": each.value} for each in freed]
    if gone:
        connection.execute(_released, gone)


def _event_values(place: Partition, event: Event) -> dict[str, object]:
    return {"model": place[0], "partition": place[1], **event._asdict()}


def _label_values(place: Partition, event: Event, arrival: datetime) -> dict[str, object]:
    return {**_event_values(place, event), "arrival": arrival}


def _row_values(place: Partition, row: Row, arrival: datetime) -> dict[str, object]:
    """A row's columns. Its time is no later than its arrival, and so than any label's: clocks of replicas differ."""
    return {
        "model": place[0],
        "partition": place[1],
        **row._asdict(),
        "time": min(row.time, arrival),
        "arrival": arrival,
    }


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(_inserts(table, connection.dialect.name), rows)


def _inserts(table: Table, dialect: str) -> Insert:
    # In PostgreSQL another partition's writer may have the same id at the same moment; in SQLite writers take turns.
    return postgresql.insert(table).on_conflict_do_nothing() if dialect == "postgresql" else table.insert()


def store_clock(connection: Connection, place: Partition, clock: Clock) -> None:
    """Write the clock of a partition whose lock is held."""
    values = {"arrival": clock.arrival, "labelled": clock.labelled, "closed": clock.closed}
    if clock.stored:
        connection.execute(_forward, {**values, "of_model": place[0], "of_partition": place[1]})
    else:
        connection.execute(clocks.insert(), {"model": place[0], "partition": place[1], **values})
        clock.stored = True


def add_columns(connection: Connection, model: str, found: Sequence[Column]) -> None:
    """Write the kinds of values that a model's columns have not held before."""
    held = set(
        connection.execute(select(columns.c.role, columns.c.name, columns.c.kind).where(columns.c.model == model))
    )
    new = [
        {"model": model, "role": role, "name": name, "kind": kind}
        for role, name, kind in found
        if (role, name, kind) not in held
    ]
    _insert(connection, columns, new)
