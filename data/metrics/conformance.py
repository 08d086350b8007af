"""The tests that every metric of one's own must pass: run `faults` on yours, in your own tests.

from ratoon.data.metrics.conformance import faults

def test_it_is_a_metric():
    assert faults(FraudCost()) == []
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...spec.errors import SpecError
from ...spec.own_metric import DeclaredMetric, declared_by
from .metric import Metric
from .outcomes import Outcomes
from .own import as_metric

_ROWS = 200


def faults(metric: Any, task: str | None = None, labels: Sequence[Any] | None = None) -> list[str]:
    """What *metric* does that a metric must not, a sentence each; none: it conforms.

    *task* is the one that it is for, left out: each that it declares; *labels* are some of the team's own, at least
    twenty, left out: 0 and 1, three words, or numbers. A scorer of scikit-learn is given with its *task*.
    """
    try:
        declared = metric if isinstance(metric, DeclaredMetric) else declared_by(metric, "the metric")
    except SpecError as error:
        return [str(error)]
    tasks = [task] if task else list(declared.tasks)
    return [each for one in tasks for each in faults_of(as_metric(declared), one, labels)]


def faults_of(metric: Metric, task: str, labels: Sequence[Any] | None = None) -> list[str]:
    """As `faults`, for any metric of *task*, Ratoon's own among them."""
    good, chance = made_outcomes(task, labels)
    found = broken(metric, good)
    if not found and (turned := turned_round(metric, good, chance)):
        found = [turned]
    return [f"{task}: {each}" for each in found]


def made_outcomes(
    task: str, labels: Sequence[Any] | None = None, positive: Any = None, seed: int = 0
) -> tuple[Outcomes, Outcomes]:
    """Answers that are mostly right, and answers that are right by chance, to the same labels.

    *positive* is the class that scores are of; left out: the last one.
    """
    rng = np.random.default_rng(seed)
    if task in ("regression", "clustering"):
        return _numbers(task, labels, rng)
    values = list(labels) if labels is not None else None
    classes = tuple(sorted(set(values))) if values else ((0, 1) if task == "binary" else ("ash", "birch", "cedar"))
    classes = tuple(sorted(classes, key=lambda each: each == positive)) if positive is not None else classes
    places = np.asarray([classes.index(each) for each in values]) if values else rng.integers(0, len(classes), _ROWS)
    return _classes(classes, places, 3.0, rng), _classes(classes, places, 0.0, rng)


def _numbers(task: str, labels: Sequence[Any] | None, rng: np.random.Generator) -> tuple[Outcomes, Outcomes]:
    if task == "clustering":
        none = np.zeros(_ROWS)
        near, far = (Outcomes(none, none, scale * rng.random(_ROWS)) for scale in (1.0, 3.0))
        return near, far
    target = np.asarray(labels, dtype=np.float64) if labels is not None else rng.normal(50.0, 10.0, _ROWS)
    spread = float(np.std(target)) or 1.0
    good = Outcomes(target, target + rng.normal(0.0, spread / 5, len(target)))
    return good, Outcomes(target, rng.permutation(target))


def _classes(classes: tuple[Any, ...], places: Any, right: float, rng: np.random.Generator) -> Outcomes:
    """Probabilities that lean to the right class by *right*, in logits; 0: by chance."""
    logits = rng.normal(0.0, 1.0, (len(places), len(classes)))
    logits[np.arange(len(places)), places] += right
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    named = np.asarray(classes, dtype=object if isinstance(classes[0], str) else None)
    said = score.argmax(axis=1)
    return Outcomes(named[places], named[said], score[:, 1] if len(classes) == 2 else score, classes)


def broken(metric: Metric, good: Outcomes) -> list[str]:
    """What nobody can judge by: no value, or one that another time, another order or a resample would not give."""
    value = metric(good)
    if not np.isfinite(value):
        return [f"it has no value: {metric.fault(good) or f'it is {value}'}"]
    if not _same(metric(good), value):
        return ["equal rows have another value the second time: it keeps something, or draws without a seed"]
    return list(_broken(metric, good, value))


def _broken(metric: Metric, good: Outcomes, value: float) -> Iterator[str]:
    least, most = metric.bounds
    if not least <= value <= most:
        yield f"its value {value:.6g} lies beyond its bounds ({least:g}, {most:g})"
    rows = np.random.default_rng(1).permutation(len(good))
    if not _same(metric(good.take(rows)), value):
        yield "the same rows in another order have another value"
    if not _same(metric(good.take(np.tile(rows, 3))), value):
        yield "each row three times has another value than once: expected a mean or a share, not a sum"
    draw, drawn = metric.prepare(good), np.random.default_rng(2).integers(0, len(good), len(good))
    if not _same(draw(drawn), metric(good.take(drawn))):
        yield "a resample has another value than its rows"
    terms = metric.terms(good)
    if terms is not None and not _same(float(terms.mean()), value):
        yield "the mean of its rows' terms is not its value"
    if metric.needs_score and np.isfinite(metric(replace(good, score=None))):
        yield "it has a value without the scores that it declares to need"


def turned_round(metric: Metric, good: Outcomes, chance: Outcomes) -> str | None:
    """In words, if answers that are mostly right are worse than chance by it; None if not."""
    value, other = metric(good), metric(chance)
    if not metric.gain(other, value) > 0:
        return None
    way = "greater" if metric.greater_is_better else "smaller"
    return (
        f"answers that are mostly right ({value:.4g}) are worse than answers by chance ({other:.4g}), as {way} is "
        f"better; expected `greater_is_better` to be {not metric.greater_is_better}"
    )


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
