"""Earlier decisions and training runs, read up to a horizon: one reading for live and for recomputing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from ..spec.values import FIRING, Decision, Marks, PastDecision, PastUpdate, Score
from .entries import UpdateRow
from .remembered import Remembered
from .runs import ended_and_running
from .tables import DecisionRow, ReviewRow, ScoreRow

LIMIT = 200  # decisions that a policy looks back on
_TOGETHER = 500  # ids in one query: databases limit parameters


@dataclass(frozen=True)
class Horizon:
    """Up to where the past of *model* reaches: a moment, and how far the ledger had been written by then.

    *limit* is the most decisions, *live* keeps only those recorded as live (or only the others). Without
    *decision* the ledger is read as it stands; with it, as that decision saw it: *marks* is how far it saw.
    """

    model: str
    now: datetime
    limit: int = LIMIT
    live: bool | None = None
    shadow: bool = False
    decision: str | None = None
    marks: Marks | None = None


@dataclass(frozen=True)
class Past:
    """What was found, newest last, and the marks to find it again."""

    decisions: tuple[PastDecision, ...]
    updates: tuple[PastUpdate, ...]
    background: tuple[PastUpdate, ...]
    marks: Marks


def past(session: Session, horizon: Horizon, remembered: Remembered) -> Past:
    """The newest decisions before `now`, and every run started by then, as far as the horizon reaches."""
    decided, scores, windows = _decisions(session, horizon, remembered)
    rejected, reviews = _rejected(session, horizon)
    seen = list(_seen(session, horizon, remembered))
    asked = remembered.decisions.all([update.decision for update, _ in seen], lambda ids: _parsed(session, ids))
    runs = [_update(update, gain, horizon, rejected, by) for (update, gain), by in zip(seen, asked, strict=True)]
    # A decision that fired nothing has no run of its own: what it let strategies learn is no answer to anything.
    updates = [run for run, by in zip(runs, asked, strict=True) if by.action in FIRING]
    background = [run for run, by in zip(runs, asked, strict=True) if by.action not in FIRING]
    if horizon.shadow:
        updates += _shadows(session, horizon, remembered)
    updates.sort(key=lambda update: update.started_at)  # stable: of one moment, runs by number, then shadows
    return Past(
        decisions=decided,
        updates=tuple(updates),
        background=tuple(background),
        marks=Marks(
            training_runs=max((update.number for update, _ in seen), default=0),
            running=tuple(sorted(update.number for update, _ in seen if _is_running(update, horizon))),
            reviews=reviews,
            scores=scores,
            windows=windows,
        ),
    )


def _decisions(session: Session, horizon: Horizon, remembered: Remembered) -> tuple[tuple[PastDecision, ...], int, int]:
    """The decisions, each with the score it had by then, and the highest ids of a score and of a window."""
    known = [ScoreRow.decision == DecisionRow.id, ScoreRow.at <= horizon.now]
    if horizon.marks is not None:
        known.append(ScoreRow.id <= horizon.marks.scores)
    query = (
        select(DecisionRow.id, ScoreRow.id, DecisionRow.window_id)
        .outerjoin(ScoreRow, and_(*known))
        .where(*_before(horizon))
    )
    if horizon.live is not None:
        query = query.where(DecisionRow.live == horizon.live)
    query = query.order_by(DecisionRow.at.desc(), DecisionRow.id.desc()).limit(horizon.limit)
    rows = session.execute(query).all()[::-1]
    plain = remembered.decisions.all([decision for decision, *_ in rows], lambda ids: _parsed(session, ids))
    bare = {decision.id: decision for decision in plain}
    scored = remembered.scored.all(
        [decision for decision, score, _ in rows if score is not None], lambda ids: _scored(session, bare, ids)
    )
    bare |= {decision.id: decision for decision in scored}
    scores, windows = ([row[column] or 0 for row in rows] for column in (1, 2))
    return tuple(bare[decision] for decision, *_ in rows), max(scores, default=0), max(windows, default=0)


def _before(horizon: Horizon) -> list[ColumnElement[bool]]:
    """Only decisions over a window: persistence counts windows, and a start by hand has none."""
    found: list[ColumnElement[bool]] = [
        DecisionRow.model == horizon.model, DecisionRow.at < horizon.now, DecisionRow.window_id.is_not(None)
    ]  # fmt: skip
    return found if horizon.marks is None else [*found, DecisionRow.window_id <= horizon.marks.windows]


def _parsed(session: Session, ids: list[str]) -> Iterator[tuple[str, PastDecision]]:
    for some in _chunks(ids):
        for document in session.scalars(select(DecisionRow.document).where(DecisionRow.id.in_(some))):
            found = Decision.model_validate_json(document)
            yield found.id, PastDecision.of(found)


def _scored(session: Session, bare: dict[str, PastDecision], ids: list[str]) -> Iterator[tuple[str, PastDecision]]:
    for some in _chunks(ids):
        for document in session.scalars(select(ScoreRow.document).where(ScoreRow.decision.in_(some))):
            score = Score.model_validate_json(document)
            yield score.decision, bare[score.decision].model_copy(update={"score": score})


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER))


def _seen(session: Session, horizon: Horizon, remembered: Remembered) -> Iterator[tuple[UpdateRow, float | None]]:
    """The runs that had been claimed, in order, each with its gain as it stands today."""
    for update, gain in ended_and_running(session, horizon.model, remembered):
        late = horizon.marks is not None and update.number > horizon.marks.training_runs
        if update.at <= horizon.now and not late and update.decision != horizon.decision:
            yield update, gain


def _is_running(update: UpdateRow, horizon: Horizon) -> bool:
    """Whether the run was under way at `now`: not ended yet, or ended at a later moment."""
    if horizon.marks is not None:
        return update.number in horizon.marks.running
    return update.ended_at is None or update.ended_at > horizon.now


def _update(
    update: UpdateRow, gain: float | None, horizon: Horizon, rejected: dict[str, datetime], asked: PastDecision
) -> PastUpdate:
    if _is_running(update, horizon):
        return PastUpdate(decision=update.decision, started_at=update.at, outcome="running")
    return PastUpdate(
        decision=update.decision,
        started_at=update.at,
        ended_at=update.ended_at,
        outcome=update.outcome,
        version=update.version,
        cpu_seconds=update.cpu_seconds,
        rows=update.rows,
        gain=gain,
        promising=update.evidence.promising,
        rejected_at=rejected.get(update.version) if update.version is not None else None,
        champion=asked.champion,
        new_rows=asked.facts.get("new_rows"),
    )


def _rejected(session: Session, horizon: Horizon) -> tuple[dict[str, datetime], int]:
    """When each version was rejected, and the highest review's id."""
    query = select(ReviewRow.id, ReviewRow.version, ReviewRow.at, ReviewRow.verdict)
    query = query.where(ReviewRow.model == horizon.model, ReviewRow.at <= horizon.now)
    if horizon.marks is not None:
        query = query.where(ReviewRow.id <= horizon.marks.reviews)
    rows = session.execute(query).all()
    return {row.version: row.at for row in rows if row.verdict == "rejected"}, max((row.id for row in rows), default=0)


def _shadows(session: Session, horizon: Horizon, remembered: Remembered) -> Iterable[PastUpdate]:
    """The runs that decisions in shadow mode would have started."""
    query = select(DecisionRow.id).where(*_before(horizon))
    query = query.where(DecisionRow.live.is_(False), DecisionRow.action.in_(sorted(FIRING)))
    ids = session.scalars(query.order_by(DecisionRow.at, DecisionRow.id)).all()
    for asked in remembered.decisions.all(ids, lambda missing: _parsed(session, missing)):
        yield PastUpdate(
            decision=asked.id,
            started_at=asked.at,
            ended_at=asked.at,
            outcome="shadow",
            champion=asked.champion,
            new_rows=asked.facts.get("new_rows"),
        )
