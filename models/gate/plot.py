"""The gate's differences with their intervals, as one self-contained SVG that MLflow shows beside the version."""

from __future__ import annotations

from collections.abc import Callable

from ...pages.charts.axes import Level
from ...pages.charts.picture import Picture
from . import GateResult, Stratum, in_percent

_WIDTH, _LEFT, _RIGHT, _ROW = 820, 210, 200, 34
_LOOKS = {"passed": ("star", "green"), "refused": ("x", "vermillion"), "unsure": ("triangle-up", "yellow")}
_OTHER = ("square", "quiet")


def drawn(gate: GateResult) -> str:
    """An SVG with one line for each stratum and slice that has a gain; right of zero the candidate is better."""
    shown = [each for each in gate.strata if each.gain is not None and _finite(each)]
    level = Level.around([0.0, *(end for each in shown if each.gain for end in (each.gain.low, each.gain.high))])
    height = 100 + _ROW * max(len(shown), 1)
    title = f"Gain of the candidate in {gate.metric}, with {in_percent(gate.level)} intervals"
    picture = Picture(title, _WIDTH, height)

    def x(value: float) -> float:
        return _LEFT + (100 - level.place(value)) / 100 * (_WIDTH - _LEFT - _RIGHT)

    for place, text in level.ticks():
        at = _LEFT + (100 - place) / 100 * (_WIDTH - _LEFT - _RIGHT)
        picture.line([(at, 40), (at, height - 50)], "rule", width=1)
        picture.text((at, height - 36), text, anchor="middle", colour="quiet", size=11)
    picture.line([(x(0.0), 40), (x(0.0), height - 50)], "quiet", width=1.5, dashed=True)
    picture.text((x(0.0), height - 14), "0 = as the champion; right is better", anchor="middle")
    if not shown:
        picture.text((16, 64), "Nothing could be measured: see the table for why.")
    for row, each in enumerate(shown):
        _row(picture, each, 60 + row * _ROW, x)
    return picture.svg()


def _row(picture: Picture, each: Stratum, y: int, x: Callable[[float], float]) -> None:
    gain = each.gain
    if gain is None:
        return
    shape, colour = _LOOKS.get(each.verdict, _OTHER)
    picture.text((16, y + 4), f"{each.name} ({each.rows:,} rows)")
    picture.interval((x(gain.low), y), (x(gain.high), y), colour)
    picture.symbol((x(gain.value), y), shape, colour)
    picture.text((_WIDTH - _RIGHT + 10, y - 2), each.verdict, colour=colour)
    words = f"{gain.value:+.4g} ({gain.low:+.4g} to {gain.high:+.4g})"
    picture.text((_WIDTH - _RIGHT + 10, y + 13), words, size=11)


def _finite(each: Stratum) -> bool:
    gain = each.gain
    return gain is not None and all(abs(value) < 1e300 for value in (gain.value, gain.low, gain.high))
