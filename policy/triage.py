"""Triage: one verdict over all signals of a window.

The order is the order of caution. Broken data comes first, since nothing measured on it can be trusted;
harm next; then whether performance could be measured at all, since a window without labels is never
`healthy`, only not known to be ill.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..spec.values import Signal, Triage
from .evidence import DRIFT_SCORE, DRIFT_SHARE, DROP, is_quality, ordered, overall, words


def triage(signals: Sequence[Signal]) -> Triage:
    """The verdict over *signals*, with the evidence that decided it in words.

    - `broken_data`: a quality signal failed.
    - `harm`: the `drop` signal failed.
    - `unsure`: performance could not be measured; the evidence says whether the features drifted.
    - `harmless_shift`: the features drifted (`drift_share` failed) and performance was measured sound.
    - `healthy`: nothing failed and performance was measured sound.
    """
    signals = ordered(signals)
    drop = overall(signals, DROP)
    broken = [s for s in signals if is_quality(s) and s.status == "fail"]
    unscreened = [words(s) for s in signals if is_quality(s) and s.status == "unknown"]
    if broken:
        lost = [words(drop)] if drop is not None and drop.status == "fail" else []
        return Triage(verdict="broken_data", evidence=tuple([words(s) for s in broken] + lost + unscreened))
    if drop is not None and drop.status == "fail":
        return Triage(verdict="harm", evidence=(words(drop), *_drift(signals), *unscreened))
    if drop is None or drop.status == "unknown":
        why = words(drop) if drop is not None else "performance: no monitor measured a drop"
        return Triage(verdict="unsure", evidence=(why, *_drift(signals), *unscreened))
    share = overall(signals, DRIFT_SHARE)
    moved = share is not None and share.status == "fail"
    return Triage(
        verdict="harmless_shift" if moved else "healthy", evidence=(words(drop), *_drift(signals), *unscreened)
    )


def _drift(signals: Sequence[Signal]) -> list[str]:
    """What is to be said of drift beside the performance."""
    share = overall(signals, DRIFT_SHARE)
    columns = sorted({s.column for s in signals if s.metric == DRIFT_SCORE and s.status == "fail" and s.column})
    named = [f"drift: drifted columns are {', '.join(columns)}"] if columns else []
    if share is None:
        return ["drift: not measured", *named]
    return [words(share), *named]
