"""Lengths as people write them: `7d`, `36h`, `15m`, or a number of rows: `500 rows`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PATTERN = re.compile(r"^\s*(\d{1,300}(?:\.\d{1,300})?)\s*([smhdw])\s*$", re.ASCII)
SHORTEST = timedelta(seconds=1)  # of what is divided by, or looked through step by step
LONGEST = timedelta(days=36_500)  # moments near it are still dates
MOST_ROWS = 1_000_000_000
_ROWS = re.compile(r"^\s*(\d{1,30})\s*rows?\s*$", re.ASCII)


def parse_duration(value: object) -> timedelta:
    """Read `7d`, `36h`, `15m`, `30s` or `2w`.

    Raises ValueError for anything else, zero and negative lengths included (except `0d`-like zeros,
    which mean "at once"), and for more than `LONGEST`.
    """
    if isinstance(value, timedelta):
        return _no_longer(value)
    match = _PATTERN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a length such as 15m, 36h, 7d or 2w")
    try:
        length = timedelta(**{_UNITS[match.group(2)]: float(match.group(1))})
    except OverflowError:
        length = timedelta.max
    return _no_longer(length)


def _no_longer(length: timedelta) -> timedelta:
    if length > LONGEST:
        raise ValueError(f"expected {LONGEST.days}d (a hundred years) or less")
    return length


def _some_time(value: timedelta | int) -> timedelta | int:
    if isinstance(value, timedelta) and value < SHORTEST:
        raise ValueError("expected a second or more, such as 1d")
    return value


def format_duration(value: timedelta) -> str:
    """The shortest exact writing: 604800 seconds is `7d`."""
    seconds = value.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def parse_extent(value: object) -> timedelta | int:
    """Read a window's extent: a length of time, or `500 rows` as the integer 500."""
    match = _ROWS.match(value) if isinstance(value, str) else None
    rows = int(match.group(1)) if match is not None else value
    if isinstance(rows, int) and not isinstance(rows, bool) and rows > 0:
        if rows > MOST_ROWS:
            raise ValueError(f"expected {MOST_ROWS:,} rows or fewer")
        return rows
    if not isinstance(value, timedelta) and not (isinstance(value, str) and _PATTERN.match(value)):
        raise ValueError("expected a length such as 7d, or a number of rows such as '500 rows'")
    return parse_duration(value)


def format_extent(value: timedelta | int) -> str:
    return f"{value} rows" if isinstance(value, int) else format_duration(value)


_LENGTH_SCHEMA = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhdw]\s*$", "examples": ["7d", "36h", "15m"]}

Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(_LENGTH_SCHEMA),
]
Extent = Annotated[
    timedelta | int,
    BeforeValidator(parse_extent),
    PlainSerializer(format_extent, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*[smhdw]|\d+\s*rows?)\s*$", "examples": ["7d", "500 rows"]}
    ),
]
Period = Annotated[Duration, AfterValidator(_some_time)]  # of a second at least: a step, a limit, a stretch of rows
Stretch = Annotated[Extent, AfterValidator(_some_time)]  # the same, or a number of rows
