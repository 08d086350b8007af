"""Connections to the two kinds of database that a store of ours may be: SQLite by file, PostgreSQL by URL.

A store says how it is called and where its address stands, so that what goes wrong names both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from ..spec import waiting
from ..spec.errors import BadInput, Unavailable
from ..spec.private import private_folder
from ..spec.waiting import patiently

WAIT_MS = 30_000  # how long a writer waits for another before it gives up
IDLE_MS = 15_000  # how long a transaction may stand still on PostgreSQL before the server ends it
WRITES = "ratoon_writes"  # the execution option of a transaction that writes
STORE_ERRORS = (OperationalError, InterfaceError, InternalError)
_FULL = ("53100", "53200")  # disk_full, out_of_memory


@dataclass(frozen=True)
class Store:
    """What a database is for: *name*, such as `ledger`, which is its key below `stores` and part of its variable.

    *again* says why to start again once a database that went away is back; *unwritten*: that an error means that
    nothing was written.
    """

    name: str
    again: str
    unwritten: bool = False

    @property
    def where(self) -> str:
        """Where its address stands."""
        return f"stores.{self.name} in the spec, or $RATOON_{self.name.upper()}_URL"


def read_url(url: str, store: Store) -> URL:
    """*url* with its driver. Raises BadInput for what is neither SQLite nor PostgreSQL."""
    expected = f"sqlite:///path/to/{store.name}.db or postgresql://user@host/database"
    try:
        place = make_url(url)
    except ArgumentError:
        raise BadInput(
            f"the {store.name}'s URL {url!r} cannot be read; expected {expected}. Nothing was changed."
        ) from None
    if place.drivername in ("postgresql", "postgres"):
        place = place.set(drivername="postgresql+psycopg2")
    if place.drivername == "sqlite":
        place = place.set(drivername="sqlite+pysqlite")
    if place.drivername not in ("sqlite+pysqlite", "postgresql+psycopg2"):
        raise BadInput(
            f"the {store.name}'s URL {shown(place)} is of kind {place.drivername!r}; expected {expected}. "
            "Nothing was changed."
        )
    return place


def in_memory(place: URL) -> bool:
    """Whether the database ends with the engine that opened it."""
    return place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:")


def shown(url: URL) -> str:
    """The URL without its password."""
    return url.render_as_string(hide_password=True)


def file_engine(place: URL, store: Store) -> Engine:
    """An engine for a SQLite file, which is made for its owner only; its pragmas are the caller's to set.

    Raises BadInput if its folder cannot be made.
    """
    try:
        file = Path(str(place.database))
        private_folder(file.parent)
        if not file.exists():
            file.touch(mode=0o600)
    except OSError as error:
        raise BadInput(
            f"the {store.name}'s folder cannot be made for {shown(place)}: {error}. Nothing was changed. "
            f"Check {store.where}."
        ) from error
    engine = create_engine(place, connect_args={"timeout": WAIT_MS / 1000})
    event.listen(engine, "begin", sqlite_begin)
    return engine


def server_engine(place: URL, store: Store) -> Engine:
    """An engine for PostgreSQL; its settings are the caller's. Raises BadInput if the driver is not installed."""
    try:
        # READ COMMITTED, so that a writer that waited for the lock sees what the last holder wrote.
        return create_engine(place, pool_pre_ping=True, isolation_level="READ COMMITTED")
    except ImportError as error:
        raise BadInput(
            f"the {store.name} {shown(place)} needs a driver that is not installed ({error}); "
            "pip install 'ratoon[postgres]'. Nothing was changed."
        ) from None


def sqlite_begin(connection: Connection) -> None:
    """A transaction that writes takes SQLite's lock at its start."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_settings(connection: sqlite3.Connection, synchronous: str) -> sqlite3.Cursor:
    """Set up a new connection; *synchronous* is FULL for commits that survive a power cut."""
    connection.isolation_level = None  # `sqlite_begin` says BEGIN, not the driver
    cursor = connection.cursor()
    for setting in (f"busy_timeout = {WAIT_MS}", "foreign_keys = ON", f"synchronous = {synchronous}"):
        cursor.execute(f"PRAGMA {setting}")
    return cursor


def turn_on_wal(cursor: sqlite3.Cursor) -> None:
    """SQLite does not wait its busy_timeout for this one step, which processes opening a new file race for."""
    until = time.monotonic() + WAIT_MS / 1000
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def postgres_settings(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    """Set up a new session of PostgreSQL's."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"SET lock_timeout = {WAIT_MS}")
        # A process that is suspended in the middle of a write must not keep all others from writing.
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
    connection.commit()


@contextmanager
def opening(engine: Engine, store: Store) -> Iterator[None]:
    """Turn "cannot open" of any kind into BadInput with the place and the database's own reason."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise BadInput(
            f"the {store.name} {shown(engine.url)} cannot be opened: {reason}. Nothing was changed. "
            f"Check {store.where}."
        ) from error


def awaited(engine: Engine, store: Store) -> None:
    """Wait some seconds for a server that is not there yet, or starts; raises Unavailable if it stays away.

    What else keeps a database from being opened is left for who opens it.
    """
    if engine.dialect.name != "postgresql":
        return
    try:
        patiently(lambda: engine.connect().close(), lost=is_away, again=engine.dispose, pauses=waiting.OPENING)
    except waiting.StayedAway as error:
        raise unavailable(engine, store, error.__cause__) from error
    except DBAPIError:
        return


def is_away(error: Exception) -> bool:
    """Whether the connection broke or could not be made, rather than a statement that the database refused."""
    if not isinstance(error, STORE_ERRORS) or type(error.orig).__module__.startswith("sqlite3"):
        return False
    state = getattr(error.orig, "pgcode", None)
    return (state is not None and error.connection_invalidated) or waiting.is_lost(state, str(error.orig))


def unavailable(engine: Engine, store: Store, error: BaseException | None) -> Unavailable:
    """What is raised if a store does not answer or cannot be written."""
    found = getattr(error, "orig", None)
    reason = (str(found).strip().splitlines() or [type(found).__name__])[0]
    if getattr(found, "pgcode", None) in _FULL or "full" in reason:
        step = "Make room where it lies and start this again"
    elif "malformed" in reason or "not a database" in reason:
        step = "Its file is torn: restore it from a backup"
    else:
        step = f"Look after the database and start this again: {store.again}"
    left = "Nothing was written. " if store.unwritten else ""
    return Unavailable(f"the {store.name} {shown(engine.url)} does not answer as it should: {reason}. {left}{step}.")
