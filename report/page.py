"""The report as one HTML file: what serves and how it does, the whole life on one axis of time, and every why."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from ..pages.charts.axes import Time
from ..pages.charts.marks import MARKS
from ..pages.html import charts_file, own, template, write
from ..policy.wording import moment
from ..spec.values import Decision
from .cards import cards
from .charts import charts
from .life import Life
from .tables import tables, told
from .timeline import MOVES, mark_of, timeline


def write_report(life: Life, file: Path, *, now: datetime, start: datetime | None = None) -> None:
    """Write the report as one HTML file: whole or not at all."""
    write(page(life, now=now, start=start), file)


def page(life: Life, *, now: datetime, start: datetime | None = None) -> str:
    """*life* as HTML that loads nothing and runs nothing: equal lives and moments give equal pages.

    *now* is when the page was made, as UTC. Charts and decisions begin at *start*; left out: with the life.
    """
    decisions = [each for each in life.decisions if start is None or each.at >= start]
    time = _time(life, decisions, start)
    lines, left_out = told(life, decisions)
    marks = Counter(next(name for name, mark in MARKS.items() if mark is mark_of(life, each)) for each in decisions)
    kinds = {each.kind for each in life.promotions} | {each.verdict for each in life.reviews}
    return template(__package__, "report.html.jinja").render(
        life=life,
        made=moment(now),
        span=None if time is None else f"{moment(time.start)} to {moment(time.end)} UTC",
        cards=cards(life),
        adaptive=any(not isinstance(limit, float | int) for limit in (life.policy.share, life.policy.tolerance)),
        late=[] if time is None else [each for each in life.promotions if each.at > time.end],
        ticks=[] if time is None else time.ticks(),
        rows=[] if time is None else timeline(life, time, decisions),
        verdicts=dict.fromkeys(each.triage.verdict for each in decisions if each.window is not None),
        marks=[(mark, marks[name]) for name, mark in MARKS.items() if marks[name]],
        people=[mark for name, mark in MOVES.items() if name in kinds],
        charts=[] if time is None else charts(life, time, decisions),
        tables=tables(life),
        lines=lines,
        left_out=left_out,
        total=len(decisions),
        css=own("page.css") + charts_file("charts.css") + own("report.css", __package__),
    )


def _time(life: Life, decisions: list[Decision], start: datetime | None) -> Time | None:
    """From the first thing that happened, or the first window, to the last; None where nothing happened."""
    moves = [each.at for each in life.promotions]
    first = [*moves, *(each.at for each in life.updates), *(d.window.start if d.window else d.at for d in decisions)]
    if life.until is None or not first:
        return None
    begins = start or min(first)
    ends = max(life.until, begins + timedelta(hours=1))
    # People act in their own time: where windows of the past were judged, that would leave the charts no room.
    near = [at for at in moves if at - ends <= (ends - begins) / 4]
    return Time(begins, max([ends, *near]))
