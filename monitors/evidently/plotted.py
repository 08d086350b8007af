"""Evidently's graphs as small pictures (SVG) that need no script: bars, lines, areas, and tables of counts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, cast

from markupsafe import Markup, escape

from ...pages.charts.colours import IN_TURN

_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 200, 56, 22
_POINTS = 250  # of a line; more cannot be told apart on so small a picture


class Trace(TypedDict, total=False):
    """What is read of one of a plotly figure's traces."""

    type: str
    name: str
    x: Sequence[object]
    y: Sequence[object]
    z: Sequence[Sequence[object]]
    text: Sequence[Sequence[object]]
    xaxis: str
    yaxis: str
    fill: str


def graph(params: Mapping[str, object]) -> Markup:
    """What a plotly figure shows: a picture for each of its axes, a table for a heat map."""
    data, layout = params.get("data"), params.get("layout")
    traces = [cast(Trace, each) for each in data if isinstance(each, Mapping)] if isinstance(data, Sequence) else []
    axes = dict.fromkeys((str(t.get("xaxis", "x")), str(t.get("yaxis", "y"))) for t in traces)
    drawn = [_panel([t for t in traces if (t.get("xaxis", "x"), t.get("yaxis", "y")) == pair]) for pair in axes]
    title = _title(layout if isinstance(layout, Mapping) else {})
    return (Markup("<h3>{}</h3>").format(title) if title else Markup("")) + Markup("").join(drawn)


def _title(layout: Mapping[str, object]) -> str:
    title = layout.get("title")
    return str(title.get("text") or "") if isinstance(title, Mapping) else str(title or "")


def _panel(traces: Sequence[Trace]) -> Markup:
    heat = [each for each in traces if each.get("type") == "heatmap"]
    if heat:
        return Markup("").join(_counts(each) for each in heat)
    shown = [each for each in traces if each.get("x") is not None and each.get("y") is not None]
    scale = _Scale.of(shown)
    if scale is None:
        return Markup("")
    bars = [each for each in shown if each.get("type") in ("bar", "histogram")]
    named = dict.fromkeys(str(each.get("name") or "") for each in shown)
    colours = {name: f"var(--{IN_TURN[number % len(IN_TURN)]})" for number, name in enumerate(named)}
    marks: list[Markup] = []
    for each in shown:
        colour = colours[str(each.get("name") or "")]
        if each in bars:
            marks.append(_bars(each, scale, colour, bars.index(each), len(bars)))
        else:
            marks.append(_line(each, scale, colour))
    swatch = Markup('<span><svg width="12" height="12"><rect width="12" height="12" style="fill: {}"/></svg>{}</span>')
    names = [swatch.format(colour, f" {name}"[:80]) for name, colour in colours.items() if name]
    return Markup('<p class="key">{}</p><svg class="drawn" viewBox="0 0 {} {}" role="img">{}{}</svg>').format(
        Markup("").join(names), _WIDTH, _HEIGHT, scale.labels(), Markup("").join(marks)
    )


def _counts(trace: Trace) -> Markup:
    cells = trace.get("text") or trace.get("z") or []
    head = _cells("th", trace.get("x") or [])
    rows = [
        Markup("<tr><th>{}</th>{}</tr>").format(str(name), _cells("td", row))
        for name, row in zip(trace.get("y") or range(len(cells)), cells, strict=False)
    ]
    table = Markup('<div class="sideways"><table><tr><th></th>{}</tr>{}</table></div>')
    return table.format(head, Markup("").join(rows))


def _cells(kind: str, values: Sequence[object]) -> Markup:
    return Markup("").join(Markup("<{0}>{1}</{0}>").format(Markup(kind), str(each)) for each in values)  # noqa: S704 - "th" or "td", from above


@dataclass(frozen=True)
class _Scale:
    """From values to places, x from *left* to *right*; *names* are those of a category axis, with their values."""

    names: Mapping[str, float]
    left: float
    right: float
    low: float
    high: float

    @classmethod
    def of(cls, traces: Sequence[Trace]) -> _Scale | None:
        ys = [y for t in traces for y in _numbers(t["y"]) if y is not None]
        if not ys:
            return None
        plain = [x for t in traces for x in t["x"]]
        numbers = [x for x in _numbers(plain) if x is not None]
        words = [] if len(numbers) == len(plain) else list(dict.fromkeys(str(x) for x in plain))[:_POINTS]
        names = {word: number + 0.5 for number, word in enumerate(words)}
        low, high = min(0.0, *ys) if len(ys) > 1 else min(0.0, ys[0]), max(ys)
        left, right = (min(numbers), max(numbers)) if numbers and not names else (0.0, float(len(names)))
        return cls(names, left, right if right > left else left + 1, low, high if high > low else low + 1)

    def x(self, value: object) -> float | None:
        """The place from the left; None for a name that has none."""
        number = self.names.get(str(value)) if self.names else next(iter(_numbers([value])))
        if number is None:
            return None
        return round(_LEFT + 8 + (number - self.left) / (self.right - self.left) * (_WIDTH - _LEFT - 24), 1)

    def y(self, value: float) -> float:
        """The place from the top."""
        return round((_HEIGHT - _BELOW) - (value - self.low) / (self.high - self.low) * (_HEIGHT - _BELOW - 8), 1)

    def labels(self) -> Markup:
        """The ends of both axes, and the names of a few categories."""
        text = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
        ends = [text.format(_LEFT, self.y(v) + 4, "end", f"{v:.4g}") for v in (self.low, self.high)]
        if self.names:
            shown = list(self.names) if len(self.names) <= 12 else [*self.names][:: len(self.names) - 1]
            ends += [text.format(self.x(each), _HEIGHT - 6, "middle", each[:14]) for each in shown]
        else:
            sides = ((self.left, "start"), (self.right, "end"))
            ends += [text.format(self.x(v), _HEIGHT - 6, side, f"{v:.4g}") for v, side in sides]
        return Markup("").join(ends)


def _bars(trace: Trace, scale: _Scale, colour: str, which: int, of: int) -> Markup:
    """All bars of a trace as one path: a wide table has thousands of them."""
    width = max(1.0, (_WIDTH - _LEFT - 24) / max(len(scale.names) or len(trace["x"]), 1) / of * 0.8)
    drawn, foot = [], scale.y(0.0)
    for x, y in list(zip(trace["x"], _numbers(trace["y"]), strict=False))[:_POINTS]:
        place = scale.x(x)
        if place is not None and y is not None:
            drawn.append(f"M{place + (which - of / 2) * width:.1f} {foot}V{scale.y(y)}h{width:.1f}V{foot}z")
    return Markup('<path d="{}" style="fill: {}"/>').format("".join(drawn), colour)


def _line(trace: Trace, scale: _Scale, colour: str) -> Markup:
    points = [(scale.x(x), y) for x, y in zip(trace["x"], _numbers(trace["y"]), strict=False)]
    kept = [(x, scale.y(y)) for x, y in points if x is not None and y is not None]
    kept = kept[:: math.ceil(len(kept) / _POINTS) or 1]
    text = escape(" ".join(f"{x},{y}" for x, y in kept))
    if trace.get("fill"):
        return Markup('<polygon points="{}" style="fill: {}; opacity: 0.3"/>').format(text, colour)
    return Markup('<polyline points="{}" style="fill: none; stroke: {}; stroke-width: 1.6"/>').format(text, colour)


def _numbers(values: object) -> Iterator[float | None]:
    """Finite numbers; None for anything else, such as a time or a name."""
    for each in values if isinstance(values, Sequence) and not isinstance(values, str) else ():
        plain = isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each)
        yield float(each) if plain else None
