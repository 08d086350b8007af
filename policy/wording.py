"""Numbers, lengths and moments as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def length(value: timedelta) -> str:
    """A measured length: `2d 3h`, `5h 20m`, `40s`."""
    if value < timedelta(0):
        return f"-{length(-value)}"
    seconds = int(value.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        parts.append((amount, unit))
    first = next((i for i, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount}{unit}" for amount, unit in parts[first : first + 2] if amount) or "0s"


def moment(value: datetime) -> str:
    """A moment to the minute, in UTC as everywhere."""
    return f"{value:%Y-%m-%d %H:%M}"
