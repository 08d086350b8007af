"""Which mark stands for a look of a backtest."""

from __future__ import annotations

from ..pages.charts.marks import mark_name
from .results import Step


def mark_of(step: Step) -> str:
    """The name of the mark of the look at the start of *step*."""
    return mark_name(step.action, step.verdict, step.outcome)
