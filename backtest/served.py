"""What an arm served, stretch by stretch, judged with every label that ever arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ..data.metrics import METRICS, Outcomes, interval, join, paired_gain
from ..data.moment import LATEST
from ..data.window import EVERY_ROW
from ..loop.care import Care
from ..loop.champion import accepted_of
from ..models.trained import Trained
from ..monitors.performance import Performance
from ..spec.errors import RatoonError
from ..spec.values import Span
from ..spec.watching import PerformanceSpec
from .results import Quality

_RESAMPLES = 300


@dataclass(frozen=True)
class Served:
    """*trained* served from *since* on, under the name *version*."""

    since: datetime
    version: str
    trained: Trained


def served_by_registry(care: Care) -> list[Served]:
    """The versions behind the champion alias, in the order in which they took over."""
    return [Served(p.at, p.version, care.registry.load(p.version)) for p in care.ledger.champions(care.spec.model)]


class Hindsight:
    """All labels of the whole source: for judging after the end, never for deciding."""

    def __init__(self, care: Care) -> None:
        self.care = care
        self.view = care.source.as_of(LATEST)
        self.metric = METRICS[care.spec.metric]

    def rows(self, span: Span) -> pd.DataFrame:
        """The labelled rows predicted in *span*."""
        frame = self.view.window(span, sample=EVERY_ROW).frame
        return frame[frame["_target"].notna()]

    def outcomes(self, rows: pd.DataFrame, served: Sequence[Served]) -> Outcomes | None:
        """What was served on *rows*, each by the version of its moment; None without rows.

        Rows that the version cannot predict, such as those of a null flood, count for no arm that met them.
        """
        parts = []
        for index, each in enumerate(served):
            after = rows["_time"] > each.since if index else pd.Series(True, index=rows.index)
            until = served[index + 1].since if index + 1 < len(served) else None
            mine = rows[after & (rows["_time"] <= until)] if until is not None else rows[after]
            said = each.trained.try_predict(mine)
            if said is not None:
                parts.append(said)
        return join(parts) if parts else None

    def quality(self, outcomes: Outcomes | None, resamples: int = _RESAMPLES) -> Quality:
        """The metric of *outcomes* with its interval."""
        found = interval(
            self.metric,
            outcomes if outcomes is not None else join([]),
            resamples=resamples,
            seed=self.care.spec.seed,
        )
        return Quality(value=found.value, low=found.low, high=found.high, rows=found.rows)

    def harm(self, outcomes: Outcomes | None, span: Span, first: Trained) -> bool:
        """Whether the stretch was harm by the spec's own tolerance, against what *first* promised."""
        watched = self.care.spec.monitors.performance or PerformanceSpec()
        measure = Performance(watched, self.care.spec.metric, seed=self.care.spec.seed)
        signals = measure(outcomes, accepted_of(self.care.spec, first), span)
        return any(signal.metric == "drop" and signal.status == "fail" for signal in signals)

    def better(self, candidate: Trained, champion: Trained, rows: pd.DataFrame) -> bool | None:
        """Whether *candidate* was provably better than *champion* on *rows*; None where it cannot be told."""
        if len(rows) < self.care.spec.gate.min_rows:
            return None
        try:
            gain = paired_gain(
                self.metric,
                candidate.predict(rows),
                champion.predict(rows),
                resamples=_RESAMPLES,
                seed=self.care.spec.seed,
            )
        except (RatoonError, ValueError):
            return None
        return None if gain.low != gain.low else gain.low > 0
