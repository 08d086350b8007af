"""The database behind the ledger: SQLite by default, PostgreSQL by URL; one writer at a time in both.

A write transaction takes its lock at the start (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock held
until the end of the transaction), so that read-then-write steps such as a take-off are atomic.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from ..spec.errors import BadInput

_WAIT_MS = 30_000  # how long a writer waits for another before it gives up
_LOCK = 0x5261746F6F6E  # "Ratoon": the advisory lock's number
_WRITES = "ratoon_writes"


def connect(url: str) -> Engine:
    """An engine for *url*; folders of a SQLite file are made. Raises BadInput for what cannot be a ledger."""
    place = _read(url)
    if place.get_backend_name() == "sqlite":
        try:
            Path(str(place.database)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"the ledger's folder cannot be made for {shown(place)}: {error}. Nothing was changed. "
                "Check stores.ledger in the spec, or $RATOON_LEDGER_URL."
            ) from error
        engine = create_engine(place, connect_args={"timeout": _WAIT_MS / 1000})
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    try:
        # READ COMMITTED, so that a writer that waited for the lock sees what the last holder wrote.
        engine = create_engine(place, pool_pre_ping=True, isolation_level="READ COMMITTED")
    except ImportError as error:
        raise BadInput(
            f"the ledger {shown(place)} needs a driver that is not installed ({error}); "
            "pip install 'ratoon[postgres]'. Nothing was changed."
        ) from None
    event.listen(engine, "connect", _postgres_settings)
    event.listen(engine, "begin", _postgres_begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the ledger's one write lock until it ends."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


@contextmanager
def wording(engine: Engine) -> Iterator[None]:
    """Turn "cannot open" of any kind into BadInput with the place and the database's own reason."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise BadInput(
            f"the ledger {shown(engine.url)} cannot be opened: {reason}. Nothing was changed. "
            "Check stores.ledger in the spec, or $RATOON_LEDGER_URL."
        ) from error


def shown(url: URL) -> str:
    """The URL without its password."""
    return url.render_as_string(hide_password=True)


def _read(url: str) -> URL:
    expected = "sqlite:///path/to/ledger.db or postgresql://user@host/database"
    try:
        place = make_url(url)
    except ArgumentError:
        raise BadInput(f"the ledger's URL {url!r} cannot be read; expected {expected}. Nothing was changed.") from None
    if place.drivername in ("postgresql", "postgres"):
        place = place.set(drivername="postgresql+psycopg2")
    if place.drivername == "sqlite":
        place = place.set(drivername="sqlite+pysqlite")
    if place.drivername not in ("sqlite+pysqlite", "postgresql+psycopg2"):
        raise BadInput(
            f"the ledger's URL {shown(place)} is of kind {place.drivername!r}; expected {expected}. "
            "Nothing was changed."
        )
    if place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:"):
        raise BadInput(f"the ledger's URL {url!r} keeps nothing; expected a file: {expected}. Nothing was changed.")
    return place


def _sqlite_settings(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below says BEGIN, not the driver
    cursor = connection.cursor()
    for setting in (f"busy_timeout = {_WAIT_MS}", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {setting}")
    _turn_on_wal(cursor)
    cursor.close()


def _turn_on_wal(cursor: sqlite3.Cursor) -> None:
    """SQLite does not wait its busy_timeout for this one step, which processes opening a new file race for."""
    until = time.monotonic() + _WAIT_MS / 1000
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_settings(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = {_WAIT_MS}")
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
