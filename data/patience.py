"""A database server that goes away in the middle of a read is asked again; one that stays away is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..spec.errors import Unavailable

T = TypeVar("T")

PAUSES = (0.5, 2.0, 4.0, 8.0)  # seconds: a PostgreSQL that is restarted answers again within some of them
_STARTS_OR_STOPS = ("57P01", "57P02", "57P03")  # admin_shutdown, crash_shutdown, cannot_connect_now


def patiently(work: Callable[[], T], again: Callable[[], None], where: str) -> T:
    """What *work* returns; *again* connects anew where the connection was lost, and *work* is done from its start.

    Raises Unavailable, which names *where*, when the server stays away; what *work* raises otherwise goes through.
    """
    for pause in (*PAUSES, None):
        try:
            return work()
        except Exception as error:
            if not is_away(error):
                raise
            if pause is None:
                said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
                raise Unavailable(
                    f"{where} does not answer any more: {said}. Nothing was changed; look after the server and start "
                    "this again"
                ) from error
            time.sleep(pause)
            try:
                again()
            except Exception as failed:
                if not is_away(failed):
                    raise
    raise AssertionError  # the last try returns or raises


def is_away(error: Exception) -> bool:
    """Whether psycopg lost its connection or could not make one, rather than a query that the server refused."""
    import psycopg

    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = error.sqlstate
    return state is None or state in _STARTS_OR_STOPS or state.startswith("08")
