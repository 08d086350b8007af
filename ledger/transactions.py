"""One transaction of the ledger's, tried again where the database went away in the middle of it.

A transaction is whole or nothing, and every write of the ledger's may be repeated: what was committed although the
answer got lost is found by the second try, which changes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ..spec import waiting
from ..spec.waiting import patiently
from ..system.databases import STORE_ERRORS, is_away, unavailable
from .engine import LEDGER, writing
from .remembered import Remembered

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R", bound="Repository")


class Repository:
    """One kind of entry of an open ledger. Each of its methods is one transaction, whose session it is handed."""

    def __init__(self, engine: Engine, remembered: Remembered) -> None:
        self._engine = engine
        self._remembered = remembered

    def __call__(self, *args: object, **kwargs: object) -> object:
        """As the method of the ledger that had this repository's name in 0.1; it goes with 0.3."""
        name = "find" if type(self).__name__ == "Files" else "of"
        what = f"{type(self).__name__}.{name}"
        warnings.warn(f"{what} lists what this method did; it goes with 0.3", DeprecationWarning, stacklevel=2)
        method: Callable[..., object] = getattr(self, name)
        return method(*args, **kwargs)


def reads(method: Callable[Concatenate[R, Session, P], T]) -> Callable[Concatenate[R, P], T]:
    """Run the method in a transaction that only reads."""

    @wraps(method)
    def once(repository: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return transact(repository._engine, lambda session: method(repository, session, *args, **kwargs), writes=False)

    return once


def writes(method: Callable[Concatenate[R, Session, P], T]) -> Callable[Concatenate[R, P], T]:
    """Run the method in a transaction that holds the ledger's one write lock."""

    @wraps(method)
    def once(repository: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return transact(repository._engine, lambda session: method(repository, session, *args, **kwargs), writes=True)

    return once


def transact(engine: Engine, work: Callable[[Session], T], *, writes: bool) -> T:
    """What *work* returns, done in one transaction; with *writes* it holds the ledger's one write lock.

    Raises Unavailable where the database stays away, or cannot write; then nothing was written.
    """
    try:  # between two tries the other connections are let go: they are as dead
        return patiently(lambda: _once(engine, work, writes), lost=is_away, again=engine.dispose, pauses=waiting.PAUSES)
    except waiting.StayedAway as error:
        raise unavailable(engine, LEDGER, error.__cause__) from error
    except DatabaseError as error:  # itself: what SQLite raises of a torn file; a statement's faults are its subclasses
        if not isinstance(error, STORE_ERRORS) and type(error) is not DatabaseError:
            raise
        raise unavailable(engine, LEDGER, error) from error


def _once(engine: Engine, work: Callable[[Session], T], writes: bool) -> T:
    if not writes:
        with Session(engine) as session:
            return work(session)
    with writing(engine) as connection, Session(connection) as session:
        found = work(session)
        session.flush()
        return found
