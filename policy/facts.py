"""The variables that rules may use, and their values in one window.

Names with a dot are entries of a map. A variable that could not be measured is left out of its map: it
has no value in this window, a rule that needs it does not hold, and `has(performance.drop)` asks.
Everything is plain JSON, so that the ledger can keep what the rules saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..spec.values import History, Signal, Span, Triage
from .evidence import DRIFT_SCORE, DRIFT_SHARE, DROP, finite, is_quality, ordered, overall


@dataclass(frozen=True)
class Variable:
    """A documented variable; *example* is of its CEL type and is what a rule is tried on by `check`."""

    type: str  # the CEL type, for people
    meaning: str
    example: Any


VARIABLES: Mapping[str, Variable] = {
    "triage": Variable("string", "the verdict: healthy, broken_data, harmless_shift, harm or unsure", "harm"),
    "new_rows": Variable("int", "labelled rows that the champion has not learned, holdout left out", 120),
    "performance.metric": Variable("string", "the metric that performance is measured by", "roc_auc"),
    "performance.value": Variable("double", "the champion's metric on matured labels", 0.71),
    "performance.low": Variable("double", "lower end of the interval around performance.value", 0.68),
    "performance.high": Variable("double", "upper end of the interval around performance.value", 0.74),
    "performance.reference": Variable("double", "the same metric when the champion was accepted", 0.76),
    "performance.drop": Variable(
        "double", "loss against the reference, positive is worse; a share of it for mae, rmse, log_loss", 0.05
    ),
    "performance.drop_low": Variable("double", "lower end of the interval around performance.drop", 0.02),
    "performance.drop_high": Variable("double", "upper end of the interval around performance.drop", 0.08),
    "performance.labels": Variable("int", "rows with matured labels that performance was measured on", 500),
    "drift.share": Variable("double", "share of the watched columns that drifted, 0 to 1", 0.4),
    "drift.columns": Variable("list(string)", "names of the columns that drifted", ["day", "period"]),
    "drift.score": Variable("double", "the highest drift score of a column", 0.31),
    "quality.failed": Variable("list(string)", "quality metrics that failed, such as missing_share", ["volume"]),
    "quality.columns": Variable("list(string)", "columns that failed a quality screen", ["day"]),
    "champion.version": Variable("string", "the champion's version in the registry", "3"),
    "champion.age_hours": Variable("double", "hours since the champion was trained", 30.5),
    "champion.serving_hours": Variable("double", "hours since the champion was promoted", 28.0),
    "last_run.age_hours": Variable("double", "hours since the last training run was started", 30.5),
    "last_run.outcome": Variable(
        "string", "how it ended: running, registered, refused, failed, abandoned or nothing_new", "registered"
    ),
    "window.rows": Variable("int", "rows of the current window that the monitors saw", 1000),
    "window.hours": Variable("double", "length of the current window", 168.0),
}


def facts(
    signals: Sequence[Signal], triage: Triage, history: History, now: datetime, *, window: Span | None = None
) -> dict[str, Any]:
    """The variables' values: maps of plain JSON values, without what could not be measured.

    The maps themselves are always there, so that `has(...)` can be asked of each.
    """
    signals = ordered(signals)
    known: dict[str, Any] = {
        "triage": triage.verdict,
        "new_rows": history.new_rows,
        **_performance(signals),
        **_drift(signals),
        "quality.failed": sorted({s.metric for s in signals if is_quality(s) and s.status == "fail"}),
        "quality.columns": sorted({s.column for s in signals if is_quality(s) and s.status == "fail" and s.column}),
        "champion.version": history.champion,
        "champion.age_hours": _hours(history.champion_trained_at, now),
        "champion.serving_hours": _hours(history.champion_since, now),
        "window.rows": max((s.rows for s in signals), default=0),
        "window.hours": window.length / timedelta(hours=1) if window is not None else None,
    }
    started = [u for u in history.updates if u.started_at <= now]
    if started:
        last = max(started, key=lambda u: (u.started_at, u.decision))
        known |= {"last_run.age_hours": _hours(last.started_at, now), "last_run.outcome": last.outcome}
    return nested(known)


def nested(known: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as maps, in the documented order; names whose value is None are left out."""
    tree: dict[str, Any] = {}
    for name in VARIABLES:
        root, _, leaf = name.partition(".")
        if leaf:
            tree.setdefault(root, {})
        if (value := known.get(name)) is None:
            continue
        if leaf:
            tree[root][leaf] = value
        else:
            tree[root] = value
    return tree


def value_of(name: str, seen: Mapping[str, Any]) -> Any | None:
    """The value of the variable *name* in nested facts, None where it has none."""
    root, _, leaf = name.partition(".")
    branch = seen.get(root)
    return branch if not leaf else branch.get(leaf) if isinstance(branch, Mapping) else None


def _performance(signals: Sequence[Signal]) -> dict[str, Any]:
    drop = overall(signals, DROP)
    measured = [s for s in signals if s.monitor == "performance" and s.metric != DROP and s.column is None]
    metric = measured[0] if measured else None
    known: dict[str, Any] = {}
    if metric is not None:
        known |= {"performance.metric": metric.metric, "performance.labels": metric.rows}
    if metric is not None and metric.status != "unknown":
        known |= {
            "performance.value": finite(metric.value),
            "performance.low": finite(metric.low),
            "performance.high": finite(metric.high),
            "performance.reference": finite(metric.reference),
        }
    if drop is not None:
        known["performance.labels"] = drop.rows
    if drop is not None and drop.status != "unknown":
        known |= {
            "performance.drop": finite(drop.value),
            "performance.drop_low": finite(drop.low),
            "performance.drop_high": finite(drop.high),
        }
    return known


def _drift(signals: Sequence[Signal]) -> dict[str, Any]:
    share = overall(signals, DRIFT_SHARE)
    scored = [s for s in signals if s.metric == DRIFT_SCORE and s.status != "unknown"]
    scores = [score for s in scored if (score := finite(s.value)) is not None]
    return {
        "drift.share": finite(share.value) if share is not None and share.status != "unknown" else None,
        "drift.columns": sorted({s.column for s in scored if s.status == "fail" and s.column}),
        "drift.score": max(scores, default=None),
    }


def _hours(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else (now - since) / timedelta(hours=1)
