"""How each kind of decision is marked on our pages: a shape and a colour, so that neither is needed alone."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Mark:
    """*symbol* is one of `SHAPES`, `-open` after it if only its outline is drawn.

    *colour* is any of CSS. Those of `MARKS` are of Okabe and Ito's palette, and readable on light and dark.
    """

    text: str
    symbol: str
    colour: str
    size: int = 12
    opacity: float = 1.0

    @property
    def shape(self) -> str:
        """The symbol without whether it is open."""
        return self.symbol.removesuffix("-open")

    @property
    def open(self) -> bool:
        return self.symbol.endswith("-open")


MARKS: dict[str, Mark] = {
    "hold": Mark("hold", "circle", "#8a8f98", size=5, opacity=0.6),
    "alert": Mark("alert", "square", "#CC79A7", size=10),
    "broken": Mark("alert, broken data", "x", "#D55E00"),
    "warm": Mark("warm_start, registered", "triangle-up", "#009E73", size=14),
    "warm_not": Mark("warm_start, no new version", "triangle-up-open", "#009E73", size=13),
    "full": Mark("full_retrain, registered", "star", "#E69F00", size=16),
    "full_not": Mark("full_retrain, no new version", "star-open", "#E69F00", size=15),
    "back": Mark("roll_back", "triangle-down", "#56B4E9", size=14),
}

_RUNS = {"warm_start": "warm", "full_retrain": "full"}
SHAPES = {
    "circle": '<circle r="3.5"/>',
    "disc": '<circle r="7.5"/>',
    "square": '<rect x="-6" y="-6" width="12" height="12"/>',
    "x": '<path d="M-8-5-5-8 0-3 5-8 8-5 3 0 8 5 5 8 0 3-5 8-8 5-3 0z"/>',
    "diamond": '<path d="M0-9 8 0 0 9-8 0z"/>',
    "hexagon": '<path d="M-4-7H4L8 0 4 7H-4L-8 0z"/>',
    "cross": '<path d="M-2.7-8H2.7V-2.7H8V2.7H2.7V8H-2.7V2.7H-8V-2.7H-2.7z"/>',
    "triangle-up": '<path d="M0-8 8 6-8 6z"/>',
    "triangle-down": '<path d="M0 8 8-6-8-6z"/>',
    "star": '<path d="M0-9 2.2-3 8.6-2.8 3.5 1.1 5.3 7.3 0 3.7-5.3 7.3-3.5 1.1-8.6-2.8-2.2-3z"/>',
}


def mark_name(action: str, verdict: str | None, outcome: str | None) -> str:
    """The name of the mark of a decision and of what its training came to, if it had one."""
    if action in _RUNS:
        return _RUNS[action] + ("" if outcome == "registered" else "_not")
    if action == "alert" and verdict == "broken_data":
        return "broken"
    return {"alert": "alert", "roll_back": "back"}.get(action, "hold")


def shape(mark: Mark, scale: float = 1.0) -> Markup:
    """The mark around (0, 0) as a group of SVG, about 16 units wide times *scale*."""
    form = '<g{} style="fill: none; stroke: {}; stroke-width: 2.5"{}>' if mark.open else '<g{} style="fill: {}"{}>'
    scaled = "" if scale == 1 else Markup(' transform="scale({})"').format(scale)
    filled = "" if mark.open else Markup(' class="filled"')
    opened = Markup(form).format(filled, mark.colour, scaled)  # noqa: S704  constants of this file
    return opened + Markup(SHAPES[mark.shape]) + Markup("</g>")  # noqa: S704  constants of this file


def glyph(mark: Mark) -> Markup:
    """The mark as a small picture in running text."""
    box = 'class="glyph" viewBox="-10 -10 20 20" width="18" height="18" aria-hidden="true"'
    return Markup("<svg {}>{}</svg>").format(Markup(box), shape(mark))  # noqa: S704  a constant
