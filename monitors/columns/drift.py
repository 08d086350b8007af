"""Drift: how far each column's distribution has moved from the reference, and how many have.

A score is an effect size (PSI), not a p-value: large windows do not make small shifts alarming. The threshold
of each column is the spec's, or what the score reaches without drift at this window's size, whichever is larger.
The signals are our own arithmetic; Evidently, given the same method and thresholds, draws the page that shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ...data.columns import ID, TIME
from ...data.window import Window
from ...spec.keys.watching import DriftSpec
from ...spec.values import Signal, Span
from ..evidently.report import Snapshot, drift_report
from ..evidently.stattest import register
from .psi import counted, psi, without_drift

MONITOR = "drift"
_ROWS = 10_000  # at most so many rows of each window; verdicts change only at the threshold


@dataclass(frozen=True)
class Drifted:
    """The signals, and Evidently's snapshots that show them (one, or one per column where one had crashed).

    *faults* say which column Evidently could not draw, and why.
    """

    signals: list[Signal]
    snapshots: list[Snapshot] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Drift:
    """Per column `drift_score`, and `drift_share`: the share of judged columns that drifted.

    Columns with fewer than `min_rows` present values in either window are `unknown` and not judged.
    """

    spec: DriftSpec
    features: tuple[str, ...]
    seed: int = 0

    def __call__(self, reference: Window, current: Window) -> list[Signal]:
        return self.measure(reference, current, pages=False).signals

    def measure(self, reference: Window, current: Window, *, pages: bool = True) -> Drifted:
        """As calling it, with Evidently's snapshots beside where *pages* are wanted."""
        found: list[tuple[str, float, float, int]] = []
        unknown: dict[str, str] = {}
        was, now = _bounded(reference.frame), _bounded(current.frame)
        for name in self.spec.columns or self.features:
            try:
                reason = self._unfit(name, was, now, current)
                if reason is None:
                    found.append(self._judge(name, was[name], now[name]))
                else:
                    unknown[name] = reason
            except Exception as error:  # one odd column must not hide the others
                unknown[name] = f"{name} could not be judged: {type(error).__name__}: {error}"
        found.sort(key=lambda each: -each[1] / each[2])  # the worst column first, on the page as well
        signals = [_signal(name, current, value, threshold, rows) for name, value, threshold, rows in found]
        signals += [_unknown(name, current.span, 0, reason) for name, reason in unknown.items()]
        snapshots, faults = _draw(was, now, {name: limit for name, _, limit, _ in found}) if pages else ([], [])
        return Drifted([self._share(signals, current), *signals], snapshots, faults)

    def _unfit(self, name: str, was: pd.DataFrame, now: pd.DataFrame, current: Window) -> str | None:
        if name in current.missing_columns or name not in now or name not in was:
            return f"{name} is missing from the source"
        if was[name].dtype.kind != now[name].dtype.kind:
            return f"{name} changed its type from {was[name].dtype} to {now[name].dtype}"
        for rows, where in ((_present(now[name]), "the window"), (_present(was[name]), "the reference")):
            if rows < self.spec.min_rows:
                return f"{name} has {rows} values in {where}; at least {self.spec.min_rows} are needed (min_rows)"
        return None

    def _judge(self, name: str, was: pd.Series, now: pd.Series) -> tuple[str, float, float, int]:
        """The column's name, score, threshold, and its values in the window."""
        bins, expected = counted(was)
        observed = bins.count(now)
        rows = int(observed.sum())
        limit = max(self.spec.threshold, without_drift(expected, rows, seed=self.seed))
        return name, float(psi(expected, observed)), limit, rows

    def _share(self, signals: list[Signal], current: Window) -> Signal:
        judged = [s for s in signals if s.status != "unknown"]
        if not judged:
            reason = signals[0].note if signals else "no columns to watch"
            return _unknown(None, current.span, current.rows, f"no column could be judged: {reason}")
        drifted = [s.column for s in judged if s.status == "fail"]
        share = len(drifted) / len(judged)
        limit = self.spec.share_threshold
        return Signal(
            monitor=MONITOR,
            metric="drift_share",
            value=share,
            threshold=limit,
            status="fail" if share >= limit else "ok",
            note=f"{len(drifted)} of {len(judged)} columns drifted"
            + (f": {', '.join(map(str, drifted))}" * bool(drifted)),
            window=current.span,
            rows=current.rows,
        )


def _draw(was: pd.DataFrame, now: pd.DataFrame, thresholds: dict[str, float]) -> tuple[list[Snapshot], list[str]]:
    """Evidently's snapshots and what it could not draw; one report for all, else one per column."""
    if not thresholds:
        return [], []
    try:
        return [drift_report(was, now, thresholds, register())], []
    except Exception as error:
        if len(thresholds) == 1:
            (name,) = thresholds
            return [], [f"the page of {name} could not be made: {type(error).__name__}: {error}"]
    parts = [_draw(was, now, {name: threshold}) for name, threshold in thresholds.items()]
    return [each for drawn, _ in parts for each in drawn], [each for _, faults in parts for each in faults]


def _bounded(frame: pd.DataFrame) -> pd.DataFrame:
    """At most `_ROWS` rows, evenly spaced in time order, so that equal windows give equal rows."""
    if len(frame) <= _ROWS:
        return frame
    rows = np.linspace(0, len(frame) - 1, _ROWS).astype(int)
    times = frame[TIME].to_numpy()
    if (times[1:] > times[:-1]).all():
        evenly: pd.DataFrame = frame.iloc[rows]
        return evenly
    order = frame[[TIME, ID]].reset_index(drop=True).sort_values([TIME, ID], kind="stable").index
    chosen: pd.DataFrame = frame.iloc[order.to_numpy()[rows]]
    return chosen


def _present(column: pd.Series) -> int:
    if column.dtype.kind == "f":
        return int(np.isfinite(column.to_numpy()).sum())
    return int(column.notna().sum())


def _signal(name: str, current: Window, value: float, threshold: float, rows: int) -> Signal:
    drifted = value >= threshold
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
