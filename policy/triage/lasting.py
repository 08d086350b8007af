"""Whether a loss lasts: k of the last n windows that could tell, and until it has recovered.

A window could tell if its data was whole and its drop was known; the others are looked past. The count goes
over the model's lineage, not over one champion: the reference is the lineage's baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...spec.keys.rules import Policy
from ...spec.values import History, PastDecision, Signal
from ..past import whole
from ..rules.variables import value_of
from ..wording import number
from .hysteresis import not_recovered, tolerance


@dataclass(frozen=True)
class Lasting:
    """What the windows before make of a loss in this one: *harm* or not yet, and why."""

    harm: bool
    text: str


def lasting(loss: Signal, history: History, policy: Policy) -> Lasting | None:
    """Judge the measured, or estimated, *loss*; None where there is none to speak of."""
    before = [d for d in whole(history) if failing(d, policy) is not None]
    if not_recovered(loss, before, history, policy):
        ends = number(tolerance(loss, policy))
        return Lasting(True, f"performance has not recovered: it was harm before, which ends at a drop of {ends}")
    if loss.status != "fail":
        return None
    k, n = policy.triage.persist.k, policy.triage.persist.n
    fell = 1 + sum(failing(d, policy) is True for d in (before[-(n - 1) :] if n > 1 else ()))
    return Lasting(
        fell >= k, f"performance fell in {fell} of the last {n} windows, this one included; {k} needed (triage.persist)"
    )


def failing(past: PastDecision, policy: Policy) -> bool | None:
    """Whether performance had fallen in an earlier window; None where that was not known."""
    fell = value_of("performance.failing", past.facts)
    if fell is None and policy.estimate == "count":
        fell = value_of("estimate.failing", past.facts)
    return None if fell is None else bool(fell)
