"""Thresholds that follow the model's own history, and the signals read by them.

A monitor knows no history and measures by a fixed threshold. Where the spec asks for an adaptive one, the
signals are read again here, before triage sees them: a share of drifted columns, or a loss, that this model
shows every other week is no news.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...spec.keys.rules import Policy
from ...spec.keys.watching import Adaptive, fell
from ...spec.values import History, Signal, Status, finite
from ..evidence import DRIFT_SHARE, DROP, ESTIMATED_DROP
from ..past import whole
from ..rules.variables import value_of


def read_again(signals: Iterable[Signal], history: History, policy: Policy) -> list[Signal]:
    """The signals by the policy's adaptive thresholds; a fixed threshold leaves them as the monitors gave them."""
    share = threshold(policy.share, "drift.share", history) if isinstance(policy.share, Adaptive) else None
    loss = threshold(policy.tolerance, "performance.drop", history) if isinstance(policy.tolerance, Adaptive) else None
    used = {DRIFT_SHARE: share, DROP: loss, ESTIMATED_DROP: loss}
    return [_read(s, limit) if (limit := used.get(s.metric)) is not None else s for s in signals]


def threshold(adaptive: Adaptive, name: str, history: History) -> float:
    """The quantile of variable *name* over the last looks that have it; `fixed` until there are enough.

    Windows of broken data, and those without a value, are left out and looked past.
    """
    values = [value for d in whole(history) if (value := finite(value_of(name, d.facts))) is not None]
    last = values[-adaptive.windows :]
    found = quantile(last, adaptive.quantile) if len(last) >= adaptive.warm_up else adaptive.fixed
    return max(found, adaptive.least)


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile by linear interpolation between the two nearest values (type 7 of Hyndman and Fan 1996)."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])


def _read(signal: Signal, limit: float) -> Signal:
    if signal.column is not None or signal.status == "unknown":
        return signal
    value = finite(signal.value)
    if value is None:
        return signal.model_copy(update={"threshold": limit})
    crossed = value >= limit if signal.metric == DRIFT_SHARE else fell(value, finite(signal.low), limit)
    status: Status = "fail" if crossed else "ok"
    return signal.model_copy(update={"threshold": limit, "status": status})
