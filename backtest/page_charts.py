"""The page's two charts as plotly figures: quality over time, and quality against cost.

They are plain values that become JSON. Where a colour depends on light or dark, `meta.colour` names it and
`page.js` fills it in. Texts are escaped here, for plotly reads some HTML in them.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import partial
from html import escape as escape_html
from itertools import pairwise
from typing import Any

from ..pages.charts.marks import MARKS
from ..pages.words import known, plural, rounded
from ..policy.wording import moment
from .page_marks import mark_of
from .page_styles import Styled
from .page_words import interval
from .results import ArmResult, Backtest, Step

escape = partial(escape_html, quote=False)  # plotly knows &lt; but not &quot;

_WIDTH = 46  # characters of a line in a hover text: it must fit on a phone
_LINES = 9
_BARE = "%{text}<extra></extra>"


def over_time(found: Backtest, arms: Sequence[Styled]) -> dict[str, Any]:
    """A line per arm, and the policies' decisions on theirs; policies are drawn last, above the others."""
    policies = [arm for arm in arms if arm.result.kind == "policy"]
    others = [arm for arm in arms if arm.result.kind != "policy"]
    data = [_line(arm) for arm in [*others, *policies]] + [_decisions(arm) for arm in policies]
    layout = {
        "xaxis": {"type": "date", "title": {"text": "end of the stretch (UTC)"}},
        "yaxis": _quality_axis(found),
        "shapes": [_shade(*stretch) for stretch in _harmed(policies[0].result)] if policies else [],
    }
    return {"data": data, "layout": layout}


def _quality_axis(found: Backtest) -> dict[str, Any]:
    """Up is better on both charts: for errors the axis is turned."""
    if found.greater_is_better:
        return {"title": {"text": f"{escape(found.metric)} (higher is better)"}}
    return {"title": {"text": f"{escape(found.metric)} (lower is better: axis turned)"}, "autorange": "reversed"}


def _dense(steps: Sequence[Step]) -> bool:
    return len(steps) > 100


def _line(arm: Styled) -> dict[str, Any]:
    steps = arm.result.steps
    policy = arm.result.kind == "policy"
    return {
        "type": "scatter",
        "mode": "lines" if policy and len(steps) > 1 else "lines+markers",
        "name": escape(arm.name),
        "x": [step.end.isoformat() for step in steps],
        "y": [known(step.quality.value) for step in steps],
        "line": {"width": arm.width, "dash": arm.dash},
        "marker": {"size": 2 if _dense(steps) else 4},
        "text": [_stretch(arm.result, step) for step in steps],
        "hovertemplate": _BARE,
        "visible": arm.shown,
        "meta": {"arm": arm.name, "colour": arm.colour},
    } | ({"hoverinfo": "skip", "hovertemplate": None, "text": None} if policy and len(steps) > 1 else {})


def _stretch(arm: ArmResult, step: Step) -> str:
    lines = [
        f"<b>{escape(arm.name)}</b>",
        f"{moment(step.at)} to {moment(step.end)}",
        interval(step.quality),
        f"{step.rows:,} rows, version {escape(step.version)}",
    ]
    return "<br>".join([*lines, f"trained at its start: {escape(step.outcome)}"] if step.outcome else lines)


def _decisions(arm: Styled) -> dict[str, Any]:
    """Each decision where it was made: at the end of the stretch that it looked at."""
    steps = arm.result.steps
    marks, faint = [MARKS[mark_of(step)] for step in steps[1:]], MARKS["hold"]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"decisions of {escape(arm.name)}",
        "x": [step.at.isoformat() for step in steps[1:]],
        "y": _carried([step.quality.value for step in steps])[:-1],
        "marker": {
            "symbol": [mark.symbol for mark in marks],
            "color": [mark.colour for mark in marks],
            "size": [3 if mark is faint and _dense(steps) else mark.size for mark in marks],
            "opacity": [mark.opacity for mark in marks],
            "line": {"width": [2.5 if mark.open else 0 if mark is faint else 1 for mark in marks]},
        },
        "text": [_decision(arm.result, *pair) for pair in pairwise(steps)],
        "hovertemplate": _BARE,
        "cliponaxis": False,
        "visible": arm.shown,
        "meta": {"arm": arm.name, "decisions": True},
    }


def _carried(values: Sequence[float]) -> list[float | None]:
    """Where the quality is not known, the last one known before, or else the first one after."""
    last = next((value for value in values if known(value) is not None), None)
    carried = []
    for value in values:
        last = value if known(value) is not None else last
        carried.append(last)
    return carried


