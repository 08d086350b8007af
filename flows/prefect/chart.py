"""A small line chart as an image inside Markdown: Prefect's pages show `data:image/…` and nothing else drawn.

Prefect's own image artifact wants an address that the reader's browser can reach; a file of ours has none.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from ...pages.charts.axes import Level
from ...pages.charts.picture import Picture
from ...pages.words import within

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 200, 56, 16, 34, 26


@dataclass(frozen=True)
class Point:
    """One window: *when* as shown, its value with the ends of its interval, None where it was not measured."""

    when: str
    value: float | None
    low: float | None = None
    high: float | None = None


def chart(title: str, points: Sequence[Point], *, limit: float | None, limit_name: str) -> str:
    """Markdown of one image: values from left to right, their intervals, and the limit as a dashed line.

    Empty where fewer than two windows were measured: a dot tells nothing.
    """
    if sum(point.value is not None for point in points) < 2:
        return ""
    svg = _drawn(title, points, limit, limit_name).svg()
    return f"![{title}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _drawn(title: str, points: Sequence[Point], limit: float | None, limit_name: str) -> Picture:
    known = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    level = Level.around([*known, *([limit] if limit is not None else [])])
    picture = Picture(title, WIDTH, HEIGHT)

    def x(index: int) -> float:
        return LEFT + index * (WIDTH - LEFT - RIGHT) / max(len(points) - 1, 1)

    def down(place: float) -> float:
        return TOP + place / 100 * (HEIGHT - TOP - BOTTOM)

    for place, text in level.ticks():
        picture.line([(LEFT, down(place)), (WIDTH - RIGHT, down(place))], "rule", width=1)
        picture.text((LEFT - 6, down(place) + 4), text, anchor="end", colour="quiet")
    picture.text((LEFT, HEIGHT - 8), points[0].when, colour="quiet")
    picture.text((WIDTH - RIGHT, HEIGHT - 8), points[-1].when, anchor="end", colour="quiet")
    for index, p in enumerate(points):
        if p.low is not None and p.high is not None:
            picture.interval((x(index), down(level.place(p.low))), (x(index), down(level.place(p.high))), "blue")
    if limit is not None:
        at = down(level.place(limit))
        picture.line([(LEFT, at), (WIDTH - RIGHT, at)], "vermillion", dashed=True)
        picture.text((WIDTH - RIGHT, 22), f"- - {limit_name} {limit:.3g}", anchor="end", colour="vermillion")
    shown = [(x(index), down(level.place(p.value)), p) for index, p in enumerate(points) if p.value is not None]
    picture.line([(across, high) for across, high, _ in shown], "blue")
    for across, high, p in shown:
        picture.symbol((across, high), "circle", "blue", scale=0.9, tells=f"{p.when}: {within(p.value, p.low, p.high)}")
    return picture
