"""Where things stand on a chart: places are percent of its width and height, so that it fits any screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_TICKS = 6
_STEPS = [timedelta(hours=h) for h in (1, 3, 6, 12)] + [timedelta(days=d) for d in (1, 2, 7, 14, 30, 91, 182, 365)]


@dataclass(frozen=True)
class Time:
    """The axis all charts share."""

    start: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """Percent from the left, held within the chart."""
        return round(min(100.0, max(0.0, 100 * ((at - self.start) / (self.end - self.start)))), 3)

    def ticks(self) -> list[tuple[float, str]]:
        """Some round moments with their place."""
        length = self.end - self.start
        years = _STEPS[-1] * math.ceil(length / _STEPS[-1] / _TICKS)
        step = next((each for each in _STEPS if length / each <= _TICKS), years)
        first = datetime(self.start.year, 1, 1)
        at, found = first + step * math.ceil((self.start - first) / step), []
        while at <= self.end:
            found.append((self.place(at), f"{at:%Y-%m-%d}" if step >= timedelta(days=1) else f"{at:%m-%d %H:%M}"))
            at += step
        return found


@dataclass(frozen=True)
class Level:
    """An axis of values from *low* to *high*; up is more."""

    low: float
    high: float
    whole: bool = False  # ticks at whole numbers only

    @classmethod
    def around(cls, values: Sequence[float], *, zero: bool = False, whole: bool = False) -> Level:
        """One that holds all *values* with some room, and 0 where asked."""
        low, high = min([*values, *([0.0] if zero else [])], default=0.0), max(values, default=1.0)
        room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
        return cls(low if zero and low == 0 else low - room, high + room, whole)

    def place(self, value: float) -> float:
        """Percent from the top."""
        return round(100 * (self.high - value) / (self.high - self.low), 3)

    def ticks(self) -> list[tuple[float, str]]:
        """Some round values with their place."""
        rough = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
        step = max(1.0, step) if self.whole else step
        digits = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(self.place(n * step), f"{n * step:,.{digits}f}") for n in range(first, last + 1)]
