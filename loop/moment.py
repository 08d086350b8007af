"""Moments as the loop knows them: naive UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Now, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def as_utc(moment: datetime) -> datetime:
    """A plain naive datetime: naive times are read as UTC, aware ones are converted.

    Prefect hands out pendulum's datetimes, whose differences cannot be divided by a plain timedelta.
    """
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond)
