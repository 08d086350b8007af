"""The page a backtest leaves behind: one HTML file with all it needs inside, for people to read and pass on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ..paper.html import data, own, template, write
from ..paper.marks import MARKS, Mark, glyph
from ..paper.words import UNKNOWN, plural, rounded
from ..policy.wording import length, moment
from .page_charts import against_cost, over_time
from .page_marks import mark_of
from .page_styles import Styled, better_scratch, styled
from .page_table import meanings, rows
from .page_words import interval
from .results import ArmResult, Backtest


def write_page(found: Backtest, file: Path) -> None:
    """Write *found* as one HTML file: whole or not at all."""
    write(page(found), file)


def page(found: Backtest) -> str:
    """*found* as HTML that loads nothing: equal backtests give equal pages."""
    arms = styled(found)
    chart = over_time(found, arms)
    return template(__package__, "page.html.jinja").render(
        found=found,
        headline=headline(found),
        spec=Path(found.spec).name,
        span=f"{moment(found.start)} to {moment(found.end)} UTC",
        arms=arms,
        traces={arm.name: [i for i, t in enumerate(chart["data"]) if t["meta"]["arm"] == arm.name] for arm in arms},
        marks=_marks(arms),
        marked=[arm.result.name for arm in arms if arm.result.kind == "policy"],
        table=rows(found),
        meanings=meanings(found),
        training=length(timedelta(seconds=found.training_seconds)),
        review=length(timedelta(seconds=found.review_seconds)),
        policies=[_told(arm.result) for arm in arms if arm.result.kind == "policy" and len(arm.result.steps) > 1],
        charts=data([chart, against_cost(found, arms)]),
        css=own("page.css"),
        js=own("page.js", __package__),
        glyph=glyph,
        plotly=Markup(get_plotlyjs()),  # noqa: S704  plotly's own file, from its package
    )


def headline(found: Backtest) -> str:
    """What came out, in a sentence or two: the first policy beside the better scratch schedule and the others."""
    if not found.arms:
        return "No arm was run."
    main = next((arm for arm in found.arms if arm.kind == "policy"), found.arms[0])
    trainings = plural(main.runs, "training")
    text = f"{main.name}: {found.metric} {interval(main.quality)} with {trainings} and"
    text += f" {rounded(main.cpu_seconds)} CPU seconds"
    better = better_scratch(found)
    if better is not None and better is not main:
        kinds = {arm.kind for arm in found.arms}
        which = "the better scratch schedule" if {"scratch_sliding", "scratch_all"} <= kinds else better.name
        text += f"; {which}: {interval(better.quality)} with {better.runs} and {rounded(better.cpu_seconds)}"
    others = [f"{name} {interval(arm.quality)}" for name, arm in _beside(found, main)]
    return f"{text}." + (f" For comparison, {' and '.join(others)}." if others else "")


def _beside(found: Backtest, main: ArmResult) -> list[tuple[str, ArmResult]]:
    uniform = next((arm for arm in found.arms if arm.kind == "uniform" and arm.of == main.name), None)
    never = next((arm for arm in found.arms if arm.kind == "never" and arm is not main), None)
    named = [("as many trainings evenly spread:", uniform), ("never retrained:", never)]
    return [(name, arm) for name, arm in named if arm is not None]


def _marks(arms: Sequence[Styled]) -> list[tuple[Mark, int]]:
    """The marks that occur among the policies' decisions, with how often."""
    policies = [arm.result for arm in arms if arm.result.kind == "policy"]
    counts = Counter(mark_of(step) for arm in policies for step in arm.steps[1:])
    return [(mark, counts[name]) for name, mark in MARKS.items() if counts[name]]


def _told(arm: ArmResult) -> dict[str, Any]:
    """One policy's decisions as text."""
    lines = [
        {
            "at": moment(step.at),
            "action": step.action,
            "outcome": step.outcome,
            "mark": MARKS[mark_of(step)],
            "verdict": step.verdict or UNKNOWN,
            "reason": step.reason,
            "version": step.version,
            "quality": interval(step.quality),
            "rows": f"{step.rows:,}",
            "harm": step.harm,
        }
        for step in arm.steps[1:]
    ]
    return {"name": arm.name, "lines": lines, "verdicts": ", ".join(f"{k} {v}" for k, v in arm.verdicts.items())}
