"""The database behind the log: SQLite embedded, or PostgreSQL by URL; one writer at a time for each partition.

A commit is on the disk when it returns (SQLite: synchronous FULL; PostgreSQL: synchronous_commit). A write
transaction takes its locks before it reads: in SQLite the file's (BEGIN IMMEDIATE), in PostgreSQL an advisory lock
for each partition that it writes to.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from ..spec.errors import BadInput
from ..spec.private import private_folder

Partition = tuple[str, str]  # model, partition

_WAIT_MS = 30_000  # how long a writer waits for another before it gives up
_IDLE_MS = 15_000  # how long a transaction may stand still on PostgreSQL before the server ends it
_WRITES = "ratoon_writes"
WHOLE_LOG: Partition = ("", "")  # the lock of who makes the tables


def all_of(model: str) -> Partition:
    """The lock of who makes a partition of *model*, or sets all of its clocks; it is taken before any other."""
    return model, "\0"


def connect(url: str) -> Engine:
    """An engine for *url*; the folder and the file of a SQLite log are made, for their owner only.

    Raises BadInput for what cannot be a log.
    """
    place = _read(url)
    if place.get_backend_name() == "sqlite":
        try:
            file = Path(str(place.database))
            private_folder(file.parent)
            if not file.exists():
                file.touch(mode=0o600)
        except OSError as error:
            raise BadInput(
                f"the log's folder cannot be made for {shown(place)}: {error}. Nothing was changed. "
                "Check stores.log in the spec, or $RATOON_LOG_URL."
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
            f"the log {shown(place)} needs a driver that is not installed ({error}); "
            "pip install 'ratoon[postgres]'. Nothing was changed."
        ) from None
    event.listen(engine, "connect", _postgres_settings)
    return engine


@contextmanager
def writing(engine: Engine, partitions: Collection[Partition]) -> Iterator[Connection]:
    """A transaction that holds the locks of *partitions* until it ends."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        hold(connection, partitions)
        yield connection


def hold(connection: Connection, partitions: Collection[Partition]) -> None:
    """Take the locks of *partitions*, until the transaction ends, in one order: none waits for who waits for it."""
    if connection.dialect.name == "postgresql":
        for number in sorted(_lock_number(each) for each in partitions):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({number})")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction in which every question sees the log as of one moment."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        yield connection


def shown(url: URL) -> str:
    """The URL without its password."""
    return url.render_as_string(hide_password=True)


def _lock_number(partition: Partition) -> int:
    digest = hashlib.blake2b("\0".join(("ratoon log", *partition)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _read(url: str) -> URL:
    expected = "sqlite:///path/to/log.db or postgresql://user@host/database"
    try:
        place = make_url(url)
    except ArgumentError:
        raise BadInput(f"the log's URL {url!r} cannot be read; expected {expected}. Nothing was changed.") from None
    if place.drivername in ("postgresql", "postgres"):
        place = place.set(drivername="postgresql+psycopg2")
    if place.drivername == "sqlite":
        place = place.set(drivername="sqlite+pysqlite")
    if place.drivername not in ("sqlite+pysqlite", "postgresql+psycopg2"):
        raise BadInput(
            f"the log's URL {shown(place)} is of kind {place.drivername!r}; expected {expected}. Nothing was changed."
        )
    if place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:"):
        raise BadInput(f"the log's URL {url!r} is a database in memory; expected {expected}. Nothing was changed.")
    return place


def _sqlite_settings(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below says BEGIN, not the driver
    cursor = connection.cursor()
    for setting in (f"busy_timeout = {_WAIT_MS}", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {setting}")
    _turn_on_wal(cursor)


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
        # A server or role that was set to be hasty: 200 means that it is on the disk.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        # A process that is suspended in the middle of a write must not keep all others from writing.
        cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    connection.commit()
