"""One transaction of the ledger's, tried again where the database went away in the middle of it.

A transaction is whole or nothing, and every write of the ledger's may be repeated: what was committed although the
answer got lost is found by the second try, which changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from ..spec.errors import Unavailable
from .engine import shown, writing

T = TypeVar("T")

PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0)  # seconds: a PostgreSQL that is restarted answers again within some of them
# admin_shutdown, crash_shutdown, cannot_connect_now; idle_in_transaction_session_timeout, of a process that slept
_ENDED = ("57P01", "57P02", "57P03", "25P03")
OPENING = (0.5, 1.5, 3.0)  # shorter: a port that was mistyped is as silent
# What a server that is there answers to who connects; the driver gives no code for it.
_REFUSALS = ("authentication failed", "does not exist", "no password", "translate host", "no pg_hba", "not permitted")
_CONNECTION = "08"  # the class of connection exceptions
_FULL = ("53100", "53200")  # disk_full, out_of_memory


def awaited(engine: Engine) -> None:
    """Wait some seconds for a server that is not there yet, or starts; raises Unavailable where it stays away.

    What else keeps a database from being opened is left for who opens it.
    """
    if engine.dialect.name != "postgresql":
        return
    for pause in (*OPENING, None):
        try:
            with engine.connect():
                return
        except DBAPIError as error:
            if not _away(error):
                return
            if pause is None:
                raise Unavailable(_said(engine, error)) from error
            time.sleep(pause)


def transact(engine: Engine, work: Callable[[Session], T], *, writes: bool) -> T:
    """What *work* returns, done in one transaction; with *writes* it holds the ledger's one write lock.

    Raises Unavailable where the database stays away, or cannot write; then nothing was written.
    """
    for pause in (*PAUSES, None):
        try:
            return _once(engine, work, writes)
        except (OperationalError, InterfaceError, InternalError) as error:
            if pause is None or not _away(error):
                raise Unavailable(_said(engine, error)) from error
            engine.dispose()  # its other connections are as dead
            time.sleep(pause)
    raise AssertionError  # the last try returns or raises


def _once(engine: Engine, work: Callable[[Session], T], writes: bool) -> T:
    if not writes:
        with Session(engine) as session:
            return work(session)
    with writing(engine) as connection, Session(connection) as session:
        found = work(session)
        session.flush()
        return found


def _away(error: DBAPIError) -> bool:
    """Whether the connection broke or could not be made, rather than a statement that the database refused."""
    if _is_sqlite(error):
        return False
    state = getattr(error.orig, "pgcode", None)
    if state is None:  # the driver's own words: refused, closed unexpectedly, timed out
        return not any(words in str(error.orig) for words in _REFUSALS)
    return error.connection_invalidated or state in _ENDED or str(state).startswith(_CONNECTION)


def _is_sqlite(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("sqlite3")


def _said(engine: Engine, error: DBAPIError) -> str:
    reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    full = getattr(error.orig, "pgcode", None) in _FULL or "full" in reason
    step = (
        "Make room where it lies and start this again"
        if full
        else "Look after the database and start this again: what was done before is kept"
    )
    return f"the ledger {shown(engine.url)} does not answer as it should: {reason}. Nothing was written. {step}."
