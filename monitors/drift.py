"""Drift: how far each column's distribution has moved from the reference, and how many have.

A score is an effect size (PSI), not a p-value: large windows do not make small shifts alarming. The threshold
of each column is the spec's, or what the score reaches without drift at this window's size, whichever is larger.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..data.window import Window
from ..spec.model import DriftSpec
from ..spec.values import Signal, Span
from .psi import bins_of, without_drift
from .report import Snapshot, drift_report, verdicts
from .stattest import register, score

MONITOR = "drift"
_ROWS = 10_000  # Evidently gets at most so many rows of each window; verdicts change only at the threshold


@dataclass(frozen=True)
class Drifted:
    """The signals, and Evidently's snapshots that show them (one, or one per column where one had crashed)."""

    signals: list[Signal]
    snapshots: list[Snapshot] = field(default_factory=list)


@dataclass(frozen=True)
class Drift:
    """Per column `drift_score`, and `drift_share`: the share of judged columns that drifted.

    Columns with fewer than `min_rows` present values in either window are `unknown` and not judged.
    """

    spec: DriftSpec
    features: tuple[str, ...]
    seed: int = 0

    def __call__(self, reference: Window, current: Window) -> list[Signal]:
        return self.measure(reference, current).signals

    def measure(self, reference: Window, current: Window) -> Drifted:
        """As calling it, with Evidently's snapshots beside."""
        thresholds: dict[str, float] = {}
        urgent: dict[str, float] = {}
        unknown: dict[str, str] = {}
        rows: dict[str, int] = {}
        was, now = _bounded(reference.frame), _bounded(current.frame)
        for name in self.spec.columns or self.features:
            try:
                reason = self._unfit(name, was, now, current)
                if reason is None:
                    rows[name] = _present(now[name])
                    thresholds[name] = self._threshold(was[name], rows[name])
                    urgent[name] = score(was[name], now[name]) / thresholds[name]
                else:
                    unknown[name] = reason
            except Exception as error:  # one odd column must not hide the others
                unknown[name] = f"{name} could not be judged: {type(error).__name__}: {error}"
        # The page shows the worst column first
        order = sorted(urgent, key=lambda name: -urgent[name])
        found, snapshots, failed = _judge(was, now, {name: thresholds[name] for name in order})
        unknown |= failed
        signals = [
            _signal(name, current, value, thresholds[name], rows[name], drifted)
            for name, (value, drifted) in found.items()
        ]
        signals += [_unknown(name, current.span, 0, reason) for name, reason in unknown.items()]
        return Drifted([self._share(signals, current), *signals], snapshots)

    def _unfit(self, name: str, was: pd.DataFrame, now: pd.DataFrame, current: Window) -> str | None:
        if name in current.missing_columns or name not in now or name not in was:
            return f"{name} is missing from the source"
        if was[name].dtype.kind != now[name].dtype.kind:
            return f"{name} changed its type from {was[name].dtype} to {now[name].dtype}"
        for rows, where in ((_present(now[name]), "the window"), (_present(was[name]), "the reference")):
            if rows < self.spec.min_rows:
                return f"{name} has {rows} values in {where}; at least {self.spec.min_rows} are needed (min_rows)"
        return None

    def _threshold(self, was: pd.Series, rows: int) -> float:
        counts = bins_of(was).count(was)
        return max(self.spec.threshold, without_drift(counts, rows, seed=self.seed))

    def _share(self, signals: list[Signal], current: Window) -> Signal:
        judged = [s for s in signals if s.status != "unknown"]
        if not judged:
            reason = signals[0].note if signals else "no columns to watch"
            return _unknown(None, current.span, current.rows, f"no column could be judged: {reason}")
        drifted = [s.column for s in judged if s.status == "fail"]
        share = len(drifted) / len(judged)
        return Signal(
            monitor=MONITOR,
            metric="drift_share",
            value=share,
            threshold=self.spec.share,
            status="fail" if share >= self.spec.share else "ok",
            note=f"{len(drifted)} of {len(judged)} columns drifted"
            + (f": {', '.join(map(str, drifted))}" * bool(drifted)),
            window=current.span,
            rows=current.rows,
        )


def _judge(
    was: pd.DataFrame, now: pd.DataFrame, thresholds: dict[str, float]
) -> tuple[dict[str, tuple[float, bool]], list[Snapshot], dict[str, str]]:
    """Verdicts, snapshots, and why a column has no verdict; one report for all, else one per column."""
    if not thresholds:
        return {}, [], {}
    method = register()
    try:
        snapshot = drift_report(was, now, thresholds, method)
        found = verdicts(snapshot)
        missing = {name: f"Evidently gave no verdict on {name}" for name in thresholds if name not in found}
        return found, [snapshot], missing
    except Exception as error:
        if len(thresholds) == 1:
            return {}, [], {name: f"Evidently failed on {name}: {type(error).__name__}: {error}" for name in thresholds}
    parts = [_judge(was, now, {name: threshold}) for name, threshold in thresholds.items()]
    return (
        {name: verdict for found, _, _ in parts for name, verdict in found.items()},
        [snapshot for _, snapshots, _ in parts for snapshot in snapshots],
        {name: reason for _, _, reasons in parts for name, reason in reasons.items()},
    )


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """At most `_ROWS` rows, evenly spaced in time order, so that equal windows give equal rows."""
    ordered = frame.sort_values(["_time", "_id"], kind="stable") if len(frame) else frame
    if len(ordered) <= _ROWS:
        return ordered
    return ordered.iloc[np.linspace(0, len(ordered) - 1, _ROWS).astype(int)]


def _present(column: pd.Series) -> int:
    if column.dtype.kind == "f":
        return int(np.isfinite(column.to_numpy()).sum())
    return int(column.notna().sum())


def _signal(name: str, current: Window, value: float, threshold: float, rows: int, drifted: bool) -> Signal:
    return Signal(
        monitor=MONITOR,
        metric="drift_score",
        column=name,
        value=value,
        threshold=threshold,
        status="fail" if drifted else "ok",
        note=f"{name} moved: PSI {value:.3g} against {threshold:.3g}" if drifted else "",
        window=current.span,
        rows=rows,
    )


def _unknown(column: str | None, span: Span, rows: int, note: str) -> Signal:
    metric = "drift_share" if column is None else "drift_score"
    return Signal(monitor=MONITOR, metric=metric, column=column, status="unknown", note=note, window=span, rows=rows)
