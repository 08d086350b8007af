"""Performance: the champion's metric on matured labels, and how much worse it is than when it was accepted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...data.metrics.metrics import Interval, Metric, Outcomes, interval, known_metric
from ...data.metrics.skill import constant_error, has_scale, relative_error
from ...spec.keys.watching import PerformanceSpec, fell
from ...spec.values import Signal, Span, Status, finite

MONITOR = "performance"

_ROWS = 2_000  # rows that the bootstrap resamples


@dataclass(frozen=True)
class Accepted(Interval):
    """The metric's value, bounds and rows when the champion was accepted.

    *ratio*: for a metric in the labels' unit, its share of the best constant's error then (data/metrics/skill.py);
    None for others, and where only the level is known.
    """

    ratio: Interval | None = None


@dataclass(frozen=True)
class Performance:
    """The task's *metric*, and `drop`: how much worse than at acceptance, positive is worse.

    `drop` is a share of the reference for mae, rmse, log_loss, distances and a team's own that says so, absolute for
    the others. *metric* may be called by the name of one of Ratoon's. For mae and rmse
    the reference is the error that the accepted skill over the best constant gives at the scale of the judged labels:
    what merely grows with them is no loss, and what falls behind them is one. `drop` fails when it
    is above the spec's `tolerance` and its interval above zero; it is `unknown` with too few labels, labels that
    have not matured, or a metric that is undefined (one class only).
    """

    spec: PerformanceSpec
    metric: Metric | str
    seed: int = 0

    def __call__(
        self,
        outcomes: Outcomes | None,
        accepted: Interval | None,
        span: Span,
        *,
        coverage: float = 1.0,
        left_out: str = "",
    ) -> list[Signal]:
        """The signals of *outcomes*; *left_out* tells in words which rows of the window are not among them."""
        rows = 0 if outcomes is None else len(outcomes)
        metric = known_metric(self.metric)
        reason = self._unfit(metric, outcomes, coverage)
        if outcomes is None or reason is not None:
            reason = "; ".join(each for each in (reason, left_out) if each)
            return [self._unknown(name, rows, span, reason) for name in (metric.name, "drop")]
        now = bounds(metric, outcomes, seed=self.seed)
        if not math.isfinite(now.value):
            reason = undefined(metric, outcomes)
            return [self._unknown(name, rows, span, reason) for name in (metric.name, "drop")]
        held, now = at_scale(metric, now, accepted, outcomes, seed=self.seed)
        return [level(MONITOR, metric.name, now, held, span, rows, left_out), self._drop(metric, now, held, span)]

    def _unfit(self, metric: Metric, outcomes: Outcomes | None, coverage: float) -> str | None:
        rows = 0 if outcomes is None else len(outcomes)
        if rows < self.spec.min_labels:
            return f"{rows} matured labels; at least {self.spec.min_labels} are needed (min_labels)"
        if metric.needs_score and outcomes is not None and outcomes.score is None:
            return f"{metric.name} needs probabilities, and only classes were served: serve them, or choose accuracy"
        if coverage < self.spec.maturity:
            return f"{coverage:.0%} of the labels have arrived; {self.spec.maturity:.0%} are needed (maturity)"
        return None

    def _drop(self, metric: Metric, now: Interval, accepted: Interval | None, span: Span) -> Signal:
        loss = fall(metric, now, accepted)
        if isinstance(loss, str) or accepted is None:
            return self._unknown("drop", now.rows, span, str(loss))
        unit = "% of the reference" if metric.relative else ""
        at = " at this scale" if isinstance(accepted, Accepted) and accepted.ratio is not None else ""
        shown = [100 * v if metric.relative else v for v in (loss.value, loss.low, loss.high)]
        note = (
            f"{metric.name} went from {accepted.value:.4g}{at} to {now.value:.4g}: "
            f"worse by {shown[0]:.3g}{unit} ({shown[1]:.3g} to {shown[2]:.3g})"
        )
        tolerance, note = self.spec.tolerance_for(metric.name, metric.relative), note if loss.value > 0 else ""
        return fallen(MONITOR, "drop", loss, accepted, tolerance, span, now.rows, note)

    def _unknown(self, metric: str, rows: int, span: Span, note: str) -> Signal:
        return Signal(monitor=MONITOR, metric=metric, status="unknown", note=note, window=span, rows=rows)


def undefined(metric: Metric, outcomes: Outcomes) -> str:
    """Why *metric* has no finite value on *outcomes*, in words."""
    if fault := metric.fault(outcomes):
        return f"{metric.name} has no value on these {len(outcomes)} rows: {fault}"
    classes = np.unique(np.asarray(outcomes.target).astype(str))
    return f"{metric.name} is undefined on these {len(outcomes)} rows (classes: {', '.join(classes[:5])})"


def at_scale(
    metric: Metric, now: Interval, accepted: Interval | None, outcomes: Outcomes, *, seed: int = 0
) -> tuple[Interval | None, Interval]:
    """*accepted* and *now* at the scale of the labels of *outcomes*: (what is held against, what is measured).

    Where the accepted ratio to the best constant's error is known, its like here is that ratio times the constant's
    error on these rows; the bounds of *now* are then those of its own ratio, in which the rows' scale cancels. Else
    both are as given.
    """
    if not isinstance(accepted, Accepted) or accepted.ratio is None or not has_scale(metric.name):
        return accepted, now
    ratio = relative_error(metric.name, outcomes, seed=seed)
    if ratio is None:
        return accepted, now
    scale, was = constant_error(metric.name, outcomes.target), accepted.ratio
    held = Accepted(was.value * scale, was.low * scale, was.high * scale, accepted.rows, was)
    return held, Interval(now.value, ratio.low * scale, ratio.high * scale, now.rows)


def level(
    monitor: str, metric: str, now: Interval, accepted: Interval | None, span: Span, rows: int, note: str = ""
) -> Signal:
    """The metric itself, measured or estimated, beside its level at acceptance."""
    return Signal(
        monitor=monitor,
        metric=metric,
        value=now.value,
        low=finite(now.low),
        high=finite(now.high),
        reference=finite(accepted.value) if accepted else None,
        status="ok",
        note=note,
        window=span,
        rows=rows,
    )


def fall(metric: Metric, now: Interval, accepted: Interval | None) -> Interval | str:
    """How much worse *now* is than *accepted*, or in words why nobody can tell."""
    if accepted is None or not math.isfinite(accepted.value):
        return "there is no accepted reference to compare with"
    loss = difference(metric, now, accepted)
    return loss if math.isfinite(loss.low) else "the interval of the difference is undefined"


def fallen(
    monitor: str, name: str, loss: Interval, accepted: Interval, tolerance: float, span: Span, rows: int, note: str
) -> Signal:
    """The signal *name* of a loss: `fail` where it is more than the tolerance."""
    status: Status = "fail" if fell(loss.value, loss.low, tolerance) else "ok"
    return Signal(
        monitor=monitor,
        metric=name,
        value=loss.value,
        low=loss.low,
        high=loss.high,
        reference=accepted.value,
        threshold=tolerance,
        status=status,
        note=note,
        window=span,
        rows=rows,
    )


def bounds(metric: Metric, outcomes: Outcomes, *, seed: int = 0) -> Interval:
    """The metric with its bootstrap interval, at a bounded cost.

    With more than 2,000 rows the bootstrap runs on 2,000 of them (seeded) and its distances are scaled by
    √(2,000 / n), as errors of these metrics shrink (Bickel, Götze and van Zwet 1997, m out of n).
    """
    rows = len(outcomes)
    if rows <= _ROWS:
        return interval(metric, outcomes, resamples=300, seed=seed)
    chosen = np.random.default_rng(seed).choice(rows, _ROWS, replace=False)
    part = interval(metric, outcomes.take(chosen), resamples=200, seed=seed)
    value, shrink = metric(outcomes), math.sqrt(_ROWS / rows)
    return Interval(value, value - (part.value - part.low) * shrink, value + (part.high - part.value) * shrink, rows)


def difference(metric: Metric, now: Interval, accepted: Interval) -> Interval:
    """How much worse *now* is than *accepted*, two independent samples; positive is worse.

    The bounds add the squares of each interval's distances, as for normal errors but side by side (Zou and
    Donner 2008, "square and add"). Relative metrics are divided by the accepted value, taken as exact there.
    An accepted value without bounds counts as exact.
    """
    worse = metric.gain(accepted.value, now.value)
    if metric.greater_is_better:  # worse = accepted - now
        down, up = (
            (accepted.value - accepted.low, now.high - now.value),
            (accepted.high - accepted.value, now.value - now.low),
        )
    else:  # worse = now - accepted
        down, up = (
            (now.value - now.low, accepted.high - accepted.value),
            (now.high - now.value, accepted.value - accepted.low),
        )
    known = math.isfinite(accepted.low) and math.isfinite(accepted.high)
    if not known:
        sides = (now.high - now.value, now.value - now.low)
        down, up = (
            ((sides[0], 0.0), (sides[1], 0.0)) if metric.greater_is_better else ((sides[1], 0.0), (sides[0], 0.0))
        )
    low, high = worse - math.hypot(*down), worse + math.hypot(*up)
    share = abs(accepted.value) if metric.relative else 1.0
    if share == 0:
        return Interval(worse, math.nan, math.nan, now.rows)
    return Interval(worse / share, low / share, high / share, now.rows)
