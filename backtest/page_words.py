"""The backtest's quality as people read it."""

from __future__ import annotations

import math

from ..paper.words import within
from .results import Quality


def days(value: float) -> str:
    """`3`; – where it is unknown."""
    return "–" if math.isnan(value) else f"{value:.0f}"


def interval(quality: Quality) -> str:
    """`0.754 (0.749 to 0.759)`, without the interval where there is none."""
    return within(quality.value, quality.low, quality.high)
