"""How far a version fell below its lineage's baseline, on rows with labels."""

from __future__ import annotations

from ...data.metrics.metrics import Outcomes
from ...data.metrics.own import metric_of
from ...models.learning.trained import Trained
from ...monitors.performance.performance import Performance
from ...spec.keys.watching import PerformanceSpec
from ...spec.model import Spec
from ...spec.values import Signal, Span
from ..champion import accepted_of


def drop_of(spec: Spec, trained: Trained, outcomes: Outcomes | None, span: Span, *, least: int | None = None) -> Signal:
    """The signal `drop` of *trained*, as the spec's performance monitor measures it; *outcomes* are of *span*.

    *least*: so few rows are enough where `min_labels` asks for more.
    """
    watched = spec.monitors.performance or PerformanceSpec()
    if least is not None:
        watched = watched.model_copy(update={"min_labels": min(least, watched.min_labels)})
    measure = Performance(watched, metric_of(spec), seed=spec.seed)
    return next(s for s in measure(outcomes, accepted_of(spec, trained), span) if s.metric == "drop")
