"""The cost of waiting against the cost of training: retrain when waiting is dearer.

Each window's loss is worth money: what retraining would win back of it, for every prediction made meanwhile.
That money is summed since the last training run; once the sum reaches the price of a run, `cost.pays`. This
is the rule of the ski rental: rent until the rents paid reach the price of buying, and never pay more than
twice of what one who knew the future would have paid.

- Continuum retrains when the regret that staleness has piled up reaches the cost of training, and is
  2-competitive (Tian, Yu and Wang 2018, "Continuum: A Platform for Cost-Aware, Low-Latency Continual
  Learning", SoCC, doi 10.1145/3267809.3267817).
- CARA weighs a staleness cost against a retraining cost; its cumulative-threshold variant sums the first
  (Mahadevan and Mathioudakis 2024, "Cost-aware retraining for machine learning", Knowledge-Based Systems 293,
  arXiv 2310.04216).

Ours differs in three things. The loss is measured on labels, not estimated from the data's distance. Only the
recoverable part counts: the share of it that this model's earlier updates won back. And the sum includes the
stretch until the next look, since that is what waiting now means. The bound of two holds for the loss as
measured: noise that looks like a loss is summed too, so use `cost.pays` beside `triage == "harm"`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ...spec.keys.metric import RELATIVE
from ...spec.keys.rules import Policy
from ...spec.values import History, PastUpdate, Span
from ..past import looks
from ..rules.variables import value_of
from .price import expected_cpu_seconds, price

PRIOR, PRIOR_RUNS = 0.5, 2  # before any update is known, half of a loss is thought to be won back


def cost(
    seen: Mapping[str, Any], history: History, policy: Policy, now: datetime, *, rows: int, window: Span
) -> dict[str, Any]:
    """The `cost` variables, from the other ones in *seen*; none without prices in the spec.

    *rows* were predicted in *window*. A window of broken or unmeasured data adds nothing, and a price that
    is not known yet leaves `cost.training` and `cost.pays` without a value.
    """
    costs = policy.costs
    if costs is None:
        return {}
    loss = measured_loss(seen, policy.metric, policy.relative) if value_of("triage", seen) != "broken_data" else None
    days = window.length / timedelta(days=1)
    per_day = None
    if loss is not None and days > 0:
        per_day = max(0.0, loss) * recovered_share(history, policy.metric, policy.relative) * rows / days * costs.error
    since = _paid_last(history)
    before = looks(history)
    previous = before[-1].at if before else now - policy.every
    step = (per_day or 0.0) * _days(now - (previous if since is None else max(previous, since)))
    past = [float(value_of("cost.step", d.facts) or 0.0) for d in before if since is None or d.at > since]
    waiting = math.fsum([*past, step, (per_day or 0.0) * _days(policy.every)])
    cpu_seconds = expected_cpu_seconds(history, policy)
    known = cpu_seconds is not None or costs.cpu_hour == 0
    training = price(costs, cpu_seconds or 0.0) if known else None
    return {
        "cost.cpu_seconds": cpu_seconds,
        "cost.training": training,
        "cost.gain": per_day,
        "cost.step": step,
        "cost.waiting": waiting,
        "cost.pays": None if training is None else waiting >= training and (per_day or 0.0) > 0,
    }


def measured_loss(seen: Mapping[str, Any], metric: str, relative: bool | None = None) -> float | None:
    """The drop in the metric's unit, positive is worse; None where it was not measured.

    *relative* says of a team's own metric whether the drop is a share of the reference.
    """
    drop, reference = value_of("performance.drop", seen), value_of("performance.reference", seen)
    if drop is None:
        return None
    if not (metric in RELATIVE if relative is None else relative):
        return float(drop)
    return None if reference is None else float(drop) * abs(float(reference))


def recovered_share(history: History, metric: str, relative: bool | None = None) -> float:
    """The share of the loss that earlier updates won back, drawn towards one half as by two such runs.

    An update that was refused, failed, given up or rejected won back nothing. One whose loss or gain was not
    measured says nothing, and neither does one that left a candidate which may yet prove itself.
    """
    loss_at = {d.id: measured_loss(d.facts, metric, relative) for d in looks(history)}
    shares = []
    for run in sorted(history.updates, key=lambda u: (u.started_at, u.decision)):
        loss, gain = loss_at.get(run.decision), _gain(run)
        if loss is not None and loss > 0 and gain is not None:
            shares.append(min(1.0, max(0.0, gain / loss)))
    return (PRIOR * PRIOR_RUNS + math.fsum(shares)) / (PRIOR_RUNS + len(shares))


def _gain(run: PastUpdate) -> float | None:
    if run.promising:
        return None
    if run.rejected_at is not None or run.outcome in ("refused", "failed", "abandoned"):
        return 0.0
    return run.gain if run.outcome == "registered" and run.gain is not None and math.isfinite(run.gain) else None


def _paid_last(history: History) -> datetime | None:
    """When the sum began anew: the last training run's start, or the champion's promotion if that is later."""
    starts = [u.started_at for u in history.updates]
    return max([*starts, *([history.champion_since] if history.champion_since else [])], default=None)


def _days(length: timedelta) -> float:
    return max(0.0, length / timedelta(days=1))
