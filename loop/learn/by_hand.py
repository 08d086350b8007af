"""A start by hand is a decision too: it is written down with its reason before it acts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ...policy.decide import decision_id
from ...spec.values import Action, Decision, Triage
from ..context import ModelContext
from ..events import Decided


def decide_by_hand(
    context: ModelContext, strategy: Literal["warm", "scratch"], reason: str, now: datetime, run: str
) -> Decision:
    """Record the operator's decision, once for the flow run *run*: a repeat of it finds the same one."""
    spec = context.spec
    reason = " ".join(reason.split())  # one line, wherever it is shown: no heading or table of its own
    serving = context.registry.champion()
    action: Action = "warm_start" if strategy == "warm" else "full_retrain"
    decision = Decision(
        id=decision_id(spec.model, now, f"by hand {run} {strategy}"),
        model=spec.model,
        at=now,
        action=action,
        triage=Triage(verdict="unsure", evidence=("A person started this run; the monitors were not asked.",)),
        reasons=(f"Started by hand: {reason or 'no reason was given'}.",),
        policy=spec.policy_version,
        champion=serving.number if serving else None,
    )
    fired, is_new = context.ledger.decisions.record(decision, (), run=run, live=True)
    if is_new:
        context.listener.event(Decided.of(spec, fired))
    return fired
