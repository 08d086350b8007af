"""The composite model: what was served at each moment, whichever version that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ...data.columns import TARGET, TIME
from ...data.metrics.metrics import Interval, Outcomes, interval, join
from ...data.metrics.own import metric_of
from ...data.view import View
from ...data.window import EVERY_ROW
from ...models.learning.trained import Trained
from ...spec.model import Spec
from ...spec.values import Span
from ..context import ModelContext


@dataclass(frozen=True)
class Served:
    """*trained* served from *since* on, under the name *version*."""

    since: datetime
    version: str
    trained: Trained


def served_by_registry(context: ModelContext) -> list[Served]:
    """The versions behind the champion alias, in the order in which they took over."""
    return [
        Served(p.at, p.version, context.registry.load(p.version))
        for p in context.ledger.promotions.of(context.spec.model)
    ]


def labelled(view: View, span: Span) -> pd.DataFrame:
    """All rows predicted in *span* whose labels *view* sees."""
    frame = view.window(span, sample=EVERY_ROW).frame
    return frame[frame[TARGET].notna()]


def composite(rows: pd.DataFrame, served: Sequence[Served]) -> Outcomes | None:
    """What was served on *rows*, each by the version of its moment; None without rows.

    A row at the moment of promotion was served by the old version. Rows that the version cannot predict, such as
    those of a null flood, are left out.
    """
    parts = []
    for index, each in enumerate(served):
        after = rows[TIME] > each.since if index else pd.Series(True, index=rows.index)
        until = served[index + 1].since if index + 1 < len(served) else None
        mine = rows[after & (rows[TIME] <= until)] if until is not None else rows[after]
        said = each.trained.try_predict(mine)
        if said is not None:
            parts.append(said)
    return join(parts) if parts else None


def quality(spec: Spec, outcomes: Outcomes | None, resamples: int = 500) -> Interval:
    """The spec's metric of *outcomes* with its interval; NaN where there are none."""
    known = outcomes if outcomes is not None else join([])
    return interval(metric_of(spec), known, resamples=resamples, seed=spec.seed)
