"""The database behind the ledger: SQLite by default, PostgreSQL by URL; one writer at a time in both.

A write transaction takes its lock at the start (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock held
until the end of the transaction), so that read-then-write steps such as a claim are atomic.
A rehearsal may ask for less: a ledger in memory, or a file that a power cut may break (`durable=False`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from ..spec.errors import BadInput
from ..spec.private import private_folder

_WAIT_MS = 30_000  # how long a writer waits for another before it gives up
IDLE_MS = 15_000  # how long a transaction may stand still on PostgreSQL before the server ends it
_LOCK = 0x5261746F6F6E  # "Ratoon": the advisory lock's number
_WRITES = "ratoon_writes"


def connect(url: str, *, durable: bool = True) -> Engine:
    """An engine for *url*; folders of a SQLite file are made. Raises BadInput for what cannot be a ledger.

    Without *durable* a commit does not wait for the disk: for a rehearsal, which is run again after a crash.
    """
    place = _read(url)
    if in_memory(place):
        return _connect_memory(place)
    if place.get_backend_name() == "sqlite":
        try:
            file = Path(str(place.database))
            private_folder(file.parent)
            if not file.exists():
                file.touch(mode=0o600)
        except OSError as error:
            raise BadInput(
                f"the ledger's folder cannot be made for {shown(place)}: {error}. Nothing was changed. "
                "Check stores.ledger in the spec, or $RATOON_LEDGER_URL."
            ) from error
        engine = create_engine(place, connect_args={"timeout": _WAIT_MS / 1000})
        event.listen(engine, "connect", _sqlite_settings if durable else _sqlite_hasty)
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
    event.listen(engine, "connect", _postgres_settings if durable else _postgres_hasty)
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


def in_memory(place: URL) -> bool:
    """Whether the database ends with the engine that opened it."""
    return place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:")


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
    return place


def _connect_memory(place: URL) -> Engine:
    # One connection is the database. A queue of one lends it to one thread at a time, where StaticPool would
    # mix the transactions of two.
    engine = create_engine(
        place,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_WAIT_MS / 1000,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _sqlite_memory)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_settings(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    _turn_on_wal(_sqlite_set(connection, "FULL"))


def _sqlite_hasty(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    _turn_on_wal(_sqlite_set(connection, "OFF"))


def _sqlite_memory(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    _sqlite_set(connection, "OFF")


def _sqlite_set(connection: sqlite3.Connection, synchronous: str) -> sqlite3.Cursor:
    connection.isolation_level = None  # SQLAlchemy's begin event below says BEGIN, not the driver
    cursor = connection.cursor()
    for setting in (f"busy_timeout = {_WAIT_MS}", "foreign_keys = ON", f"synchronous = {synchronous}"):
        cursor.execute(f"PRAGMA {setting}")
    return cursor


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


def _postgres_settings(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = {_WAIT_MS}")
        # A process that is suspended in the middle of a write must not keep all others from writing.
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
    connection.commit()


def _postgres_hasty(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    _postgres_settings(connection, _record)
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET synchronous_commit = off")
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
