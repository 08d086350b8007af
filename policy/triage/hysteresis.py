"""Verdicts that do not flap: easier to stay in than to come into.

Drift comes at its threshold and goes below 0.8 of it; a loss comes when even its interval's lower end is
above the tolerance, and goes when the loss itself is at most that (a Schmitt trigger). Each counts only
under one champion: another one has another reference, and starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.keys.rules import Policy
from ...spec.keys.watching import fixed
from ...spec.values import History, PastDecision, Signal, finite
from ..evidence import DRIFT_SHARE, overall
from ..past import whole
from ..rules.variables import value_of

LEAVES_AT = 0.8  # share of the threshold below which drift is over


def drift_threshold(signals: Sequence[Signal], policy: Policy) -> float:
    """The share of drifted columns that this window is judged by."""
    return _used(overall(signals, DRIFT_SHARE), fixed(policy.share))


def tolerance(loss: Signal | None, policy: Policy) -> float:
    """The loss that is no harm in this window."""
    return _used(loss, fixed(policy.tolerance))


def moved(signals: Sequence[Signal], history: History, policy: Policy) -> bool | None:
    """Whether the features have moved away from the reference; None where drift was not measured."""
    share = overall(signals, DRIFT_SHARE)
    if share is None or share.status == "unknown":
        return None
    value = finite(share.value)
    if share.status == "fail" or value is None:
        return share.status == "fail"
    before = [d for d in whole(history) if value_of("drift.moved", d.facts) is not None]
    if not before or before[-1].champion != history.champion or not value_of("drift.moved", before[-1].facts):
        return False
    return value >= LEAVES_AT * drift_threshold(signals, policy)


def not_recovered(loss: Signal, before: Sequence[PastDecision], history: History, policy: Policy) -> bool:
    """Whether the last of the windows *before* was harm under this champion, and the loss is still there."""
    value = finite(loss.value)
    if value is None or not before or before[-1].verdict != "harm" or before[-1].champion != history.champion:
        return False
    return value > tolerance(loss, policy)


def _used(signal: Signal | None, otherwise: float) -> float:
    limit = finite(signal.threshold) if signal is not None else None
    return otherwise if limit is None else limit
