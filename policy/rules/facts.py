"""The variables' values in one window, from its signals and from what was known of the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ...spec.keys.rules import Policy
from ...spec.values import History, Signal, Span, Triage, finite
from ..evidence import (
    DRIFT_SCORE,
    DRIFT_SHARE,
    DROP,
    ESTIMATED_DROP,
    LABEL_DELAY_BIAS,
    is_own,
    is_quality,
    ordered,
    overall,
)
from ..fleet import fleet_facts
from ..guards.back_off import refusals
from ..guards.cost import cost
from ..triage.hysteresis import drift_threshold, moved, tolerance
from .gaining import gains
from .scores import scores
from .variables import nested

ESTIMATE = "estimate"
PERFORMANCE = "performance"


def facts(
    signals: Sequence[Signal], triage: Triage, history: History, policy: Policy, now: datetime, *, window: Span
) -> dict[str, object]:
    """The variables' values: maps of plain JSON values, without what could not be measured.

    The maps themselves are always there, so that `has(...)` can be asked of each. *history* must hold
    nothing later than *now* (`past.until`).
    """
    signals = [s for s in ordered(signals) if s.metric != LABEL_DELAY_BIAS]
    seen = max((s.rows for s in signals), default=0)
    known: dict[str, object] = {
        "triage": triage.verdict,
        "new_rows": history.new_rows,
        **_performance(signals, policy),
        **_estimate(signals),
        **_drift(signals, history, policy),
        "quality.failed": sorted({s.metric for s in signals if is_quality(s) and s.status == "fail"}),
        "quality.columns": sorted({s.column for s in signals if is_quality(s) and s.status == "fail" and s.column}),
        "own.failed": _own(signals),
        "champion.version": history.champion,
        "champion.age_hours": _hours(history.champion_trained_at, now),
        "champion.serving_hours": _hours(history.champion_since, now),
        **_last_run(history, now),
        "back_off.refusals": refusals(history)[0],
        **scores(history),
        "window.rows": seen,
        "window.hours": window.length / timedelta(hours=1),
    }
    known |= fleet_facts(signals, known, history, window)
    rows = max((s.rows for s in signals if s.window == window), default=seen)
    known |= gains(history, policy, now, rows=rows, window=window)
    return nested(known | cost(nested(known), history, policy, now, rows=rows, window=window))


def _performance(signals: Sequence[Signal], policy: Policy) -> dict[str, object]:
    drop = overall(signals, DROP)
    measured = [s for s in signals if s.monitor == PERFORMANCE and s.metric != DROP and s.column is None]
    metric = measured[0] if measured else None
    known: dict[str, object] = {"performance.tolerance": tolerance(drop or overall(signals, ESTIMATED_DROP), policy)}
    if metric is not None:
        known |= {"performance.metric": metric.metric, "performance.labels": metric.rows}
    if metric is not None and metric.status != "unknown":
        known |= _bounds(metric, "performance.value", "performance.low", "performance.high")
        known["performance.reference"] = finite(metric.reference)
    if drop is not None:
        known["performance.labels"] = drop.rows
    if drop is not None and drop.status != "unknown":
        known |= _bounds(drop, "performance.drop", "performance.drop_low", "performance.drop_high")
        known["performance.failing"] = drop.status == "fail"
    return known


def _estimate(signals: Sequence[Signal]) -> dict[str, object]:
    drop = overall(signals, ESTIMATED_DROP)
    estimated = [
        s
        for s in signals
        if s.monitor == ESTIMATE and s.metric != ESTIMATED_DROP and s.column is None and s.status != "unknown"
    ]
    known: dict[str, object] = {}
    if estimated:
        known |= _bounds(estimated[0], "estimate.value", "estimate.low", "estimate.high")
        known["estimate.metric"] = estimated[0].metric
    if drop is not None and drop.status != "unknown":
        known |= _bounds(drop, "estimate.drop", "estimate.drop_low", "estimate.drop_high")
        known["estimate.failing"] = drop.status == "fail"
    return known


def _drift(signals: Sequence[Signal], history: History, policy: Policy) -> dict[str, object]:
    share = overall(signals, DRIFT_SHARE)
    scored = [s for s in signals if s.metric == DRIFT_SCORE and s.status != "unknown"]
    values = [value for s in scored if (value := finite(s.value)) is not None]
    return {
        "drift.share": finite(share.value) if share is not None and share.status != "unknown" else None,
        "drift.threshold": drift_threshold(signals, policy),
        "drift.moved": moved(signals, history, policy),
        "drift.columns": sorted({s.column for s in scored if s.status == "fail" and s.column}),
        "drift.score": max(values, default=None),
    }


def _last_run(history: History, now: datetime) -> dict[str, object]:
    if not history.updates:
        return {}
    last = max(history.updates, key=lambda u: (u.started_at, u.decision))
    over = last.outcome not in ("running", "shadow")
    return {
        "last_run.age_hours": _hours(last.started_at, now),
        "last_run.outcome": last.outcome,
        "last_run.gain": finite(last.gain),
        "last_run.cpu_seconds": finite(last.cpu_seconds) if over else None,
    }


def _own(signals: Sequence[Signal]) -> list[str] | None:
    """None if no monitor of the team's own spoke: decisions of before there were any had no such variable."""
    own = [s for s in signals if is_own(s)]
    return sorted({f"{s.monitor}/{s.metric}" for s in own if s.status == "fail"}) if own else None


def _bounds(signal: Signal, value: str, low: str, high: str) -> dict[str, float | None]:
    return {value: finite(signal.value), low: finite(signal.low), high: finite(signal.high)}


def _hours(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else (now - since) / timedelta(hours=1)
