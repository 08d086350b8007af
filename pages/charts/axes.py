"""Where things stand on a chart: places are percent of its width and height, so that it fits any screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Tick = tuple[float, str]  # its place, and what stands there

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

    def ticks(self) -> list[Tick]:
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
    """An axis of values from *low* to *high*; up is more, or less if it is *turned*."""

    low: float
    high: float
    whole: bool = False  # ticks at whole numbers only
    turned: bool = False

    @classmethod
    def around(cls, values: Sequence[float], *, zero: bool = False, whole: bool = False, turned: bool = False) -> Level:
        """One that holds all *values* with some room, and 0 if asked."""
        low, high = min([*values, *([0.0] if zero else [])], default=0.0), max(values, default=1.0)
        room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
        return cls(low if zero and low == 0 else low - room, high + room, whole, turned)

    def place(self, value: float) -> float:
        """Percent from the top."""
        down = value - self.low if self.turned else self.high - value
        return round(100 * down / (self.high - self.low), 3)

    def ticks(self, most: int = 5) -> list[Tick]:
        """About *most* round values, or fewer, with their place."""
        rough = (self.high - self.low) / most
        power = 10 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
        step = max(1.0, step) if self.whole else step
        digits = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(self.place(n * step), f"{n * step:,.{digits}f}") for n in range(first, last + 1)]


@dataclass(frozen=True)
class Costs:
    """A logarithmic axis of costs from *low* to *high*, with a place at its left for what cost nothing, if any did."""

    low: float
    high: float
    nothing: bool = False
    any_cost: bool = True

    @classmethod
    def around(cls, values: Sequence[float]) -> Costs:
        """One that holds all *values*, which are finite; those not above 0 cost nothing."""
        paid = [value for value in values if value > 0]
        nothing = len(paid) < len(values) or not paid
        return cls(min(paid, default=0.1), max(paid, default=0.1), nothing, bool(paid))

    @property
    def cut(self) -> float | None:
        """Percent from the left at which the axis breaks off between nothing and something; None if it does not."""
        return self._at(self._zero * 1.7) if self.nothing and self.any_cost else None

    def place(self, value: float) -> float:
        """Percent from the left."""
        return self._at(value if value > 0 else self._zero)

    def ticks(self) -> list[Tick]:
        """1, 2, 5 in each power of ten over a short stretch; 1 alone over a long one."""
        found = [(self.place(0.0), "0")] if self.nothing else []
        if not self.any_cost:
            return found
        steps = (1, 2, 5) if math.log10(self.high / self.low) < 2.5 else (1,)
        powers = range(math.floor(math.log10(self.low)) - 1, math.ceil(math.log10(self.high)) + 1)
        rounds = [float(f"{step}e{power}") for power in powers for step in steps]
        room = (self.low * 0.7, self.high * 1.7)
        return found + [(self._at(each), f"{each:,.10g}") for each in rounds if room[0] <= each <= room[1]]

    @property
    def _zero(self) -> float:
        return self.low / 3

    def _at(self, value: float) -> float:
        low = math.log10(self._zero if self.nothing else self.low) - 0.25
        high = math.log10(self.high if self.any_cost else self._zero) + 0.25
        return round(100 * (math.log10(value) - low) / (high - low), 3)
