"""What the monitors see at one moment."""

from __future__ import annotations

from dataclasses import replace

from ...monitors.observe import Labels, Observation, observe
from ..champion import Champion
from ..context import ModelContext
from .unmeasured import unmeasured
from .windows import ObservedWindows


def watch(context: ModelContext, champion: Champion, windows: ObservedWindows, *, pages: bool) -> Observation:
    """Let every monitor speak; no window, however broken, stops the others. *pages*: Evidently's, for people."""
    seen = observe(
        context.spec,
        reference=windows.reference,
        current=windows.current,
        labels=Labels(
            outcomes=windows.outcomes,
            accepted=champion.accepted,
            performance_span=windows.performance,
            coverage=windows.coverage,
            left_out=windows.left_out,
            matured=windows.matured,
            before=windows.before,
            judged_rows=windows.judged,
            scored=windows.scored,
            calibration=windows.calibration,
            answered=windows.answered,
            arrivals=windows.arrivals,
        ),
        known=champion.known,
        recent=windows.recent,
        pages=pages,
    )
    missing = unmeasured(context, champion, windows, seen.signals)
    return seen if missing is None else replace(seen, signals=(*seen.signals, missing))
