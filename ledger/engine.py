"""The database behind the ledger: SQLite by default, PostgreSQL by URL; one writer at a time in both.

A write transaction takes its lock at the start (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock held
until the end of the transaction), so that read-then-write steps such as a claim are atomic.
A rehearsal may ask for less: a ledger in memory, or a file that a power cut may break (`durable=False`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from ..system import databases
from ..system.databases import Store

LEDGER = Store("ledger", "what was done before is kept", unwritten=True)
_LOCK = 0x5261746F6F6E  # "Ratoon": the advisory lock's number


def connect(url: str, *, durable: bool = True) -> Engine:
    """An engine for *url*; folders of a SQLite file are made. Raises BadInput for what cannot be a ledger.

    Without *durable* a commit does not wait for the disk: for a rehearsal, which is run again after a crash.
    """
    place = databases.read_url(url, LEDGER)
    if databases.in_memory(place):
        return _connect_memory(place)
    if place.get_backend_name() == "sqlite":
        engine = databases.file_engine(place, LEDGER)
        event.listen(engine, "connect", _sqlite_settings if durable else _sqlite_hasty)
        return engine
    engine = databases.server_engine(place, LEDGER)
    event.listen(engine, "connect", databases.postgres_settings if durable else _postgres_hasty)
    event.listen(engine, "begin", _postgres_begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the ledger's one write lock until it ends."""
    with engine.execution_options(**{databases.WRITES: True}).begin() as connection:
        yield connection


def _connect_memory(place: URL) -> Engine:
    # One connection is the database. A queue of one lends it to one thread at a time, where StaticPool would
    # mix the transactions of two.
    engine = create_engine(
        place,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=databases.WAIT_MS / 1000,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _sqlite_memory)
    event.listen(engine, "begin", databases.sqlite_begin)
    return engine


def _sqlite_settings(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    databases.turn_on_wal(databases.sqlite_settings(connection, "FULL"))


def _sqlite_hasty(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    databases.turn_on_wal(databases.sqlite_settings(connection, "OFF"))


def _sqlite_memory(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    databases.sqlite_settings(connection, "OFF")


def _postgres_hasty(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    databases.postgres_settings(connection, record)
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET synchronous_commit = off")
    connection.commit()


def _postgres_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(databases.WRITES):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
