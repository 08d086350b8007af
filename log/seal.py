"""Sealing: a closed day of a SQLite log goes into Parquet, exactly once, whenever the process is killed.

1. The day is closed: its partition's clock is set to its end, so that nothing is written to it any more.
2. Its rows are written to a temporary file, which is synced and renamed to a name that ends in its content's hash.
3. One transaction records the seal, with rows and hash, keeps the ids, and lets the rows of the tail go.

Before 3 the file belongs to nothing, and the next sealing removes it; after 3 all is done.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, Table, delete, func, insert, literal, select

from ..spec.errors import Unavailable
from ..spec.private import private_folder
from .append import TICK, store_clock
from .contents import columns_of
from .engine import Partition
from .lookups import find_clock
from .place import file_name
from .sealed import labels_table, predictions_table
from .tables import labels, predictions, sealed_rows, seals
from .transactions import read, write

_DAY = timedelta(days=1)
_LEFT_OVER = 86_400.0  # seconds: a file of no seal that is older was left by a process that ended
_TABLES: dict[str, Table] = {"predictions": predictions, "labels": labels}


@dataclass(frozen=True)
class Sealed:
    """A day that was sealed now: *kind* is `predictions` or `labels`."""

    partition: str
    kind: str
    day: str
    rows: int


def seal_days(
    engine: Engine, folder: Path, places: Sequence[Partition], until: datetime, now: datetime
) -> list[Sealed]:
    """Seal every day that ended by *until*, of predictions and labels of *places*; those that were sealed *now*.

    Raises Unavailable if the database or the disk cannot be written; what was sealed before stays sealed.
    """
    found = []
    for place in places:
        for kind in _TABLES:
            for day in read(engine, partial(_open_days, place=place, kind=kind, until=until)):
                found += _seal(engine, folder, _Day(place, kind, day), now)
    _sweep(engine, folder)
    return found


def _open_days(connection: Connection, place: Partition, kind: str, until: datetime) -> list[date]:
    """The days before *until* of which the table holds rows that lie in no file, in order."""
    table = _TABLES[kind]
    day = func.date(table.c.arrival)
    query = select(day).where(*_beyond(connection, place, kind), table.c.arrival < until).distinct().order_by(day)
    days = [date.fromisoformat(each) for each in connection.execute(query).scalars()]
    return [each for each in days if _Day(place, kind, each).end <= until]


@dataclass(frozen=True)
class _Day:
    """One day of one table of one partition."""

    place: Partition
    kind: str
    date: date

    @property
    def start(self) -> datetime:
        return datetime.combine(self.date, datetime.min.time())

    @property
    def end(self) -> datetime:
        return self.start + _DAY


def _seal(engine: Engine, folder: Path, day: _Day, now: datetime) -> list[Sealed]:
    write(engine, [day.place], lambda connection: _close(connection, day))
    rows, (first, last) = read(engine, lambda connection: _rows(connection, day))
    if not rows.num_rows:  # another process was faster
        return []
    try:
        file, size, digest = _written(folder, day, rows)
    except OSError as error:
        raise Unavailable(
            f"{day.date} of the log cannot be sealed into {folder}: {error}. Its rows stay where they are. Make room "
            "there, and start this again."
        ) from error
    values = {"file": file, "rows": rows.num_rows, "bytes": size, "sha256": digest, "first_n": first, "last_n": last}
    done = write(engine, [day.place], lambda connection: _record(connection, day, {**values, "sealed_at": now}))
    return [Sealed(day.place[1], day.kind, day.date.isoformat(), rows.num_rows)] if done else []


def _close(connection: Connection, day: _Day) -> None:
    clock = find_clock(connection, day.place)
    last = day.end - TICK
    if clock.closed is None or clock.closed < last:
        clock.closed, clock.arrival = last, max(clock.arrival, last)
        store_clock(connection, day.place, clock)


def _rows(connection: Connection, day: _Day) -> tuple[pa.Table, tuple[int, int]]:
    """The day's rows that lie in no file, by position, and the first and last of these."""
    table = _TABLES[day.kind]
    query = (
        select(table)
        .where(*_beyond(connection, day.place, day.kind), table.c.arrival >= day.start, table.c.arrival < day.end)
        .order_by(table.c.n)
    )
    found = connection.execute(query).all()
    if day.kind == "labels":
        rows = labels_table(found)
    else:
        rows = predictions_table(found, columns_of(connection, day.place[0]).features)
    return rows, ((found[0].n, found[-1].n) if found else (0, 0))


def _beyond(connection: Connection, place: Partition, kind: str) -> list[Any]:
    """What rows that lie in no file are: those after the last sealed position."""
    table = _TABLES[kind]
    last = select(func.max(seals.c.last_n)).where(
        seals.c.model == place[0], seals.c.partition == place[1], seals.c.kind == kind
    )
    after = connection.execute(last).scalar() or 0
    return [table.c.model == place[0], table.c.partition == place[1], table.c.n > after]


def _written(folder: Path, day: _Day, rows: pa.Table) -> tuple[str, int, str]:
    """Write a file that is whole or not there under its name: its path below *folder*, size and hash."""
    private_folder(folder)
    part = folder / f".{uuid.uuid4().hex}.part"
    order = "time" if day.kind == "predictions" else "arrival"
    pq.write_table(rows.sort_by([(order, "ascending"), ("n", "ascending")]), part, compression="zstd")
    with part.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        os.fsync(opened.fileno())
    part.chmod(0o600)
    name = file_name(*day.place, day.kind, day.date.isoformat(), digest)
    file = folder / name
    private_folder(file.parent)
    part.replace(file)
    for each in (file.parent, folder):
        _sync(each)
    return name, file.stat().st_size, digest


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _record(connection: Connection, day: _Day, values: dict[str, Any]) -> bool:
    """Record the seal and let the tail's rows go; False if another process has sealed the day."""
    model, partition = day.place
    whole = {"model": model, "partition": partition, "kind": day.kind, "day": day.date.isoformat()}
    there = select(seals.c.n).where(*(seals.c[name] == value for name, value in whole.items()))
    if connection.execute(there).first() is not None:
        return False
    connection.execute(insert(seals).values(**whole, **values))
    if day.kind == "labels":
        return True
    covered = (
        predictions.c.model == model,
        predictions.c.partition == partition,
        predictions.c.n.between(values["first_n"], values["last_n"]),
    )
    kept = select(predictions.c.model, predictions.c.row_id, predictions.c.partition, literal(whole["day"]))
    connection.execute(insert(sealed_rows).from_select(["model", "row_id", "partition", "day"], kept.where(*covered)))
    gone = connection.execute(delete(predictions).where(*covered)).rowcount
    if gone != values["rows"]:
        raise AssertionError(f"{gone} rows would go, {values['rows']} were sealed")
    return True


def _sweep(engine: Engine, folder: Path) -> None:
    """Remove old files that no seal names: of processes that were killed before they recorded theirs."""
    if not folder.is_dir():
        return
    named = set(read(engine, lambda connection: connection.execute(select(seals.c.file)).scalars().all()))
    before = time.time() - _LEFT_OVER
    for each in (*folder.rglob("*.part"), *folder.rglob("*.parquet")):
        if each.relative_to(folder).as_posix() not in named and each.stat().st_mtime < before:
            each.unlink(missing_ok=True)
