"""What a chart of a page consists of, as plain values; `charts.html.jinja` draws them, and escapes every text.

Places are percent of the chart's width and height. Colours are names of `page.css`, so that they follow light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .axes import Tick
from .marks import Mark

Dash = Literal["solid", "dash", "dot", "longdash", "dashdot"]
DASHES: dict[Dash, str] = {
    "solid": "none", "dash": "5 4", "dot": "2 3", "longdash": "11 4", "dashdot": "7 3 2 3",
}  # fmt: skip
_DENSE = 120  # points of a series from which on they are drawn small


@dataclass(frozen=True)
class Dot:
    """A small point of a line; *text* is shown to who points at it, its first line as a title."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Sign:
    """A mark that tells more, as a Dot; *low* and *high* are the ends of an interval, *name* stands beside it."""

    x: float
    y: float
    mark: Mark
    text: str
    scale: float = 1.0
    low: float | None = None
    high: float | None = None
    name: str = ""


@dataclass(frozen=True)
class Series:
    """A line with its points, in one colour; *path* is in thousandths of the chart. One not *shown* can be ticked."""

    name: str
    colour: str
    path: str = ""
    dash: Dash = "solid"
    width: float = 2.0
    dots: Sequence[Dot] = ()
    signs: Sequence[Sign] = ()
    shown: bool = True

    @property
    def dashes(self) -> str:
        """As SVG's `stroke-dasharray`."""
        return DASHES[self.dash]


@dataclass(frozen=True)
class Chart:
    """Series are drawn in their order, the last above all. *up* and *across* are the ticks of the two axes.

    *below* names the lower axis, *cut* is where it breaks off; *shades* are spans of it, as their start and width.
    *band* is the area of an interval; *empty* says in words why there is nothing to draw.
    """

    title: str
    about: str
    up: Sequence[Tick]
    across: Sequence[Tick]
    series: Sequence[Series]
    band: str = ""
    shades: Sequence[tuple[float, float]] = ()
    cut: float | None = None
    below: str = ""
    empty: str = ""

    @property
    def dense(self) -> bool:
        """Whether there are so many points in a series that they must be small."""
        return any(max(len(each.dots), len(each.signs)) > _DENSE for each in self.series)
