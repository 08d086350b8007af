"""The composite model: what was served at each moment, whichever version that was."""

from __future__ import annotations

from collections.abc import Iterator

from ..data.metrics import METRICS, Interval, Outcomes, interval, join
from ..data.view import View
from ..data.window import EVERY_ROW
from ..models.trained import Trained
from ..spec.values import Span
from .care import Care


def served_by(care: Care, span: Span) -> Iterator[tuple[Span, str]]:
    """Cut *span* where the champion changed; a row at the moment of promotion was served by the old one."""
    promotions = [p for p in care.ledger.champions(care.spec.model) if p.at < span.end]
    for index, promotion in enumerate(promotions):
        start = max(promotion.at, span.start)
        end = min(promotions[index + 1].at if index + 1 < len(promotions) else span.end, span.end)
        if start < end:
            yield Span(start=start, end=end), promotion.version


def composite_quality(care: Care, view: View, span: Span) -> Interval:
    """The spec's metric of the composite model over the labelled rows of *span*, with its interval."""
    parts = [_judge(view, piece, care.registry.load(version)) for piece, version in served_by(care, span)]
    whole = join([part for part in parts if part is not None])
    return interval(METRICS[care.spec.metric], whole, seed=care.spec.seed)


def quality_of(view: View, span: Span, trained: Trained, metric: str, seed: int) -> Interval:
    """The metric of one version over *span*, as if it had served all of it."""
    outcomes = _judge(view, span, trained)
    return interval(METRICS[metric], outcomes if outcomes is not None else join([]), seed=seed)


def _judge(view: View, span: Span, trained: Trained) -> Outcomes | None:
    frame = view.window(span, sample=EVERY_ROW).frame
    labelled = frame[frame["_target"].notna()]
    return trained.try_predict(labelled)
