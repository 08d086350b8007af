"""What a decision may know of the past: nothing of later, and nothing of itself.

`until` is the one place that enforces it; whatever is computed from its result cannot look ahead.
"""

from __future__ import annotations

from datetime import datetime

from ..spec.values import FIRING, History, PastDecision, PastUpdate


def until(history: History, now: datetime, decision: str) -> History:
    """*history* as it was known at *now*, oldest first, without the entries of *decision* itself.

    A decision taken again, after a crash or a year later, must not see what came of it the first time. Of
    other decisions of the same moment (by hand, by another policy) only the runs they fire are known.
    """
    others = [d for d in history.decisions if d.id != decision]
    earlier = [_scored_by(d, now) for d in others if d.at < now]
    beside = [d.model_copy(update={"facts": {}, "score": None}) for d in others if d.at == now and d.action in FIRING]
    updates = [_ended_by(u, now) for u in history.updates if u.started_at <= now and u.decision != decision]
    return history.model_copy(
        update={
            "decisions": tuple(sorted(earlier + beside, key=lambda d: (d.at, d.id))),
            "updates": tuple(sorted(updates, key=lambda u: (u.started_at, u.decision))),
            "background": tuple(_ended_by(u, now) for u in history.background if u.decision != decision),
        }
    )


def looks(history: History) -> list[PastDecision]:
    """The decisions that looked at a window, oldest first, one for each moment.

    A start by hand looked at nothing, and has no facts.
    """
    found = {d.at: d for d in sorted(history.decisions, key=lambda d: (d.at, d.id)) if d.facts}
    return [found[at] for at in sorted(found)]


def whole(history: History) -> list[PastDecision]:
    """The looks whose data was not broken: only there does a measured value say something of the model."""
    return [d for d in looks(history) if d.verdict != "broken_data"]


def _scored_by(decision: PastDecision, now: datetime) -> PastDecision:
    if decision.score is None or decision.score.at <= now:
        return decision
    return decision.model_copy(update={"score": None})


def _ended_by(update: PastUpdate, now: datetime) -> PastUpdate:
    if update.ended_at is not None and update.ended_at > now:
        return PastUpdate(decision=update.decision, started_at=update.started_at, outcome="running")
    if update.rejected_at is not None and update.rejected_at > now:
        return update.model_copy(update={"rejected_at": None})
    return update