def _decision(arm: ArmResult, before: Step, step: Step) -> str:
    became = f": {step.outcome}" if step.outcome else ""
    lines = [
        f"<b>{escape(step.action + became)}</b>",
        f"{moment(step.at)}, {escape(arm.name)}",
        f"verdict: {step.verdict or 'none'}",
        *_wrapped(step.reason),
        f"before: {interval(before.quality)}, {before.rows:,} rows",
        f"after: {interval(step.quality)}, {step.rows:,} rows",
        f"version after it: {escape(step.version)}",
    ]
    return "<br>".join(lines)


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], "… (whole below)"]
    return [f"<i>{escape(line)}</i>" for line in lines]


def _harmed(arm: ArmResult) -> list[tuple[str, str]]:
    """The stretches in harm, those that touch joined."""
    joined: list[tuple[Any, Any]] = []
    for step in arm.steps:
        if not step.harm:
            continue
        if joined and joined[-1][1] == step.at:
            joined[-1] = (joined[-1][0], step.end)
        else:
            joined.append((step.at, step.end))
    return [(start.isoformat(), end.isoformat()) for start, end in joined]


def _shade(start: str, end: str) -> dict[str, Any]:
    return {"type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1,
            "layer": "below", "line": {"width": 0}, "name": "harm"}  # fmt: skip


def against_cost(found: Backtest, arms: Sequence[Styled]) -> dict[str, Any]:
    """Each arm as a point with its interval. The axis is logarithmic, so what cost nothing stands at its left edge."""
    drawn = [arm for arm in arms if known(arm.result.quality.value) is not None]
    costs = [arm.result.cpu.total for arm in drawn if arm.result.cpu.total > 0]
    zero = min(costs) / 3 if costs else 0.1
    nothing = any(arm.result.cpu.total <= 0 for arm in drawn)
    low, high = (zero if nothing else min(costs, default=zero)), max(costs, default=zero)
    places = [*([zero] if nothing else []), *_ticks(min(costs, default=zero), high, bool(costs))]
    layout = {
        "xaxis": {
            "type": "log",
            "title": {"text": "CPU seconds of all that the arm ran (logarithmic)"},
            "tickvals": places,
            "ticktext": ["0" if nothing and place == zero else f"{place:,.10g}" for place in places],
            "range": [math.log10(low) - 0.25, math.log10(high) + 0.25],
        },
        "yaxis": _quality_axis(found),
        "shapes": [_cut(zero * 1.7)] if nothing and costs else [],
    }
    return {"data": [_point(found, arm, zero) for arm in drawn], "layout": layout}


def _ticks(low: float, high: float, any_cost: bool) -> list[float]:
    """1, 2, 5 in each power of ten over a short stretch; 1 alone over a long one."""
    if not any_cost:
        return []
    steps = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    places = [float(f"{step}e{power}") for power in powers for step in steps]
    return [place for place in places if low * 0.7 <= place <= high * 1.7]


def _cut(place: float) -> dict[str, Any]:
    """Where the axis breaks off between nothing and something."""
    return {"type": "line", "xref": "x", "yref": "paper", "x0": place, "x1": place, "y0": 0, "y1": 1,
            "layer": "below", "line": {"width": 1, "dash": "dot"}, "name": "cut"}  # fmt: skip


def _point(found: Backtest, arm: Styled, zero: float) -> dict[str, Any]:
    result = arm.result
    low, high = known(result.quality.low), known(result.quality.high)
    value = result.quality.value
    bars = {} if low is None or high is None else {"array": [high - value], "arrayminus": [value - low]}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(arm.name),
        "x": [result.cpu.total if result.cpu.total > 0 else zero],
        "y": [value],
        "marker": {"symbol": arm.symbol, "size": 15 if result.kind == "policy" else 11},
        "error_y": {"type": "data", "symmetric": False, "thickness": 1.2, "width": 4, "visible": bool(bars), **bars},
        "text": [_figures(found, result)],
        "hovertemplate": _BARE,
        "cliponaxis": False,
        "meta": {"arm": arm.name, "colour": arm.colour},
    }


def _figures(found: Backtest, arm: ArmResult) -> str:
    lines = [
        f"<b>{escape(arm.name)}</b>",
        f"{escape(found.metric)} {interval(arm.quality)}",
        f"{plural(arm.runs, 'run')}, {arm.registered} registered",
        f"{rounded(arm.cpu.total)} CPU seconds, {rounded(arm.cpu.learning)} learning {arm.rows_learned:,} rows",
        f"{rounded(arm.harm_days)} of {rounded(arm.days)} days in harm",
    ]
    if any(step.helps is not None for step in arm.steps):
        lines.append(f"{arm.false_runs} false, {arm.missed_runs} missed")
    if found.currency and known(arm.money) is not None:
        lines.append(f"{rounded(arm.money)} {escape(found.currency)}")
    return "<br>".join(lines)
