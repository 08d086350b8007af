"""What an arm served, stretch by stretch, judged with every label that ever arrived."""

from __future__ import annotations

import pandas as pd

from ..data.metrics.metrics import Interval, Outcomes
from ..data.metrics.own import metric_of
from ..data.metrics.paired import paired_gain
from ..data.sources.moment import LATEST
from ..loop.context import ModelContext
from ..loop.observe.composite import labelled, quality
from ..loop.observe.drop import drop_of
from ..models.learning.trained import Trained
from ..spec.errors import RatoonError
from ..spec.values import Span
from .results import Quality

_RESAMPLES = 300


class Hindsight:
    """All labels of the whole source: for judging after the end, never for deciding."""

    def __init__(self, context: ModelContext) -> None:
        self.context = context
        self.view = context.source.as_of(LATEST)
        self.metric = metric_of(context.spec)

    def rows(self, span: Span) -> pd.DataFrame:
        """The labelled rows predicted in *span*."""
        return labelled(self.view, span)

    def quality(self, outcomes: Outcomes | None, resamples: int = _RESAMPLES) -> Quality:
        """The metric of *outcomes* with its interval."""
        return Quality(**vars(quality(self.context.spec, outcomes, resamples)))

    def harm(self, outcomes: Outcomes | None, span: Span, first: Trained) -> bool | None:
        """Whether the stretch was harm by the spec's own tolerance, against *first*'s baseline; None: too few rows.

        A stretch lies between two looks and may hold far fewer rows than a window: the interval tells what they can.
        """
        status = drop_of(self.context.spec, first, outcomes, span, least=self.context.spec.gate.min_rows).status
        return None if status == "unknown" else status == "fail"

    def better(self, candidate: Trained, champion: Trained, rows: pd.DataFrame) -> bool | None:
        """Whether *candidate* was provably better than *champion* on *rows*; None where it cannot be told."""
        pair = self._pair(candidate, champion, rows)
        gain = self._gain(pair, _RESAMPLES) if pair else None
        return None if gain is None or gain.low != gain.low else gain.low > 0

    def worse(self, candidate: Trained, champion: Trained, rows: pd.DataFrame, *, among: int = 1) -> bool | None:
        """Whether *candidate* was provably worse than *champion* on *rows*; None where it cannot be told.

        *among* how many such questions are asked: the error of 5 % is shared by all of them.
        """
        pair = self._pair(candidate, champion, rows)
        if pair is None:
            return None
        likely = self._gain(pair, 100, confidence=0.8)  # a cheap first look: most are not worse at all
        if likely is None or likely.high != likely.high:
            return None
        if likely.high >= 0:
            return False
        gain = self._gain(pair, 2 * _RESAMPLES, confidence=1 - 0.05 / among)
        return None if gain is None or gain.high != gain.high else gain.high < 0

    def _pair(self, candidate: Trained, champion: Trained, rows: pd.DataFrame) -> tuple[Outcomes, Outcomes] | None:
        if len(rows) < self.context.spec.gate.min_rows:
            return None
        try:
            return candidate.predict(rows), champion.predict(rows)
        except (RatoonError, ValueError):
            return None

    def _gain(self, pair: tuple[Outcomes, Outcomes], resamples: int, confidence: float = 0.95) -> Interval | None:
        try:
            return paired_gain(
                self.metric, *pair, confidence=confidence, resamples=resamples, seed=self.context.spec.seed
            )
        except (RatoonError, ValueError):
            return None
