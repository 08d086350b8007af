"""The metric as `ratoon check` tries it: on the source's own labels, beside answers that are made."""

from __future__ import annotations

from collections.abc import Iterator

from ...data.columns import TARGET
from ...data.metrics.conformance import broken, made_outcomes, turned_round
from ...data.metrics.own import metric_of
from ...data.served import positive_of
from ...data.source import Source
from ...data.window import Window
from ...spec.model import Spec
from ..commands.finding import Finding

KEY = "metric"
_FEWEST, _MOST = 20, 500  # labels


def metric_made(spec: Spec) -> Iterator[Finding]:
    """Whether a metric of the team's own can be made. Raises SpecError if not."""
    metric = metric_of(spec)
    if (own := spec.own_metric) is None:
        return
    way = "greater" if metric.greater_is_better else "smaller"
    of = "the mean over rows" if own.per_row else "of all rows together, resampled"
    margin = "a share of the champion's" if metric.relative else "in its unit"
    yield Finding("ok", KEY, f"{metric.name}: {way} is better; {of}; margins are {margin}")


def metric_tried(spec: Spec, source: Source) -> Iterator[Finding]:
    """Whether a metric of the team's own gives a value that one can judge by; its direction is a warning."""
    if spec.own_metric is None or (span := source.extent()) is None:
        return
    metric = metric_of(spec)
    good, chance = made_outcomes(spec.task, *_labels(spec, source.as_of(span.end).window(span, sample=_MOST)))
    where, found = f"{spec.path}: {spec.metric_key}: {metric.name}", broken(metric, good)
    for text in found:
        yield Finding("fail", KEY, f"{where}: {text}. Mend it; nothing was changed")
    if not found and (turned := turned_round(metric, good, chance)):
        yield Finding("warn", KEY, f"{where}: {turned}")


def _labels(spec: Spec, window: Window) -> tuple[list[object] | None, object]:
    """Some labels of the source, and the positive class; None if they are too few, or no two differ."""
    labels = window.frame[TARGET].dropna().tolist()
    if len(labels) < _FEWEST or len(set(labels)) < 2:
        return None, None
    classes = tuple(sorted(set(labels)))
    positive = positive_of(classes, spec.data.positive) if spec.task == "binary" and len(classes) == 2 else None
    return labels, positive
