"""How each kind of decision is marked on the page: a shape and a colour, so that neither is needed alone."""

from __future__ import annotations

from dataclasses import dataclass

from .results import Step


@dataclass(frozen=True)
class Mark:
    """*symbol* is plotly's name; *colour* is of Okabe and Ito's palette, and readable on light and dark."""

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


def mark_of(step: Step) -> str:
    """The name of the mark of the look at the start of *step*."""
    if step.action in _RUNS:
        return _RUNS[step.action] + ("" if step.outcome == "registered" else "_not")
    if step.action == "alert" and step.verdict == "broken_data":
        return "broken"
    return {"alert": "alert", "roll_back": "back"}.get(step.action, "hold")
