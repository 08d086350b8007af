"""The past as a decision at *now* may see it: nothing that was decided, started or ended later."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..spec.values import Decision, History, PastDecision, PastUpdate
from .entries import UpdateRow
from .flights import updates
from .tables import DecisionRow


def history(session: Session, model: str, now: datetime, *, limit: int, live: bool | None) -> History:
    """The newest *limit* decisions before *now*, and every update started by *now*; newest last.

    Only decisions over a window count, since persistence counts windows: a start by hand has none. *now*
    itself is left out for decisions, since the one being taken is no past of its own. An update that ended
    later than *now* was still running. Watermark, new rows and champion are the caller's to fill.
    """
    query = select(DecisionRow.document).where(
        DecisionRow.model == model, DecisionRow.at < now, DecisionRow.window_id.is_not(None)
    )
    if live is not None:
        query = query.where(DecisionRow.live == live)
    query = query.order_by(DecisionRow.at.desc(), DecisionRow.id.desc()).limit(limit)
    decided = [Decision.model_validate_json(document) for document in reversed(session.scalars(query).all())]
    started = sorted((u for u in updates(session, model) if u.at <= now), key=lambda u: (u.at, u.number))
    return History(
        model=model,
        decisions=tuple(
            PastDecision(id=d.id, at=d.at, action=d.action, verdict=d.triage.verdict, matched=d.matched)
            for d in decided
        ),
        updates=tuple(_past(update, now) for update in started),
    )


def _past(update: UpdateRow, now: datetime) -> PastUpdate:
    if update.ended_at is not None and update.ended_at > now:
        return PastUpdate(decision=update.decision, started_at=update.at, outcome="running")
    return PastUpdate(
        decision=update.decision,
        started_at=update.at,
        ended_at=update.ended_at,
        outcome=update.outcome,
        version=update.version,
        cpu_seconds=update.cpu_seconds,
    )
