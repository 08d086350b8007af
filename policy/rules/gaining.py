"""The `gain` variables: whether promoting what was learned in the background pays.

Retraining pays when what it gains a prediction, times the predictions until the next promotion, times the price of an
error, exceeds what a run costs. A promotion is expected to last as long as the present champion has lasted, at least
until the next look. Without prices it pays when the gain is proven and larger than `gain.tolerance`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ...spec.keys.rules import Policy
from ...spec.values import EARLIER, History, Span, finite
from ..guards.price import expected_cpu_seconds, price
from ..strategies.credits import Gain, best_gain, gain_of


def gains(history: History, policy: Policy, now: datetime, *, rows: int, window: Span) -> dict[str, object]:
    """The variables; without trials only the strategy that leads. *rows* were predicted in *window*."""
    known: dict[str, object] = {"gain.strategy": history.leader}
    back = gain_of(history, EARLIER)
    if back is not None and back.by == "direct":
        known |= {"gain.earlier": finite(back.value), "gain.earlier_low": finite(back.low)}
    gain = best_gain(history, floor=policy.gain_tolerance)
    if gain is None:
        return known
    proven = gain.low > policy.gain_tolerance
    return known | {
        "gain.strategy": gain.strategy,
        "gain.value": finite(gain.value),
        "gain.low": finite(gain.low),
        "gain.high": finite(gain.high),
        "gain.rows": gain.rows,
        "gain.by": gain.by,
        "gain.proven": proven,
        "gain.pays": proven and _worth_it(gain, history, policy, now, rows, window),
    }


def _worth_it(gain: Gain, history: History, policy: Policy, now: datetime, rows: int, window: Span) -> bool:
    costs = policy.costs
    if costs is None:
        return True
    cpu_seconds = expected_cpu_seconds(history, policy)
    if cpu_seconds is None and costs.cpu_hour > 0:
        return True  # nobody knows yet what a run costs, and only a run can tell
    lasted = now - history.champion_since if history.champion_since is not None else timedelta(0)
    ahead = rows * (max(lasted, policy.every) / window.length) if window.length > timedelta(0) else 0.0
    return gain.value * ahead * costs.error >= price(costs, cpu_seconds or 0.0)
