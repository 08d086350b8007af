"""A decision's own view of the past, rebuilt from the ledger alone, so that it can be taken again."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ..spec.errors import Refused
from ..spec.keys.rules import Policy
from ..spec.values import Decision, History, Signal
from . import decisions, policies
from .history import Horizon, past
from .remembered import Remembered
from .tables import DecisionRow


def as_of(
    session: Session, decision_id: str, remembered: Remembered, *, limit: int, live: bool | None
) -> tuple[History, tuple[Signal, ...], Policy]:
    """What the decision was taken from: the history that it saw, its signals and its policy.

    Written later does not mean happened later: what the decision could not see yet is left out by the order of
    writing, and its own run with it. Raises Refused where the ledger does not hold enough.
    """
    row = session.get(DecisionRow, decision_id)
    if row is None:
        raise Refused(f"decision {decision_id} is not in the ledger, so that it cannot be taken again.")
    decision = Decision.model_validate_json(row.document)
    if decision.basis is None or row.window_id is None:
        raise Refused(
            f"decision {decision_id} of {decision.at:%Y-%m-%d %H:%M} keeps no basis: it was started by hand, or "
            "recorded before Ratoon kept one. It cannot be taken again."
        )
    policy = policies.find(session, decision.policy)
    if policy is None:
        raise Refused(
            f"decision {decision_id} of {decision.at:%Y-%m-%d %H:%M} was taken by policy {decision.policy or '?'}, "
            "which is not in the ledger: it was recorded before Ratoon kept policies. It cannot be taken again."
        )
    seen = past(
        session,
        Horizon(
            model=decision.model,
            now=decision.at,
            limit=limit,
            live=live,
            shadow=not row.live,
            decision=decision.id,
            marks=decision.basis.marks,
        ),
        remembered,
    )
    known = {name: getattr(decision.basis, name) for name in type(decision.basis).model_fields}
    history = History(
        model=decision.model, decisions=seen.decisions, updates=seen.updates, background=seen.background, **known
    )
    return history, tuple(decisions.signals(session, decision.id)), policy
