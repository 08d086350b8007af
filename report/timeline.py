"""The timeline: for every window its triage and its decision, who served when, and what people did."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..pages.charts.axes import Time
from ..pages.charts.marks import MARKS, Mark, mark_name
from ..policy.wording import moment
from ..spec.values import Decision
from .life import Life

_WIDTH = 90
MOVES = {
    "first": Mark("first version", "circle", "#0072B2", size=10),
    "promotion": Mark("promotion", "triangle-up", "#0072B2"),
    "roll_back": Mark("rollback", "triangle-down", "#D55E00"),
    "ungated": Mark("no gate passed it", "x", "#D55E00"),
    "put_back": Mark("put back", "star", "#009E73"),
    "approved": Mark("approved", "square", "#009E73"),
    "rejected": Mark("rejected", "x", "#CC79A7"),
}
OTHER = Mark("other", "square", "#8a8f98")


@dataclass(frozen=True)
class Stretch:
    """From *x* over *width*, in percent."""

    x: float
    width: float
    kind: str
    text: str
    label: str = ""


@dataclass(frozen=True)
class Sign:
    """A mark at *x* percent with what it tells."""

    x: float
    mark: Mark
    text: str


@dataclass(frozen=True)
class Row:
    """One row of the timeline."""

    name: str
    stretches: list[Stretch]
    signs: list[Sign]


def timeline(life: Life, time: Time, decisions: Sequence[Decision]) -> list[Row]:
    """The rows from top to bottom."""
    return [
        Row("triage", list(_triage(time, decisions)), []),
        Row("decision", [], list(_decisions(life, time, decisions))),
        Row("serves", list(_served(life, time)), []),
        Row("people", [], list(_people(life, time))),
    ]


def mark_of(life: Life, decision: Decision) -> Mark:
    """How a decision is marked, by what its training came to."""
    update = next((each for each in life.updates if each.decision == decision.id), None)
    return MARKS[mark_name(decision.action, decision.triage.verdict, update.outcome if update else None)]


def _triage(time: Time, decisions: Sequence[Decision]) -> Iterator[Stretch]:
    looks = [each for each in decisions if each.window is not None]
    before = None
    for each in looks:
        assert each.window is not None  # noqa: S101  chosen above
        start = max(each.window.start, before) if before is not None else max(each.window.start, time.start)
        x = time.place(start)
        text = f"{moment(each.at)}: {each.triage.verdict}"
        yield Stretch(x, round(time.place(each.at) - x, 3), each.triage.verdict, text)
        before = each.at


def _decisions(life: Life, time: Time, decisions: Sequence[Decision]) -> Iterator[Sign]:
    became = {each.decision: each for each in life.updates}
    for each in sorted(decisions, key=lambda made: made.action != "hold"):  # stable: what acted lies above the holds
        update = became.get(each.id)
        mark = MARKS[mark_name(each.action, each.triage.verdict, update.outcome if update else None)]
        said = [f"{moment(each.at)}: {each.action} ({each.triaged})"]
        if update is not None:
            said.append(f"training: {update.became}")
        said += [line for reason in each.reasons[:3] for line in textwrap.wrap(reason, _WIDTH)[:3]]
        yield Sign(time.place(each.at), mark, "\n".join(said))


def _served(life: Life, time: Time) -> Iterator[Stretch]:
    ends = [*(move.at for move in life.promotions[1:]), time.end]
    for number, (move, end) in enumerate(zip(life.promotions, ends, strict=False)):
        x, upto = time.place(move.at), time.place(end)
        if upto > x:
            text = f"v{move.version} served from {moment(move.at)}" + (f" to {moment(end)}" if end != time.end else "")
            yield Stretch(x, round(upto - x, 3), f"serving{number % 2}", text, f"v{move.version}")


def _people(life: Life, time: Time) -> Iterator[Sign]:
    for move in life.promotions:
        if move.at >= time.start:  # later than the axis: at its right edge
            text = f"{moment(move.at)}: {move.kind.replace('_', ' ')} to v{move.version} by {move.actor or 'unknown'}"
            yield Sign(time.place(move.at), MOVES.get(move.kind, OTHER), "\n".join([text, move.reason]).strip())
    for each in life.reviews:
        if each.at >= time.start:
            text = f"{moment(each.at)}: v{each.version} {each.verdict} by {each.actor or 'unknown'}"
            yield Sign(time.place(each.at), MOVES.get(each.verdict, OTHER), "\n".join([text, each.reason]).strip())
