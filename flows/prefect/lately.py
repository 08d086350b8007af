"""How the model fared over its last windows, for the chart beside a decision."""

from __future__ import annotations

from ...data.metrics.own import metric_of
from ...loop.context import Stores
from ...spec.values import Decision, Signal
from .chart import Point, chart

WINDOWS = 20


def lately(context: Stores, decision: Decision) -> str:
    """Charts of the metric and of the drift, over the last windows up to *decision*, as Markdown; may be empty."""
    known = [each for each in context.ledger.decisions.of(decision.model) if each.at <= decision.at and each.window]
    looks = [(each, context.ledger.decisions.signals(each.id)) for each in known[-WINDOWS:]]
    shown = [_metric(context, looks), _drift(looks)]
    return "\n\n".join(each for each in shown if each)


def _metric(context: Stores, looks: list[tuple[Decision, list[Signal]]]) -> str:
    metric = metric_of(context.spec)
    points: list[Point] = []
    limit: float | None = None
    for look, signals in looks:
        level = _one(signals, "performance", metric.name)
        fall = next((s for s in signals if s.monitor == "performance" and s.threshold is not None), None)
        points.append(Point(_when(look), *((level.value, level.low, level.high) if level else (None,))))
        if fall is not None and fall.reference is not None and fall.threshold is not None:
            loss = fall.threshold * (abs(fall.reference) if metric.relative else 1)
            limit = fall.reference - loss if metric.greater_is_better else fall.reference + loss
    better = "higher" if metric.greater_is_better else "lower"
    return chart(f"{metric.name} by window ({better} is better)", points, limit=limit, limit_name="harm beyond")


def _drift(looks: list[tuple[Decision, list[Signal]]]) -> str:
    found = [(look, _one(signals, "drift", "drift_share")) for look, signals in looks]
    points = [Point(_when(look), signal.value if signal else None) for look, signal in found]
    limits = [signal.threshold for _, signal in found if signal and signal.threshold is not None]
    return chart(
        "Share of drifted columns by window", points, limit=limits[-1] if limits else None, limit_name="drift from"
    )


def _one(signals: list[Signal], monitor: str, metric: str) -> Signal | None:
    return next((s for s in signals if (s.monitor, s.metric, s.column) == (monitor, metric, None)), None)


def _when(look: Decision) -> str:
    return f"{look.at:%Y-%m-%d %H:%M}"
