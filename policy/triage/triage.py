"""Triage: one verdict over all signals of a window, in the light of the windows before.

The order is the order of caution. Broken data comes first, since nothing measured on it can be trusted;
harm next, and only where it lasts: a drop in one window is what chance looks like. Then whether performance
could be measured at all, since a window without labels is never `healthy`, only not known to be ill.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...spec.keys.rules import Policy
from ...spec.values import History, Signal, Triage, Verdict
from ..evidence import DRIFT_SCORE, DRIFT_SHARE, DROP, ESTIMATED_DROP, is_own, is_quality, key, ordered, overall, words
from ..wording import number
from .hysteresis import LEAVES_AT, drift_threshold, moved
from .lasting import lasting

WITHOUT_LABELS = "estimate, without labels"


def triage(signals: Sequence[Signal], history: History, policy: Policy) -> Triage:
    """The verdict over *signals*, with the evidence that decided it in words and in data.

    - `broken_data`: a quality signal failed, and not for a few rows alone that are kept out one by one.
    - `harm`: the `drop` signal failed, and did so in k of the last n windows in which it was measured and the
      data was whole (`triage.persist`); once called, it stays until the drop is at most the tolerance.
    - `unsure`: performance could not be measured, or fell in too few windows yet. Where the policy counts a
      label-free estimate, a failed `estimated_drop` stands in for the drop that could not be measured.
    - `harmless_shift`: the features moved (`drift_share` failed, and has not come back to 0.8 of the
      threshold) and performance was measured sound.
    - `healthy`: nothing failed and performance was measured sound.

    *history* must hold nothing later than the window (`past.until`).
    """
    signals = ordered(signals)
    drop = overall(signals, DROP)
    broken = [s for s in signals if is_quality(s) and s.status == "fail" and s.within is None]
    unscreened = [words(s) for s in signals if is_quality(s) and (s.status == "unknown" or s.within is not None)]
    if broken:
        lost = [words(drop)] if drop is not None and drop.status == "fail" else []
        return _triage("broken_data", [*map(words, broken), *lost, *unscreened], broken)
    own = [words(s) for s in signals if is_own(s) and s.status in ("fail", "unknown")]
    beside = [*_drift(signals, history, policy), *own, *unscreened]
    if drop is None or drop.status == "unknown":
        return _without_labels(drop, overall(signals, ESTIMATED_DROP), beside, history, policy)
    loss = lasting(drop, history, policy)
    if loss is not None:
        return _triage("harm" if loss.harm else "unsure", [words(drop), loss.text, *beside], [drop])
    if moved(signals, history, policy):
        return _triage("harmless_shift", [words(drop), *beside], [overall(signals, DRIFT_SHARE), drop])
    return _triage("healthy", [words(drop), *beside], [drop])


def _without_labels(
    drop: Signal | None, estimate: Signal | None, beside: Sequence[str], history: History, policy: Policy
) -> Triage:
    """Performance could not be measured; an estimate speaks, but calls harm only where the policy counts it."""
    why = words(drop) if drop is not None else "performance: no monitor measured a drop"
    if estimate is None or estimate.status == "unknown" or policy.estimate == "off":
        return _triage("unsure", [why, *beside], [drop])
    once = estimate.model_copy(update={"note": estimate.note.removeprefix(f"{WITHOUT_LABELS}: ")})
    said = f"{WITHOUT_LABELS}: {words(once)}"
    loss = lasting(estimate, history, policy) if policy.estimate == "count" else None
    if loss is not None and loss.harm:
        return _triage("harm", [said, loss.text, why, *beside], [estimate])
    counted = [loss.text] if loss is not None else []
    return _triage("unsure", [why, said, *counted, *beside], [drop, estimate])


def _triage(verdict: Verdict, evidence: Sequence[str], deciding: Sequence[Signal | None]) -> Triage:
    named = dict.fromkeys(key(s) for s in deciding if s is not None)
    return Triage(verdict=verdict, evidence=tuple(evidence), signals=tuple(named))


def _drift(signals: Sequence[Signal], history: History, policy: Policy) -> list[str]:
    """What is to be said of drift beside the performance."""
    share = overall(signals, DRIFT_SHARE)
    columns = sorted({s.column for s in signals if s.metric == DRIFT_SCORE and s.status == "fail" and s.column})
    named = [f"drift: drifted columns are {', '.join(columns)}"] if columns else []
    if share is None:
        return ["drift: not measured", *named]
    if share.status != "fail" and moved(signals, history, policy):
        ends = number(LEAVES_AT * drift_threshold(signals, policy))
        named.insert(0, f"drift has not gone: the features had moved before, and it ends below {ends}")
    return [words(share), *named]
