"""Ratoon's own numbers as Evidently metrics, so that its pages and dashboards show what the ledger holds.

Importing this imports Evidently. A metric's parameters identify its line on a dashboard; the value is therefore
no parameter, but read from the dataset, which is the list of signals itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from evidently import Report
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.legacy.renderers.html_widgets import CounterData, counter, table_data

from ..spec.values import Signal
from .report import Snapshot, dataset

_ORDER = {"fail": 0, "unknown": 1, "warn": 2, "ok": 3}
DRIFT_TOP = 1.0  # drift lines are cut here: far above the threshold they would flatten all others
_HEAD = "failed"  # the number whose widget is the whole page


class RatoonMeasure(SingleValueMetric):  # type: ignore[misc]
    """One number of one window: *measure* is what, *of* the column or the metric."""

    measure: str
    of: str = ""


class RatoonMeasureCalculation(SingleValueCalculation[RatoonMeasure]):  # type: ignore[misc]
    """Looks the number up in the dataset of signals."""

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> SingleValue:
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
    table.insert(
        2, _number("quality_failed", "", float(sum(s.status == "fail" and s.monitor == "quality" for s in signals)))
    )
    for signal in signals:
        if signal.monitor == "performance" and signal.metric == metric:
            table += [_number(f"performance_{end}", "", v) for end, v in _bounds(signal) if v is not None]
    frame = pd.DataFrame(table)
    plotted = frame[frame["value"].notna() & frame["measure"].ne("")].drop_duplicates(["measure", "of"])
    report = Report([RatoonMeasure(measure=r.measure, of=r.of) for r in plotted.itertuples()])
    texts = [c for c in frame.columns if c != "value"]
    return report.run(current_data=dataset(frame, numbers=["value"], categories=texts), reference_data=None)


def _bounds(signal: Signal) -> list[tuple[str, float | None]]:
    return [("value", signal.value), ("low", signal.low), ("high", signal.high), ("accepted", signal.reference)]


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


def _page(frame: pd.DataFrame) -> list[Any]:
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
