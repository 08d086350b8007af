"""Decisions with their windows and signals: written once, read back equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from ..spec.keys.rules import Policy
from ..spec.values import Decision, Signal
from . import policies
from .acceptances import acceptances
from .entries import Evaluation, Outlying
from .tables import DecisionRow, SignalRow, WindowRow
from .transactions import Repository, reads, writes


class Decisions(Repository):
    """Decisions with what they stood on, by `ledger.decisions`."""

    @writes
    def record(
        self,
        session: Session,
        decision: Decision,
        signals: Sequence[Signal],
        *,
        policy: Policy | None = None,
        run: str | None = None,
        live: bool,
    ) -> tuple[Decision, bool]:
        """Write window, signals, decision and what decided in one transaction; *run* is the Prefect flow run.

        A policy is written once per version; it must be the one that the decision names (else ValueError).
        If a decision with this id is stored already, that one is returned with False, and nothing is
        written: act on what is returned.
        """
        if policy is not None and policy.version != decision.policy:
            raise ValueError(
                f"decision {decision.id} names policy {decision.policy!r}, not {policy.version!r} as given"
            )
        stored = find(session, decision.id)
        if stored is not None:
            return stored, False
        if policy is not None:
            policies.record(session, policy)
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
        if signals:
            session.execute(insert(SignalRow), [_signal(decision.id, window_id, *each) for each in enumerate(signals)])
        return decision, True

    @reads
    def find(self, session: Session, decision_id: str) -> Decision | None:
        """The decision stored under this id; None if there is none."""
        return find(session, decision_id)

    @reads
    def of(self, session: Session, model: str, limit: int | None = None) -> list[Decision]:
        """The newest *limit* decisions of *model* (left out: all), newest last."""
        query = (
            select(DecisionRow.document)
            .where(DecisionRow.model == model)
            .order_by(DecisionRow.at.desc(), DecisionRow.id.desc())
            .limit(limit)
        )
        return [Decision.model_validate_json(document) for document in reversed(session.scalars(query).all())]

    @reads
    def evaluations(self, session: Session, model: str, *, before: datetime) -> list[Evaluation]:
        """Every window looked at before *before*, however long ago; oldest first."""
        query = (
            select(DecisionRow.id, DecisionRow.at, WindowRow.start, DecisionRow.verdict)
            .join(WindowRow, WindowRow.id == DecisionRow.window_id)
            .where(DecisionRow.model == model, DecisionRow.at < before)
            .order_by(DecisionRow.at, DecisionRow.id)
        )
        rows = session.execute(query).all()
        outlying = _outlying(session, model, before)
        if not outlying and not any(row.verdict == "broken_data" for row in rows):
            return [Evaluation(at=row.at, start=row.start, verdict=row.verdict) for row in rows]
        whole = SignalRow.document.contains('"within":[')
        failed = _quality(session, model, before, (SignalRow.status == "fail") & ~whole)
        lasting = _quality(session, model, before, SignalRow.document.contains('"lasting":true'))
        accepted = acceptances(session, model, before)
        return [
            Evaluation(
                at=row.at,
                start=row.start,
                verdict=row.verdict,
                failed=failed[row.id],
                lasting=lasting[row.id],
                outlying=tuple(outlying[row.id]),
                accepted=any(each.start <= row.at <= each.until for each in accepted),
            )
            for row in rows
        ]

    @reads
    def signals(self, session: Session, decision_id: str) -> list[Signal]:
        """The signals behind one decision, in the order in which they were recorded."""
        return signals(session, decision_id)


def _signal(decision: str, window_id: int | None, position: int, signal: Signal) -> dict[str, object]:
    columns = {name: getattr(signal, name) for name in ("monitor", "metric", "column", "status", "value")}
    place = {"decision": decision, "position": position, "window_id": window_id}
    return columns | place | {"document": signal.model_dump_json()}


def find(session: Session, decision_id: str) -> Decision | None:
    """The decision stored under this id, if any."""
    row = session.get(DecisionRow, decision_id)
    return None if row is None else Decision.model_validate_json(row.document)


def _outlying(session: Session, model: str, before: datetime) -> defaultdict[str, list[Outlying]]:
    """The bounds outside of which rows are kept out, by decision."""
    query = (
        select(SignalRow.decision, SignalRow.document)
        .join(DecisionRow, DecisionRow.id == SignalRow.decision)
        .where(DecisionRow.model == model, DecisionRow.at < before, SignalRow.monitor == "quality")
        .where(SignalRow.metric == "out_of_range", SignalRow.document.contains('"within":['))
        .order_by(SignalRow.position)
    )
    found = defaultdict[str, list[Outlying]](list)
    for decision, document in session.execute(query):
        signal = Signal.model_validate_json(document)
        if signal.within is not None and signal.column is not None:
            low, high = signal.within
            found[decision].append(Outlying(column=signal.column, low=low, high=high))
    return found


def _quality(session: Session, model: str, before: datetime, which: ColumnElement[bool]) -> dict[str, frozenset[str]]:
    """The metrics of the quality signals *which*, by decision; an empty set for every other."""
    query = (
        select(SignalRow.decision, SignalRow.metric)
        .join(DecisionRow, DecisionRow.id == SignalRow.decision)
        .where(DecisionRow.model == model, DecisionRow.at < before, SignalRow.monitor == "quality", which)
    )
    found = defaultdict[str, frozenset[str]](frozenset)
    for decision, metric in session.execute(query):
        found[decision] |= {metric}
    return found


def signals(session: Session, decision_id: str) -> list[Signal]:
    """The signals behind one decision, in the order in which they were recorded."""
    query = select(SignalRow.document).where(SignalRow.decision == decision_id).order_by(SignalRow.position)
    return [Signal.model_validate_json(document) for document in session.scalars(query)]
