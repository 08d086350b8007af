"""The backtest's quality and days in harm as people read them."""

from __future__ import annotations

from ..paper.words import UNKNOWN, known, within
from .results import Quality


def days(value: float) -> str:
    """`3`; – where it is unknown."""
    return UNKNOWN if known(value) is None else f"{value:.0f}"


def interval(quality: Quality) -> str:
    """`0.754 (0.749 to 0.759)`, without the interval where there is none."""
    return within(quality.value, quality.low, quality.high)
