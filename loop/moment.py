"""Moments as the loop knows them: naive UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from ..spec.errors import BadInput

EARLIEST, LATEST = datetime(1678, 1, 1), datetime(2262, 1, 1)  # as far as pandas counts in nanoseconds


def wall_clock() -> datetime:
    """Now, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def as_utc(moment: datetime) -> datetime:
    """A plain naive datetime: naive times are read as UTC, aware ones are converted.

    Prefect hands out pendulum's datetimes, whose differences cannot be divided by a plain timedelta. Raises BadInput
    for a moment so far away that a window before or after it may be no date any more.
    """
    if not EARLIEST.year <= moment.year < LATEST.year:
        raise BadInput(
            f"the moment {moment.isoformat()} is beyond what can be looked at; expected one from {EARLIEST:%Y-%m-%d} "
            f"on and before {LATEST:%Y-%m-%d}. Nothing was changed."
        )
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond)
