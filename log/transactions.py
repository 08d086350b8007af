"""One transaction of the log's, tried again if the database went away in the middle of it.

A transaction is whole or nothing, and every write may be repeated: what was committed although the answer got lost is
found by the second try, which writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from ..spec import waiting
from ..spec.waiting import patiently
from ..system.databases import STORE_ERRORS, is_away, unavailable
from .engine import LOG, Partition, reading, writing

T = TypeVar("T")


def write(engine: Engine, partitions: Collection[Partition], work: Callable[[Connection], T]) -> T:
    """What *work* returns, done in one transaction that holds the locks of *partitions*; durable when it returns.

    Raises Unavailable if the database stays away or cannot write; then nothing was written, or all of it just before
    the connection broke.
    """

    def once() -> T:
        with writing(engine, partitions) as connection:
            return work(connection)

    return _transact(engine, once)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What *work* returns, which sees the log as of one moment. Raises Unavailable if the database stays away."""

    def once() -> T:
        with reading(engine) as connection:
            return work(connection)

    return _transact(engine, once)


def _transact(engine: Engine, once: Callable[[], T]) -> T:
    try:  # between two tries the other connections are let go: they are as dead
        return patiently(once, lost=is_away, again=engine.dispose, pauses=waiting.PAUSES)
    except waiting.StayedAway as error:
        raise unavailable(engine, LOG, error.__cause__) from error
    except DatabaseError as error:  # itself: what SQLite raises of a torn file; a statement's faults are its subclasses
        if not isinstance(error, STORE_ERRORS) and type(error) is not DatabaseError:
            raise
        raise unavailable(engine, LOG, error) from error
