"""Waiting that ends: for a database server that went away or is not there yet.

What is said if it was in vain is the caller's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0)  # seconds: a PostgreSQL that is restarted answers again within some of them
OPENING = (0.5, 1.5, 3.0)  # shorter: a port that was mistyped is as silent
# admin_shutdown, crash_shutdown, cannot_connect_now; idle_in_transaction_session_timeout, of a process that slept
_ENDED = ("57P01", "57P02", "57P03", "25P03")
_CONNECTION = "08"  # the class of connection exceptions
# What a server that is there answers to who connects; the drivers give no code for it.
_REFUSALS = ("authentication failed", "does not exist", "no password", "translate host", "no pg_hba", "not permitted")


class StayedAway(Exception):
    """The server did not answer at any try; the cause is what its driver raised at the last one."""


def patiently(
    work: Callable[[], T], *, lost: Callable[[Exception], bool], again: Callable[[], None], pauses: tuple[float, ...]
) -> T:
    """What *work* returns; where it raises an error that *lost* takes for a lost connection it is done anew, *again*
    having been called before, after each of the *pauses* (in seconds).

    Raises StayedAway after the last of them; any other error goes through at once.
    """
    for pause in (*pauses, None):
        try:
            return work()
        except Exception as error:
            if not lost(error):
                raise
            if pause is None:
                raise StayedAway from error
            time.sleep(pause)
            try:
                again()
            except Exception as failed:
                if not lost(failed):
                    raise
    raise AssertionError("the last try returns or raises")


def is_lost(state: str | None, words: str) -> bool:
    """Whether PostgreSQL's driver lost its connection or could not make one, rather than that the server refused.

    *state* is the driver's SQLSTATE, None where it has none; *words* what it said.
    """
    if state is None:  # the driver's own words: refused, closed unexpectedly, timed out
        return not any(each in words for each in _REFUSALS)
    return state in _ENDED or state.startswith(_CONNECTION)


def until(done: Callable[[], bool], *, seconds: float, every: float = 0.1) -> bool:
    """Ask *done* now, and every so many seconds, until it is true; False if it is not after *seconds*."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(every)
    return True
