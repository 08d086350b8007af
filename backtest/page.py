"""The page a backtest leaves behind: one HTML file with all it needs inside, for people to read and pass on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ..pages.charts.marks import MARKS, Mark
from ..pages.html import charts_file, own, template, write
from ..pages.words import UNKNOWN, plural, rounded
from ..policy.wording import length, moment
from .compared import FIXED
from .findings import findings, main_policy, refusals
from .page_charts import against_cost, over_time
from .page_marks import mark_of
from .page_styles import Styled, styled
from .page_table import meanings, rows
from .page_words import answer, interval
from .results import ArmResult, Backtest


def write_page(found: Backtest, file: Path) -> None:
    """Write *found* as one HTML file: whole or not at all."""
    write(page(found), file)


def page(found: Backtest) -> str:
    """*found* as HTML that loads nothing: equal backtests give equal pages."""
    arms = styled(found)
    time = over_time(found, arms)
    drawn = {series.name: series for series in time.series}
    return template(__package__, "page.html.jinja").render(
        found=found,
        headline=headline(found),
        against=_against(found),
        advice=[each.text for each in findings(found).advice],
        spec=Path(found.spec).name,
        span=f"{moment(found.start)} to {moment(found.end)} UTC",
        legend=[drawn[arm.name] for arm in arms],
        time=time,
        cost=against_cost(found, arms),
        marks=_marks(arms),
        marked=[arm.result.name for arm in arms if arm.result.kind == "policy"],
        table=rows(found),
        meanings=meanings(found),
        training=length(timedelta(seconds=found.training_seconds)),
        review=length(timedelta(seconds=found.review_seconds)),
        policies=[_told(arm.result) for arm in arms if arm.result.kind == "policy" and len(arm.result.steps) > 1],
        css=own("page.css") + charts_file("charts.css") + own("page.css", __package__),
        js=charts_file("points.js") + own("page.js", __package__),
    )


def headline(found: Backtest) -> str:
    """What came of the first policy, in a sentence or two."""
    if not found.arms:
        return "No arm was run."
    main = main_policy(found) or found.arms[0]
    fired = f", fired at {main.fired_share:.0%} of the evaluations" if len(main.steps) > 1 else ""
    text = f"{main.name}: {found.metric} {interval(main.quality)} with {plural(main.runs, 'training')}{fired}, "
    text += f"{rounded(main.cpu.total)} CPU seconds, {rounded(main.cpu.learning)} of them learning."
    if refusals(found) and "gate_refuses_better" not in {each.code for each in findings(found).advice}:
        text += f" {refusals(found)}"
    return text


def rivals(found: Backtest) -> list[ArmResult]:
    """What the headline holds the first policy against: every fixed strategy, and as many runs evenly spread."""
    main = main_policy(found)
    spread = [arm for arm in found.arms if arm.kind == "uniform" and main is not None and arm.of == main.name]
    return [arm for arm in found.arms if arm.kind in FIXED and arm is not main] + spread


def _against(found: Backtest) -> list[str]:
    """A line for each rival: what it reached and cost, and how the policy compares with it."""
    said, lines = findings(found), []
    for arm in rivals(found):
        best = " (the best fixed strategy in hindsight)" if arm.name == said.best_fixed else ""
        text = f"{arm.name}{best}: {interval(arm.quality)} for {rounded(arm.cpu.total)} CPU seconds"
        difference = said.differences.get(arm.name)
        lines.append(f"{text}; {said.policy} {answer(difference)}." if difference is not None else f"{text}.")
    return lines


def _marks(arms: Sequence[Styled]) -> list[tuple[Mark, int]]:
    """The marks that occur among the policies' decisions, with how often."""
    policies = [arm.result for arm in arms if arm.result.kind == "policy"]
    counts = Counter(mark_of(step) for arm in policies for step in arm.steps[1:])
    return [(mark, counts[name]) for name, mark in MARKS.items() if counts[name]]


@dataclass(frozen=True)
class Line:
    """One decision as text."""

    at: str
    action: str
    outcome: str | None
    mark: Mark
    verdict: str
    reason: str
    version: str
    quality: str
    rows: str
    harm: bool | None


@dataclass(frozen=True)
class Told:
    """One policy's decisions as text."""

    name: str
    lines: list[Line]
    verdicts: str


def _told(arm: ArmResult) -> Told:
    lines = [
        Line(
            at=moment(step.at),
            action=step.action,
            outcome=step.outcome,
            mark=MARKS[mark_of(step)],
            verdict=step.verdict or UNKNOWN,
            reason=step.reason,
            version=step.version,
            quality=interval(step.quality),
            rows=f"{step.rows:,}",
            harm=step.harm,
        )
        for step in arm.steps[1:]
    ]
    return Told(arm.name, lines, ", ".join(f"{k} {v}" for k, v in arm.verdicts.items()))
