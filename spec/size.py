"""Sizes of memory as people write them: `512MB`, `2GB`; 1GB is 1024MB."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
MOST = 2**50
_PATTERN = re.compile(r"^\s*(\d{1,30}(?:\.\d{1,30})?)\s*([KMGT]B)\s*$", re.IGNORECASE)


def parse_size(value: object) -> int:
    """Read `512MB` or `2GB` as bytes; a plain positive integer is bytes already.

    Raises ValueError for anything else.
    """
    match = _PATTERN.match(value) if isinstance(value, str) else None
    size = int(float(match.group(1)) * _UNITS[match.group(2).upper()]) if match else value
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        raise ValueError("expected a size such as 512MB or 2GB")
    if size > MOST:
        raise ValueError("expected 1024TB or less")
    return size


def format_size(value: int) -> str:
    """The largest unit that says it in at most one decimal: 2147483648 is `2 GB`."""
    for unit in ("TB", "GB", "MB", "KB"):
        if value >= _UNITS[unit]:
            return f"{round(value / _UNITS[unit], 1):g} {unit}"
    return f"{value} bytes"


def _exact(value: int) -> bool:
    return parse_size(format_size(value)) == value


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(lambda value: format_size(value).replace(" ", "") if _exact(value) else value),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[KMGT]B\s*$", "examples": ["512MB", "2GB"]}),
]
