"""What a replay over history did, and how good what it served was."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pydantic import BaseModel

from ..spec.values import Span
from .champion import first_cpu_seconds
from .context import ModelContext
from .observe.composite import composite, labelled, quality, served_by_registry


class Quality(BaseModel):
    """The metric over the replayed span, with its bootstrap interval."""

    value: float
    low: float
    high: float
    rows: int


class Replayed(BaseModel):
    """What a replay did; *trainings*, *rows_learned* and *cpu_seconds* leave the first version out.

    *trainings* are runs that a decision fired; rows and CPU are also those of background learning.
    """

    model: str
    spec: str
    metric: str
    start: datetime
    end: datetime
    windows: int
    actions: dict[str, int]
    verdicts: dict[str, int]
    trainings: int
    outcomes: dict[str, int]
    promoted: int
    rows_learned: int
    cpu_seconds: float
    first_cpu_seconds: float
    composite: Quality
    never: Quality


def sum_up(context: ModelContext, path: str, span: Span, windows: int) -> Replayed:
    """The replay of the spec at *path* over *span*, in so many *windows*, by its ledger and registry."""
    model, metric = context.spec.model, context.spec.metric
    decisions = context.ledger.decisions.of(model)
    trainings = context.ledger.runs.of(model)
    promotions = context.ledger.promotions.of(model)
    view = context.source.as_of(span.end)
    rows, served = labelled(view, span), served_by_registry(context)
    return Replayed(
        model=model,
        spec=path,
        metric=metric,
        start=span.start,
        end=span.end,
        windows=windows,
        actions=Counter(d.action for d in decisions if d.window is not None),
        verdicts=Counter(d.triage.verdict for d in decisions if d.window is not None),
        trainings=sum(f.outcome != "background" for f in trainings),
        outcomes=Counter(f.outcome for f in trainings),
        promoted=len(promotions) - 1,
        rows_learned=sum(f.rows for f in trainings),
        cpu_seconds=sum(f.cpu_seconds for f in trainings),
        first_cpu_seconds=first_cpu_seconds(context),
        composite=Quality(**vars(quality(context.spec, composite(rows, served)))),
        never=Quality(**vars(quality(context.spec, composite(rows, served[:1])))),
    )
