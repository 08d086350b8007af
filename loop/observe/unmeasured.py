"""A performance that cannot be measured, look after look: nothing was found, for nobody looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ...policy.evidence import DROP, overall
from ...policy.past import looks
from ...policy.rules.variables import value_of
from ...spec.values import PastDecision, Signal, Status
from ..champion import Champion
from ..context import ModelContext
from .windows import ObservedWindows

METRIC = "unmeasured"
LOOKS = 5  # in a row, this one included, and over a whole window
_SETTLED = 2  # windows that a champion serves, before its own first rows can be judged


def unmeasured(
    context: ModelContext, champion: Champion, windows: ObservedWindows, signals: Sequence[Signal]
) -> Signal | None:
    """The signal that performance has long not been measured, though the window has rows enough; None where it was.

    It fails, but for windows whose labels came in a share that is less than `maturity`: by these learning can be
    judged all the same.
    """
    quality, watched, arrivals = context.spec.monitors.quality, context.spec.monitors.performance, windows.arrivals
    drop = overall(signals, DROP)
    if quality is None or METRIC in quality.off or watched is None or arrivals is None:
        return None
    if drop is None or drop.status != "unknown" or arrivals.rows < watched.min_labels:
        return None
    now, extent = arrivals.now, windows.current.span.length
    if champion.since > now - _SETTLED * extent:
        return None
    missed = _missed(context, now)
    if len(missed) + 1 < LOOKS or missed[0].at > now - extent:
        return None
    note = (
        f"performance could not be measured at {len(missed) + 1} looks in a row, since {missed[0].at:%Y-%m-%d %H:%M}, "
        f"though its windows have rows: {drop.note}"
    )
    status: Status = "warn" if drop.rows >= watched.min_labels else "fail"
    return Signal(
        monitor="quality",
        metric=METRIC,
        value=float(len(missed) + 1),
        threshold=float(LOOKS),
        status=status,
        note=note,
        window=windows.current.span,
        rows=windows.current.rows,
    )


def _missed(context: ModelContext, now: datetime) -> list[PastDecision]:
    """The looks just before *now* at which performance was not measured, oldest first."""
    found: list[PastDecision] = []
    for past in reversed([d for d in looks(context.ledger.history(context.spec.model, now)) if d.at < now]):
        if value_of("performance.value", past.facts) is not None:
            break
        found.append(past)
    return found[::-1]
