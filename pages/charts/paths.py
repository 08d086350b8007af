"""Lines and bands over time as the paths of an SVG, in thousandths of the chart's width and height."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from .axes import Level, Time

Point = tuple[datetime, float | None]


def line(time: Time, level: Level, series: Sequence[Point]) -> str:
    """The line through the points; it breaks where a value is missing."""
    place, parts = _place(time, level), []
    for (_, before), (at, value) in pairwise([(time.start, None), *series]):
        if value is not None:
            parts.append(("M" if before is None else "L") + place(at, value))
    return "".join(parts)


def band(time: Time, level: Level, low: Sequence[Point], high: Sequence[Point]) -> str:
    """The area between *low* and *high*, in as many pieces as there are gaps."""
    place, parts, run = _place(time, level), [], list[tuple[datetime, float, float]]()
    for (at, least), (_, most) in [*zip(low, high, strict=True), ((time.end, None), (time.end, None))]:
        if least is not None and most is not None:
            run.append((at, least, most))
        elif run:
            around = [place(when, up) for when, _, up in run] + [place(when, down) for when, down, _ in reversed(run)]
            parts.append("M" + "L".join(around) + "Z")
            run = []
    return "".join(parts)


def _place(time: Time, level: Level) -> Callable[[datetime, float], str]:
    return lambda at, value: f"{10 * time.place(at):.5g} {10 * level.place(value):.5g}"
