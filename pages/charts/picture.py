"""A picture that stands alone: an SVG with a white ground of its own, since what is behind it may be dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

from .colours import LIGHT
from .marks import SHAPES

Place = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


@dataclass
class Picture:
    """*width* by *height* units; *title* is read out, and shown at the top. Colours are names of `colours.LIGHT`.

    Every text is escaped. Draw from back to front, then take `svg()`.
    """

    title: str
    width: int
    height: int
    _parts: list[Markup] = field(default_factory=list)

    def text(self, at: Place, text: str, *, anchor: Anchor = "start", colour: str = "ink", size: int = 12) -> None:
        """One line of text, its foot at *at*."""
        form = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" fill="{}" font-size="{}">{}</text>')
        self._parts.append(form.format(*at, anchor, LIGHT[colour], size, text))

    def line(self, places: Sequence[Place], colour: str, *, width: float = 2, dashed: bool = False) -> None:
        """A line through *places*."""
        dashes = Markup(' stroke-dasharray="5 4"') if dashed else ""
        form = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="{}"{}/>')
        self._parts.append(form.format(" ".join(f"{x:.1f},{y:.1f}" for x, y in places), LIGHT[colour], width, dashes))

    def interval(self, one: Place, other: Place, colour: str) -> None:
        """A bar between the ends of an interval, behind its value."""
        form = Markup(
            '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="6" opacity="0.35"/>'
        )
        self._parts.append(form.format(*one, *other, LIGHT[colour]))

    def symbol(self, at: Place, shape: str, colour: str, *, scale: float = 0.7, tells: str = "") -> None:
        """One of the marks' shapes around *at*; *tells* is shown to who points at it."""
        form = Markup('<g transform="translate({:.1f} {:.1f}) scale({})" fill="{}">{}{}</g>')
        title = Markup("<title>{}</title>").format(tells) if tells else ""
        self._parts.append(form.format(*at, scale, LIGHT[colour], title, Markup(SHAPES[shape])))  # noqa: S704  a constant

    def svg(self) -> str:
        """The whole picture."""
        form = Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
            'font-family="sans-serif"><title>{2}</title><rect width="{0}" height="{1}" rx="6" fill="{3}"/>'
            '<text x="16" y="22" font-size="14" font-weight="600" fill="{4}">{2}</text>{5}</svg>'
        )
        drawn = Markup("").join(self._parts)
        return str(form.format(self.width, self.height, self.title, LIGHT["back"], LIGHT["ink"], drawn))
