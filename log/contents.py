"""All that the log holds of a model, for who reads it whole: sealed files, the rest as Arrow, the kinds of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Row, Select, and_, func, or_, select, true, update

from .append import store_clock
from .engine import Partition, hold
from .lookups import Clock, find_clock
from .sealed import labels_table, predictions_table
from .tables import clocks, columns, labels, predictions, prunes, seals
from .values import Kind, common


@dataclass(frozen=True)
class Columns:
    """The kinds of a model's *features* in the order of their coming, of its *label* and of what was served."""

    features: dict[str, Kind]
    label: Kind
    prediction: Kind


@dataclass(frozen=True)
class Contents:
    """What a SQLite log holds of one model at one moment.

    *rows* and *labels* are what lies in no sealed file yet; `sealed_rows` and `sealed_labels` are files, by day.
    """

    columns: Columns
    rows: pa.Table
    labels: pa.Table
    sealed_rows: tuple[Path, ...]
    sealed_labels: tuple[Path, ...]
    settled: datetime  # labels that arrived later are to be left out: see `settle`


def columns_of(connection: Connection, model: str) -> Columns:
    """The kinds of a model's columns; a label or prediction that never was is a number."""
    query = select(columns.c.role, columns.c.name, columns.c.kind).where(columns.c.model == model).order_by(columns.c.n)
    kinds: dict[tuple[str, str], list[Kind]] = {}
    for role, name, kind in connection.execute(query):
        kinds.setdefault((role, name), []).append(kind)
    return Columns(
        features={name: common(found) for (role, name), found in kinds.items() if role == "feature"},
        label=common(kinds.get(("label", ""), [])),
        prediction=common(kinds.get(("prediction", ""), [])),
    )


def contents_of(connection: Connection, folder: Path, model: str, until: datetime) -> Contents:
    """All of *model* that one transaction sees in a SQLite log whose sealed days lie in *folder*."""
    found = columns_of(connection, model)
    sealed = sealed_days(connection, model)
    tail = select(predictions).where(predictions.c.model == model).order_by(predictions.c.n)
    return Contents(
        found,
        predictions_table(connection.execute(tail), found.features),
        labels_table(connection.execute(_tail_of_labels(model, sealed))),
        tuple(folder / each.file for each in sealed if each.kind == "predictions"),
        tuple(folder / each.file for each in sealed if each.kind == "labels"),
        until,
    )


@dataclass(frozen=True)
class SealedDay:
    """A day of one partition in one file; *kind* is `predictions` or `labels`."""

    partition: str
    kind: str
    day: str
    file: str
    rows: int
    bytes: int
    sha256: str
    last_n: int


def sealed_days(connection: Connection, model: str) -> list[SealedDay]:
    """The sealed days of a model that were not pruned, in order."""
    query = (
        select(*(seals.c[name] for name in SealedDay.__dataclass_fields__))
        .where(seals.c.model == model, seals.c.day >= pruned_until(connection, model).date().isoformat())
        .order_by(seals.c.day, seals.c.partition, seals.c.kind)
    )
    return [SealedDay(*row) for row in connection.execute(query)]


def pruned_until(connection: Connection, model: str) -> datetime:
    """Until when all of a model was let go."""
    query = select(func.max(prunes.c.until)).where(prunes.c.model == model)
    return connection.execute(query).scalar() or datetime(1, 1, 1)


def _tail_of_labels(model: str, sealed: Sequence[SealedDay]) -> Select[Any]:
    """The labels that lie in no file: they stay in their table, so that none is taken twice."""
    ends: dict[str, int] = {}
    for each in sealed:
        if each.kind == "labels":
            ends[each.partition] = max(ends.get(each.partition, 0), each.last_n)
    beyond = and_(true(), *(or_(labels.c.partition != name, labels.c.n > n) for name, n in ends.items()))
    return select(labels).where(labels.c.model == model, beyond).order_by(labels.c.n)


def settled(connection: Connection, model: str) -> datetime | None:
    """The moment of `settle`, if nothing is to be done for it: with one partition it is that one's clock."""
    found = connection.execute(select(clocks.c.arrival, clocks.c.closed).where(clocks.c.model == model)).all()
    return _latest(found) if len(found) == 1 else None


def settle(connection: Connection, model: str) -> datetime | None:
    """A moment after which every later label is stamped, in any partition; the lock `all_of` the model is held.

    Partitions stamp apart from each other: one that is read up to its newest label may be ahead of another, whose next
    label would be taken for old. So all clocks are set to the latest one's moment before they are read together.
    """
    hold(connection, places_of(connection, model))
    found = connection.execute(select(clocks.c.arrival, clocks.c.closed).where(clocks.c.model == model)).all()
    moment = _latest(found)
    if moment is not None:
        behind = update(clocks).where(clocks.c.model == model, clocks.c.arrival < moment)
        connection.execute(behind.values(arrival=moment))
    return moment


def open_partition(connection: Connection, place: Partition) -> None:
    """Make a partition, whose clock starts at its model's latest; the lock `all_of` the model is held."""
    if find_clock(connection, place).stored:
        return
    moment = settle(connection, place[0])
    store_clock(connection, place, Clock(moment or datetime.min, stored=False))


def _latest(found: Sequence[Row[tuple[datetime, datetime | None]]]) -> datetime | None:
    return max((each for row in found for each in row if each is not None), default=None)


def places_of(connection: Connection, model: str) -> list[Partition]:
    """All partitions of a model."""
    query = select(clocks.c.partition).where(clocks.c.model == model).order_by(clocks.c.partition)
    return [(model, each) for each in connection.execute(query).scalars()]
