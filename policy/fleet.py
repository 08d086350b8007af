"""One model's part in the fleet's alarm: the e-process on its loss, computed again from the ledger's own looks.

No state is kept beside the ledger: the e-value follows from the facts of earlier looks, so that a restart and a
recomputation find the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..anytime.fleet import HarmEvidence
from ..spec.values import History, Signal, Span, finite
from .evidence import overall
from .past import whole

MONITOR, NEEDED = "fleet", "e_needed"
_NORMAL = 1.96  # standard errors from the middle to the end of a 95 % interval


def fleet_signal(needed: float, models: int, window: Span) -> Signal:
    """What the fleet asks of this model at this look: the e-value *needed* for an alarm among *models* models."""
    return Signal(
        monitor=MONITOR,
        metric=NEEDED,
        value=needed,
        reference=float(models),
        status="ok",
        note=f"e-value from which this model has an alarm beside {models - 1} others",
        window=window,
        rows=0,
    )


def fleet_facts(
    signals: Sequence[Signal], known: Mapping[str, object], history: History, window: Span
) -> dict[str, float]:
    """The variables `fleet.*`; none where the look knew of no fleet, as those of earlier releases.

    *known* are the other variables of this look, by their dotted names. *history* ends before it.
    """
    asked = overall(signals, NEEDED)
    if asked is None or asked.value is None:
        return {}
    e_value = evidence(known, history, window).e_value
    return {
        "fleet.e_value": e_value,
        "fleet.models": int(asked.reference or 1),
        "fleet.alarm": e_value >= asked.value,
    }


def evidence(known: Mapping[str, object], history: History, window: Span) -> HarmEvidence:
    """The champion's e-process up to this look.

    A look counts if its data was not broken and it ends at least one window after the last that counted: bets
    must not be laid twice on the same rows. The loss is measured against what the spec calls no harm
    (`performance.tolerance`), which also covers that the accepted level is itself an estimate.
    """
    process, counted = HarmEvidence(), None
    for look in whole(history):
        if look.champion != history.champion:
            continue
        length = timedelta(hours=float(look.facts.get("window", {}).get("hours", 0.0)))
        harm = _harm(look.facts.get("performance", {}))
        if harm is None or (counted is not None and look.at - counted < length):
            continue
        process, counted = process.look(harm), look.at
    harm = _harm({name.partition(".")[2]: value for name, value in known.items() if name.startswith("performance.")})
    broken = known.get("triage") == "broken_data"
    if harm is None or broken or (counted is not None and window.end - counted < window.length):
        return process
    return process.look(harm)


def _harm(performance: Mapping[str, Any]) -> float | None:
    """The loss above what is no harm, in standard errors; None where it was not measured."""
    drop, low = finite(performance.get("drop")), finite(performance.get("drop_low"))
    if drop is None or low is None or low >= drop:
        return None
    return (drop - (finite(performance.get("tolerance")) or 0.0)) / ((drop - low) / _NORMAL)
