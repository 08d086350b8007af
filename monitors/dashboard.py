"""What a person sees who opens a model's project: performance, drift, rows and faults over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_COLUMNS = 12  # more lines than this on one panel cannot be told apart


def dashboard(*, metric: str, columns: Sequence[str]) -> Any:
    """Evidently's DashboardModel for one model.

    The whole model is built at once: Evidently 0.7 adds the second panel of a tab twice.
    """
    from evidently.sdk.models import DashboardModel, DashboardTabModel
    from evidently.sdk.panels import bar_plot_panel, line_plot_panel

    from .measured import DRIFT_TOP

    shown = list(columns)[:_COLUMNS]
    more = f"; the first {_COLUMNS} of {len(columns)} columns" if len(columns) > _COLUMNS else ""
    ends = (("value", metric), ("low", "95 % from"), ("high", "95 % to"), ("accepted", "when accepted"))
    panels = [
        line_plot_panel(
            title=f"Performance: {metric}",
            description="On matured labels, with its interval, beside what it was when the champion was accepted",
            values=[_line(f"performance_{end}", legend) for end, legend in ends],
        ),
        line_plot_panel(
            title="Drifted columns",
            description="Share of the judged columns that drifted",
            values=[_line("drift_share", "share")],
            size="half",
        ),
        bar_plot_panel(
            title="Broken data",
            description="Quality signals that failed",
            values=[_line("quality_failed", "failed signals")],
            size="half",
        ),
        line_plot_panel(
            title="Drift of each column",
            description=f"PSI against the reference window, lines cut at {DRIFT_TOP:g}{more}",
            values=[_line("drift_score", column, of=column) for column in shown],
        ),
        bar_plot_panel(title="Rows", description="Rows in the window", values=[_line("rows", "rows")], size="half"),
        line_plot_panel(
            title="Drop",
            description="How much worse than when accepted; positive is worse",
            values=[_line("drop", "drop")],
            size="half",
        ),
    ]
    tab = DashboardTabModel(title="Windows", panels=[panel.id for panel in panels])
    return DashboardModel(tabs=[tab], panels=panels)


def _line(measure: str, legend: str, of: str = "") -> Any:
    from evidently.sdk.models import PanelMetric

    labels = {"measure": measure} | ({"of": of} if of else {})
    return PanelMetric(legend=legend, metric="RatoonMeasure", metric_labels=labels)
