"""Ratoon's own numbers as Evidently metrics, so that its pages and dashboards show what the ledger holds.

Importing this imports Evidently. A metric's parameters identify its line on a dashboard; the value is therefore
no parameter, but read from the dataset, which is the list of signals itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np
import pandas as pd
from evidently import Dataset, Report
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.legacy.model.widget import BaseWidgetInfo
from evidently.legacy.renderers.html_widgets import CounterData, counter, table_data

from ...data.metrics.metrics import METRICS
from ...spec.values import Action, Signal, Verdict
from .report import Snapshot, dataset

_ORDER = {"fail": 0, "unknown": 1, "warn": 2, "ok": 3}
DRIFT_TOP = 1.0  # drift lines are cut here: far above the threshold they would flatten all others
_HEAD = "failed"  # the number whose widget is the whole page
SHARES = {  # quality signals that are shares of the window's rows, each at its worst column
    "missing_share": "missing values",
    "new_categories": "categories never seen",
    "out_of_range": "outside the known range",
    "duplicates": "duplicated ids",
    "copies": "copied rows",
}
ACTIONS: tuple[str, ...] = get_args(Action)
VERDICTS: tuple[str, ...] = get_args(Verdict)


class RatoonMeasure(SingleValueMetric):  # type: ignore[misc]
    """One number of one window: *measure* is what, *of* the column or the metric."""

    measure: str
    of: str = ""


class RatoonMeasureCalculation(SingleValueCalculation[RatoonMeasure]):  # type: ignore[misc]
    """Looks the number up in the dataset of signals."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset | None) -> SingleValue:
        frame = current_data.as_dataframe()
        row = frame[(frame["measure"] == self.metric.measure) & (frame["of"] == self.metric.of)].iloc[0]
        value = float(row["value"])
        result = self.result(min(value, DRIFT_TOP) if self.metric.measure == "drift_score" else value)
        result.widget = _page(frame) if self.metric.measure == _HEAD else []
        return result

    def display_name(self) -> str:
        return f"{self.metric.measure} {self.metric.of}".strip()


def summary(signals: Sequence[Signal], *, metric: str, rows: int) -> Snapshot:
    """One page with every signal, and its numbers as lines for the dashboard; raises nothing of our own."""
    table = [_row(s) for s in sorted(signals, key=lambda s: _ORDER[s.status])]
    table.insert(0, _number(_HEAD, "", float(sum(s.status == "fail" for s in signals))))
    table.insert(1, _number("rows", "", float(rows)))
    table[2:2] = [
        _number("quality_failed", "", float(sum(s.status == "fail" and s.monitor == "quality" for s in signals)))
    ]
    table += [_number(measure, of, value) for measure, of, value in _lines(signals, metric) if value is not None]
    frame = pd.DataFrame(table)
    return _run(frame)


def outcome(action: str, triage: str) -> Snapshot:
    """What was decided, as numbers: 1 for the action and the verdict that it was, 0 for all others."""
    found = [("action", action, ACTIONS), ("verdict", triage, VERDICTS)]
    return _run(pd.DataFrame([_number(what, each, float(each == was)) for what, was, known in found for each in known]))


def _run(frame: pd.DataFrame) -> Snapshot:
    plotted = frame[frame["value"].notna() & frame["measure"].ne("")].drop_duplicates(["measure", "of"])
    report = Report([RatoonMeasure(measure=r.measure, of=r.of) for r in plotted.itertuples()])
    texts = [c for c in frame.columns if c != "value"]
    return report.run(current_data=dataset(frame, numbers=["value"], categories=texts), reference_data=None)


def _lines(signals: Sequence[Signal], metric: str) -> Iterator[tuple[str, str, float | None]]:
    """The numbers beside the signals' own that the dashboard draws; lines of a metric bear its name."""
    for signal in signals:
        if signal.monitor == "performance" and signal.metric == metric:
            yield "performance_value", metric, signal.value
            yield "performance_low", metric, signal.low
            yield "performance_high", metric, signal.high
            yield "performance_accepted", metric, signal.reference
        elif signal.metric == "drop":
            yield "drop_limit", "", signal.threshold
            yield "performance_limit", metric, _harmful(signal, metric)
        elif signal.metric == "drift_share":
            yield "drift_share_limit", "", signal.threshold
        elif signal.metric == "label_coverage":
            yield "label_coverage", "", signal.value
    scores = [s.threshold for s in signals if s.metric == "drift_score" and s.threshold is not None]
    yield "drift_score_limit", "", min(scores, default=None)
    for share in SHARES:
        values = [s.value for s in signals if s.metric == share and s.monitor == "quality" and s.value is not None]
        yield "quality_share", share, max(values, default=None)


def _harmful(drop: Signal, metric: str) -> float | None:
    """The metric's level at which the drop reaches its tolerance."""
    if drop.reference is None or drop.threshold is None or metric not in METRICS:
        return None
    known = METRICS[metric]
    most = drop.threshold * (abs(drop.reference) if known.relative else 1.0)
    return drop.reference - most if known.greater_is_better else drop.reference + most


def _number(measure: str, of: str, value: float) -> dict[str, object]:
    return {"measure": measure, "of": of, "value": value, "status": "", "monitor": "", "held": "", "note": ""}


def _row(signal: Signal) -> dict[str, object]:
    """Only drift scores and drops become lines; the rest is read on the page."""
    line = signal.metric if signal.metric in ("drift_score", "drift_share", "drop") else ""
    return {
        "measure": line,
        "of": signal.column or "",
        "value": signal.value,
        "status": signal.status,
        "monitor": signal.metric if signal.monitor in signal.metric else f"{signal.monitor}: {signal.metric}",
        "held": "" if signal.threshold is None else f"{signal.threshold:.4g}",
        "note": signal.note,
    }


def _page(frame: pd.DataFrame) -> list[BaseWidgetInfo]:
    shown = frame[frame["status"] != ""]
    counts = shown["status"].value_counts()
    values = ["" if np.isnan(v) else f"{v:.4g}" for v in shown["value"].to_numpy(dtype=float)]
    texts = shown[["status", "monitor", "of", "held", "note"]].to_numpy()
    rows = [
        [status, what, of or "(window)", value, held, note]
        for value, (status, what, of, held, note) in zip(values, texts, strict=True)
    ]
    header = ["status", "signal", "column", "value", "threshold", "note"]
    return [
        counter(counters=[CounterData(name, str(int(counts.get(name, 0)))) for name in _ORDER]),
        table_data(title="Signals of this window", column_names=header, data=rows),
    ]
