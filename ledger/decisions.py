"""Decisions with their windows and signals: written once, read back equal."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..spec.values import Decision, Signal
from .tables import DecisionRow, SignalRow, WindowRow


def record(
    session: Session, decision: Decision, signals: Sequence[Signal], *, run: str | None, live: bool
) -> tuple[Decision, bool]:
    """Write window, decision and signals; or hand back the decision that is stored under this id."""
    stored = find(session, decision.id)
    if stored is not None:
        return stored, False
    window_id = None
    if decision.window is not None:
        window = WindowRow(
            model=decision.model,
            start=decision.window.start,
            end=decision.window.end,
            rows=max((signal.rows for signal in signals), default=0),
        )
        session.add(window)
        session.flush()
        window_id = window.id
    session.add(
        DecisionRow(
            id=decision.id,
            model=decision.model,
            at=decision.at,
            action=decision.action,
            verdict=decision.triage.verdict,
            rule=decision.rule,
            policy=decision.policy,
            champion=decision.champion,
            run=run,
            live=live,
            window_id=window_id,
            document=decision.model_dump_json(),
        )
    )
    session.flush()
    session.add_all(
        SignalRow(
            decision=decision.id,
            position=position,
            window_id=window_id,
            monitor=signal.monitor,
            metric=signal.metric,
            column=signal.column,
            status=signal.status,
            value=signal.value,
            document=signal.model_dump_json(),
        )
        for position, signal in enumerate(signals)
    )
    return decision, True


def find(session: Session, decision_id: str) -> Decision | None:
    """The decision stored under this id, if any."""
    row = session.get(DecisionRow, decision_id)
    return None if row is None else Decision.model_validate_json(row.document)


def decisions(session: Session, model: str, limit: int | None) -> list[Decision]:
    """The newest *limit* decisions of *model*, newest last."""
    query = (
        select(DecisionRow.document)
        .where(DecisionRow.model == model)
        .order_by(DecisionRow.at.desc(), DecisionRow.id.desc())
        .limit(limit)
    )
    return [Decision.model_validate_json(document) for document in reversed(session.scalars(query).all())]


def signals(session: Session, decision_id: str) -> list[Signal]:
    """The signals behind one decision, in the order in which they were recorded."""
    query = select(SignalRow.document).where(SignalRow.decision == decision_id).order_by(SignalRow.position)
    return [Signal.model_validate_json(document) for document in session.scalars(query)]
