"""The database behind the log: SQLite embedded, or PostgreSQL by URL; one writer at a time for each partition.

A commit is on the disk when it returns (SQLite: synchronous FULL; PostgreSQL: synchronous_commit). A write
transaction takes its locks before it reads: in SQLite the file's (BEGIN IMMEDIATE), in PostgreSQL an advisory lock
for each partition that it writes to.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from ..spec.errors import BadInput
from ..system import databases
from ..system.databases import Store

LOG = Store("log", "nothing is written twice")
Partition = tuple[str, str]  # model, partition
WHOLE_LOG: Partition = ("", "")  # the lock of who makes the tables


def all_of(model: str) -> Partition:
    """The lock of who makes a partition of *model*, or sets all of its clocks; it is taken before any other."""
    return model, "\0"


def connect(url: str) -> Engine:
    """An engine for *url*; the folder and the file of a SQLite log are made, for their owner only.

    Raises BadInput for what cannot be a log.
    """
    place = databases.read_url(url, LOG)
    if databases.in_memory(place):
        raise BadInput(
            f"the log's URL {url!r} is a database in memory, which ends with its process; expected "
            "sqlite:///path/to/log.db or postgresql://user@host/database. Nothing was changed."
        )
    if place.get_backend_name() == "sqlite":
        engine = databases.file_engine(place, LOG)
        event.listen(engine, "connect", _sqlite_settings)
    else:
        engine = databases.server_engine(place, LOG)
        event.listen(engine, "connect", _postgres_settings)
    return engine


@contextmanager
def writing(engine: Engine, partitions: Collection[Partition]) -> Iterator[Connection]:
    """A transaction that holds the locks of *partitions* until it ends."""
    with engine.execution_options(**{databases.WRITES: True}).begin() as connection:
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


def _lock_number(partition: Partition) -> int:
    digest = hashlib.blake2b("\0".join(("ratoon log", *partition)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _sqlite_settings(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    databases.turn_on_wal(databases.sqlite_settings(connection, "FULL"))


def _postgres_settings(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    databases.postgres_settings(connection, record)
    with closing(connection.cursor()) as cursor:
        # For a server or a role that was set to be hasty: an answer means that it is on the disk.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
    connection.commit()
