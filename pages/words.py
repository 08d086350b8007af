"""Figures on our pages as people read them; what is not known is a dash."""

from __future__ import annotations

import math

UNKNOWN = "–"


def known(value: float | None) -> float | None:
    """*value*, or None where it is no finite number: JSON knows no NaN."""
    return value if value is not None and math.isfinite(value) else None


def metric(value: float | None) -> str:
    """Four significant digits, also where the last is 0, so that figures in a column compare."""
    if known(value) is None:
        return UNKNOWN
    value = float(value or 0)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"


def within(value: float | None, low: float | None, high: float | None) -> str:
    """`0.754 (0.749 to 0.759)`, without the interval where there is none."""
    if known(low) is None or known(high) is None:
        return metric(value)
    return f"{metric(value)} ({metric(low)} to {metric(high)})"


def rounded(value: float | None) -> str:
    """Seconds, days and money: more digits the smaller they are, and never an exponent."""
    if known(value) is None:
        return UNKNOWN
    value = float(value or 0)
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}"


def plural(count: int, word: str) -> str:
    """`1 training`, `2 trainings`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
