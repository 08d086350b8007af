"""How each arm is drawn on the page: colour, dash and symbol by its kind, and whether it is shown at first.

Colours are names; `page.css` gives each its value, of Okabe and Ito's palette, for light and for dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from ..pages.charts.chart import Dash
from .compared import FIXED
from .results import ArmResult, Backtest, Kind

_ASKING = ("blue", "yellow", "sky")  # policies and detectors, in the order in which they come
_COLOURS: dict[Kind, str] = {
    "never": "grey", "scratch_sliding": "green", "scratch_all": "purple", "warm": "orange", "oracle": "ink",
}  # fmt: skip
_DASHES: dict[Kind, Dash] = {"uniform": "dash", "never": "dot", "oracle": "longdash", "other": "dashdot"}
_SYMBOLS: dict[Kind, str] = {
    "policy": "disc", "never": "square", "scratch_sliding": "triangle-up", "scratch_all": "triangle-down",
    "warm": "hexagon", "uniform": "diamond", "oracle": "star", "other": "cross",
}  # fmt: skip


@dataclass(frozen=True)
class Styled:
    """One arm with how it is drawn."""

    result: ArmResult
    colour: str
    dash: Dash
    symbol: str
    width: float
    shown: bool

    @property
    def name(self) -> str:
        return self.result.name


def styled(found: Backtest) -> list[Styled]:
    """The arms in their order. The first policy's uniform has a colour of its own, others that of their policy."""
    colours = dict(_asking(found))
    shown = _shown(found)
    first = next((arm.name for arm in found.arms if arm.kind == "policy"), None)
    drawn = []
    for arm in found.arms:
        colour = _COLOURS.get(arm.kind) or colours.get(arm.name)
        if colour is None:
            colour = "vermillion" if arm.of in (first, None) else colours.get(arm.of, "vermillion")
        drawn.append(
            Styled(
                result=arm,
                colour=colour,
                dash=_DASHES.get(arm.kind, "solid"),
                symbol=_SYMBOLS[arm.kind],
                width=3.0 if arm.kind == "policy" else 1.8,
                shown=arm.name in shown,
            )
        )
    return drawn


def _asking(found: Backtest) -> Iterator[tuple[str, str]]:
    names = [arm.name for arm in found.arms if arm.kind in ("policy", "other")]
    yield from zip(names, cycle(_ASKING), strict=False)


def _shown(found: Backtest) -> set[str]:
    """The policies, the first one's uniform schedule, and every fixed strategy: all that a policy must beat."""
    policies = [arm.name for arm in found.arms if arm.kind == "policy"]
    shown = {arm.name for arm in found.arms if arm.kind in ("policy", *FIXED)}
    shown |= {arm.name for arm in found.arms if arm.kind == "uniform" and arm.of in policies[:1]}
    return shown or {arm.name for arm in found.arms}
