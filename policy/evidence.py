"""Signals in a fixed order, and in words.

The policy never depends on the order in which monitors happened to report: everything below works on
`ordered(signals)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..spec.values import BUILT_IN_MONITORS, Signal, finite
from .wording import number

DROP = "drop"
ESTIMATED_DROP = "estimated_drop"
DRIFT_SHARE = "drift_share"
DRIFT_SCORE = "drift_score"
LABEL_DELAY_BIAS = "label_delay_bias"  # of labels that came, over more than the window: no variable is read from it


def ordered(signals: Iterable[Signal]) -> list[Signal]:
    """The signals in an order of their own, so that permuting them changes nothing."""
    return sorted(signals, key=lambda s: (s.monitor, s.metric, s.column or "", s.model_dump_json()))


def is_quality(signal: Signal) -> bool:
    """Whether the signal judges the data itself; `fail` on one is evidence of broken data."""
    return signal.monitor == "quality"


def is_own(signal: Signal) -> bool:
    """Whether a monitor of the team's own said it."""
    return signal.monitor not in BUILT_IN_MONITORS


def overall(signals: Sequence[Signal], metric: str) -> Signal | None:
    """The signal of *metric* over the whole window; the gravest, where monitors disagree."""
    found = [s for s in ordered(signals) if s.metric == metric and s.column is None]
    gravity = {"fail": 0, "warn": 1, "ok": 2, "unknown": 3}
    return min(found, key=lambda s: gravity[s.status], default=None)


def key(signal: Signal) -> str:
    """The signal's name in data: `monitor/metric`, and `/column` where it judges one."""
    return "/".join(part for part in (signal.monitor, signal.metric, signal.column) if part)


def words(signal: Signal) -> str:
    """One signal as a phrase with its values."""
    where = f" of column {signal.column!r}" if signal.column is not None else ""
    text = f"{signal.monitor}: {signal.metric}{where}"
    note = f" ({signal.note})" if signal.note else ""
    if signal.status == "unknown":
        return f"{text} could not be measured on {signal.rows:,} rows{note}"
    value, low, high = finite(signal.value), finite(signal.low), finite(signal.high)
    if value is None:
        text += " failed" if signal.status == "fail" else f" is {signal.status}"
    else:
        text += f" is {number(value)}"
    if low is not None and high is not None:
        text += f" (interval {number(low)} to {number(high)})"
    for name, beside in (("threshold", finite(signal.threshold)), ("reference", finite(signal.reference))):
        if beside is not None:
            text += f", {name} {number(beside)}"
    return f"{text}, on {signal.rows:,} rows{note}"
