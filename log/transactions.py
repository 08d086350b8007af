"""One transaction of the log's, tried again if the database went away in the middle of it.

A transaction is whole or nothing, and every write may be repeated: what was committed although the answer got lost is
found by the second try, which writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError

from ..spec import waiting
from ..spec.errors import BadInput, Unavailable
from ..spec.waiting import patiently
from .engine import Partition, reading, shown, writing

T = TypeVar("T")

_STORE = (OperationalError, InterfaceError, InternalError)
_FULL = ("53100", "53200")  # disk_full, out_of_memory


def write(
    engine: Engine, partitions: Collection[Partition], work: Callable[[Connection], T], *, patient: bool = True
) -> T:
    """What *work* returns, done in one transaction that holds the locks of *partitions*; durable when it returns.

    Raises Unavailable if the database stays away (not *patient*: at the first try) or cannot write; then nothing was
    written, or all of it just before the connection broke.
    """

    def once() -> T:
        with writing(engine, partitions) as connection:
            return work(connection)

    return _transact(engine, once, patient)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What *work* returns, which sees the log as of one moment. Raises Unavailable if the database stays away."""

    def once() -> T:
        with reading(engine) as connection:
            return work(connection)

    return _transact(engine, once, patient=True)


def awaited(engine: Engine) -> None:
    """Wait some seconds for a server that is not there yet. Raises Unavailable if it stays away."""
    if engine.dialect.name != "postgresql":
        return
    try:
        patiently(lambda: engine.connect().close(), lost=_away, again=engine.dispose, pauses=waiting.OPENING)
    except waiting.StayedAway as error:
        raise Unavailable(_words(engine, error.__cause__)) from error
    except DBAPIError:
        return


@contextmanager
def opening(engine: Engine) -> Iterator[None]:
    """Turn "cannot open" of any kind into BadInput with the place and the database's own reason."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise BadInput(
            f"the log {shown(engine.url)} cannot be opened: {reason}. Nothing was changed. "
            "Check stores.log in the spec, or $RATOON_LOG_URL."
        ) from error


def _transact(engine: Engine, once: Callable[[], T], patient: bool) -> T:
    try:  # between two tries the other connections are let go: they are as dead
        return patiently(once, lost=_away, again=engine.dispose, pauses=waiting.PAUSES if patient else ())
    except waiting.StayedAway as error:
        raise Unavailable(_words(engine, error.__cause__)) from error
    except DatabaseError as error:  # itself: what SQLite raises of a torn file; a statement's faults are its subclasses
        if not isinstance(error, _STORE) and type(error) is not DatabaseError:
            raise
        raise Unavailable(_words(engine, error)) from error


def _away(error: Exception) -> bool:
    """Whether the connection broke or could not be made, rather than a statement that the database refused."""
    if not isinstance(error, _STORE) or type(error.orig).__module__.startswith("sqlite3"):
        return False
    state = getattr(error.orig, "pgcode", None)
    return (state is not None and error.connection_invalidated) or waiting.is_lost(state, str(error.orig))


def _words(engine: Engine, error: BaseException | None) -> str:
    found = getattr(error, "orig", None)
    reason = (str(found).strip().splitlines() or [type(found).__name__])[0]
    if getattr(found, "pgcode", None) in _FULL or "full" in reason:
        step = "Make room where it lies and send this again"
    elif "malformed" in reason or "not a database" in reason:
        step = "Its file is torn: restore it from a backup"
    else:
        step = "Look after the database and send this again: nothing is written twice"
    return f"the log {shown(engine.url)} does not answer as it should: {reason}. {step}."
