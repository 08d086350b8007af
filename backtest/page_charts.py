"""The page's two charts: quality over time with the policies' decisions, and quality against cost."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ..pages.charts.axes import Costs, Level, Time
from ..pages.charts.chart import Chart, Dot, Series, Sign
from ..pages.charts.marks import MARKS, Mark
from ..pages.charts.paths import line
from ..pages.words import known, plural, rounded
from ..policy.wording import moment
from .page_marks import mark_of
from .page_styles import Styled
from .page_words import interval
from .results import ArmResult, Backtest, Step

_WIDTH = 46  # characters of a line that is shown at a point: it must fit on a phone
_LINES = 9
_TICKS = 8


def over_time(found: Backtest, arms: Sequence[Styled]) -> Chart:
    """A line per arm, and the policies' decisions on theirs; policies are drawn last, above the others.

    The axis holds all arms, so that it stays as it is when one is shown or hidden.
    """
    policies = [arm for arm in arms if arm.result.kind == "policy"]
    others = [arm for arm in arms if arm.result.kind != "policy"]
    steps = [step for arm in arms for step in arm.result.steps]
    time = _time(found, steps)
    level = _level(found, [step.quality.value for step in steps])
    return Chart(
        title=_title(found),
        about="",
        up=level.ticks(_TICKS),
        across=time.ticks(),
        series=[_over_time(arm, time, level) for arm in [*others, *policies]],
        shades=_harmed(policies[0].result, time) if policies else [],
        below="end of the stretch (UTC)",
    )


def _title(found: Backtest) -> str:
    return f"{found.metric} ({'higher is better' if found.greater_is_better else 'lower is better: axis turned'})"


def _level(found: Backtest, values: Sequence[float | None]) -> Level:
    """Up is better on both charts: for errors the axis is turned."""
    finite = [value for value in values if value is not None and known(value) is not None]
    return Level.around(finite, turned=not found.greater_is_better)


def _time(found: Backtest, steps: Sequence[Step]) -> Time:
    start = min((step.at for step in steps), default=found.start)
    return Time(start, max([step.end for step in steps], default=max(found.end, start + timedelta(hours=1))))


def _over_time(arm: Styled, time: Time, level: Level) -> Series:
    steps = arm.result.steps
    decides = arm.result.kind == "policy" and len(steps) > 1
    return Series(
        name=arm.name,
        colour=arm.colour,
        path=line(time, level, [(step.end, known(step.quality.value)) for step in steps]),
        dash=arm.dash,
        width=arm.width,
        dots=() if decides else _dots(arm.result, time, level),
        signs=_decisions(arm.result, time, level) if decides else (),
        shown=arm.shown,
    )


def _dots(arm: ArmResult, time: Time, level: Level) -> list[Dot]:
    return [
        Dot(time.place(step.end), level.place(step.quality.value), _stretch(arm, step))
        for step in arm.steps
        if known(step.quality.value) is not None
    ]


def _stretch(arm: ArmResult, step: Step) -> str:
    lines = [
        arm.name,
        f"{moment(step.at)} to {moment(step.end)}",
        interval(step.quality),
        f"{step.rows:,} rows, version {step.version}",
    ]
    return "\n".join([*lines, f"trained at its start: {step.outcome}"] if step.outcome else lines)


def _decisions(arm: ArmResult, time: Time, level: Level) -> list[Sign]:
    """Each decision where it was made: at the end of the stretch that it looked at. Holds lie below the others."""
    heights = _carried([step.quality.value for step in arm.steps])
    signs = [
        Sign(time.place(step.at), level.place(height), MARKS[mark_of(step)], _decision(arm, before, step))
        for (before, step), height in zip(pairwise(arm.steps), heights, strict=False)
        if height is not None
    ]
    return sorted(signs, key=lambda sign: sign.mark is not MARKS["hold"])


def _carried(values: Sequence[float]) -> list[float | None]:
    """Where the quality is not known, the last one known before, or else the first one after."""
    last = next((value for value in values if known(value) is not None), None)
    carried = []
    for value in values:
        last = value if known(value) is not None else last
        carried.append(last)
    return carried


def _decision(arm: ArmResult, before: Step, step: Step) -> str:
    lines = [
        f"{step.action}: {step.outcome}" if step.outcome else step.action,
        f"{moment(step.at)}, {arm.name}",
        f"verdict: {step.verdict or 'none'}",
        *_wrapped(step.reason),
        f"before: {interval(before.quality)}, {before.rows:,} rows",
        f"after: {interval(step.quality)}, {step.rows:,} rows",
        f"version after it: {step.version}",
    ]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH)
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], "… (whole below)"]


def _harmed(arm: ArmResult, time: Time) -> list[tuple[float, float]]:
    """The stretches in harm, those that touch joined."""
    joined: list[tuple[datetime, datetime]] = []
    for step in arm.steps:
        if not step.harm:
            continue
        if joined and joined[-1][1] == step.at:
            joined[-1] = (joined[-1][0], step.end)
        else:
            joined.append((step.at, step.end))
    places = [(time.place(start), time.place(end)) for start, end in joined]
    return [(start, round(end - start, 3)) for start, end in places]


def against_cost(found: Backtest, arms: Sequence[Styled]) -> Chart:
    """Each arm as a point with its interval. The axis is logarithmic, so what cost nothing stands at its left edge."""
    drawn = [
        arm for arm in arms if known(arm.result.quality.value) is not None and known(arm.result.cpu.total) is not None
    ]
    costs = Costs.around([arm.result.cpu.total for arm in drawn])
    level = _level(found, [end for arm in drawn for end in (arm.result.quality.value, *_interval(arm.result))])
    return Chart(
        title=_title(found),
        about="",
        up=level.ticks(_TICKS),
        across=costs.ticks(),
        series=[Series(arm.name, arm.colour, signs=[_point(found, arm, costs, level)]) for arm in drawn],
        cut=costs.cut,
        below="CPU seconds of all that the arm ran (logarithmic)",
    )


def _interval(arm: ArmResult) -> tuple[float | None, float | None]:
    low, high = known(arm.quality.low), known(arm.quality.high)
    return (None, None) if low is None or high is None else (low, high)


def _point(found: Backtest, arm: Styled, costs: Costs, level: Level) -> Sign:
    result = arm.result
    low, high = _interval(result)
    return Sign(
        x=costs.place(result.cpu.total),
        y=level.place(result.quality.value),
        mark=Mark(arm.name, arm.symbol, f"var(--{arm.colour})"),
        text=_figures(found, result),
        scale=1.0 if result.kind == "policy" else 0.75,
        low=None if low is None else level.place(low),
        high=None if high is None else level.place(high),
        name=arm.name,
    )


def _figures(found: Backtest, arm: ArmResult) -> str:
    lines = [
        arm.name,
        f"{found.metric} {interval(arm.quality)}",
        f"{plural(arm.runs, 'run')}, {arm.registered} registered",
        f"{rounded(arm.cpu.total)} CPU seconds, {rounded(arm.cpu.learning)} learning {arm.rows_learned:,} rows",
        f"{rounded(arm.harm_days)} of {rounded(arm.days)} days in harm",
    ]
    if any(step.helps is not None for step in arm.steps):
        lines.append(f"{arm.false_runs} false, {arm.missed_runs} missed")
    if found.currency and known(arm.money) is not None:
        lines.append(f"{rounded(arm.money)} {found.currency}")
    return "\n".join(lines)
