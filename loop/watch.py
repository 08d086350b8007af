"""What the monitors see at one moment."""

from __future__ import annotations

from ..monitors.observe import Observation, observe
from .care import Care
from .champion import Champion
from .look import Look


def watch(care: Care, champion: Champion, windows: Look, *, pages: bool) -> Observation:
    """Let every monitor speak; no window, however broken, stops the others. *pages*: Evidently's, for people."""
    return observe(
        care.spec,
        reference=windows.reference,
        current=windows.current,
        outcomes=windows.outcomes,
        accepted=champion.accepted,
        performance_span=windows.performance,
        coverage=windows.coverage,
        left_out=windows.left_out,
        matured=windows.matured,
        known=champion.known,
        recent=windows.recent,
        before=windows.before,
        scored=windows.scored,
        calibration=windows.calibration,
        pages=pages,
    )
