"""What a person sees who opens a model's project: performance, drift, data quality and decisions over time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evidently.sdk.models import DashboardModel, DashboardPanelPlot, PanelMetric

_COLUMNS = 12  # more lines than this on one panel cannot be told apart
_PANELS = uuid.UUID("7b2f4d5e-93a1-4b57-8a4e-6a8f0f1f7c35")  # namespace of our panels' and tabs' ids


def dashboard(*, project: str, metric: str, columns: Sequence[str]) -> DashboardModel:
    """Evidently's DashboardModel for one model: the same for the same arguments, ids included.

    The whole model is built at once: Evidently 0.7 adds the second panel of a tab twice.
    """
    from evidently.sdk.models import DashboardModel, DashboardTabModel
    from evidently.sdk.panels import text_panel

    tabs, panels = [], []
    for title, about, drawn in _tabs(metric, columns):
        made = [text_panel(title=title, description=about), *drawn]  # the UI of 0.7 shows all tabs on one page
        for number, panel in enumerate(made):
            panel.id = _id(project, title, str(number))
        tabs.append(DashboardTabModel(id=_id(project, title), title=title, panels=[panel.id for panel in made]))
        panels += made
    return DashboardModel(tabs=tabs, panels=panels)


def _tabs(metric: str, columns: Sequence[str]) -> Iterator[tuple[str, str, list[DashboardPanelPlot]]]:
    """Title, what it answers, and panels of each tab."""
    yield "Performance", "Does the champion still do what it promised?", list(_performance(metric))
    yield "Drift", "Has the data moved away from what the champion was accepted on?", list(_drift(columns))
    yield "Data quality", "Can the window's rows be believed?", list(_quality())
    yield "Decisions", "What did Ratoon make of it?", list(_decisions())


def _performance(metric: str) -> Iterator[DashboardPanelPlot]:
    from evidently.sdk.panels import line_plot_panel

    from ...data.metrics.metrics import METRICS

    known = METRICS.get(metric)
    better = "" if known is None else f", {'higher' if known.greater_is_better else 'lower'} is better"
    unit = "share of the accepted level" if known is not None and known.relative else f"in units of {metric}"
    if known is None:  # a team's own, which may be either
        unit = f"in units of {metric}, or a share of the accepted level"
    ends = (
        ("value", metric),
        ("low", "95 % from"),
        ("high", "95 % to"),
        ("accepted", "when accepted"),
        ("limit", "harm begins"),
    )
    yield line_plot_panel(
        title=f"Performance: {metric}{better}",
        description="Of the champion, on labels that have arrived, at each window's end (UTC); with its 95 % interval, "
        "the level at which the champion was accepted, and the level at which the loss is called harm",
        values=[_line(f"performance_{end}", legend, of=metric) for end, legend in ends],
    )
    yield line_plot_panel(
        title="Loss since acceptance",
        description=f"How much worse than when the champion was accepted ({unit}); above 0 is worse",
        values=[_line("drop", "loss"), _line("drop_limit", "tolerance")],
    )


def _drift(columns: Sequence[str]) -> Iterator[DashboardPanelPlot]:
    from evidently.sdk.panels import line_plot_panel

    from .measured import DRIFT_TOP

    shown = list(columns)[:_COLUMNS]
    more = f"; the first {_COLUMNS} of {len(columns)} columns" if len(columns) > _COLUMNS else ""
    yield line_plot_panel(
        title="Drifted columns (share)",
        description="Share of the judged columns that moved away from the reference, 0 to 1; from the threshold on "
        "the window counts as drifted",
        values=[_line("drift_share", "share drifted"), _line("drift_share_limit", "threshold")],
    )
    yield line_plot_panel(
        title="Drift of each column (PSI)",
        description="Population stability index against the reference window; a column has drifted from the threshold "
        f"on (a small window may need more). Lines are cut at {DRIFT_TOP:g}{more}",
        values=[
            *(_line("drift_score", column, of=column) for column in shown),
            _line("drift_score_limit", "threshold"),
        ],
    )


def _quality() -> Iterator[DashboardPanelPlot]:
    from evidently.sdk.panels import bar_plot_panel, line_plot_panel

    from .measured import SHARES

    yield line_plot_panel(
        title="Faults in the rows (share)",
        description="Share of the window's rows, 0 to 1, in the worst column of each kind",
        values=[_line("quality_share", legend, of=share) for share, legend in SHARES.items()],
    )
    yield bar_plot_panel(
        title="Failed checks",
        description="How many of the quality checks failed; 0 is what you want",
        values=[_line("quality_failed", "failed checks")],
        size="half",
    )
    yield bar_plot_panel(title="Rows", description="Rows in the window", values=[_line("rows", "rows")], size="half")
    yield line_plot_panel(
        title="Labels that have arrived (share)",
        description="Of the rows on which the performance is judged, 0 to 1",
        values=[_line("label_coverage", "labels arrived")],
    )


def _decisions() -> Iterator[DashboardPanelPlot]:
    from evidently.sdk.panels import bar_plot_panel

    from .measured import ACTIONS, VERDICTS

    yield bar_plot_panel(
        title="Decision of each window",
        description="One block for each window, in the colour of what was decided. The reasons: `ratoon history`",
        values=[_line("action", action, of=action) for action in ACTIONS],
        stacked=True,
    )
    yield bar_plot_panel(
        title="Triage of each window",
        description="The verdict over all signals that the decision rested on",
        values=[_line("verdict", verdict, of=verdict) for verdict in VERDICTS],
        stacked=True,
    )


def _line(measure: str, legend: str, of: str = "") -> PanelMetric:
    from evidently.sdk.models import PanelMetric

    labels = {"measure": measure} | ({"of": of} if of else {})
    return PanelMetric(legend=legend, metric="RatoonMeasure", metric_labels=labels)


def _id(*parts: str) -> uuid.UUID:
    return uuid.uuid5(_PANELS, "|".join(parts))
