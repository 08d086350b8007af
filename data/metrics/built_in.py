"""The arithmetic of Ratoon's own metrics, each by its name in `METRICS`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ...spec.keys.metric import RELATIVE
from .influence import of_area, of_f1, of_recalls, of_root, passed
from .metric import Draw, Each, Influence, Metric
from .outcomes import Array, Outcomes, codes_of, parts_of


def _roc_auc(outcomes: Outcomes) -> float:
    """The Mann-Whitney form of the area (Hanley and McNeil 1982), ties counted half.

    Equal to scikit-learn's `roc_auc_score` and ten times faster, which the bootstrap's thousands of calls need. With
    parts, the share of the pairs inside them that are in order: their areas, weighted by their pairs.
    """
    if outcomes.score is None or len(outcomes) == 0:
        return float("nan")
    won, pairs = 0.0, 0
    for rows in parts_of(outcomes):
        positive = outcomes.target[rows] == outcomes.classes[1]
        hits, misses = int(positive.sum()), int((~positive).sum())
        score = outcomes.score[rows]
        won += passed(score[positive], np.sort(score[~positive])).sum()
        pairs += hits * misses
    return float(won / pairs) if pairs else float("nan")


def _area_of(outcomes: Outcomes) -> Draw:
    """As `_roc_auc`, with the scores sorted once: a resample is a weight on each row.

    The sums are of whole and half numbers, so that nothing is rounded and both ways give the same float.
    """
    if outcomes.score is None or len(outcomes) == 0:
        return lambda rows: float("nan")
    cell, ends = np.asarray(outcomes.target == outcomes.classes[1], dtype=np.intp), [0]
    for part in parts_of(outcomes):
        values, place = np.unique(outcomes.score[part], return_inverse=True)
        cell[part] += 2 * place.reshape(-1) + ends[-1]
        ends.append(ends[-1] + 2 * len(values))

    def area(rows: Array) -> float:
        counts = np.bincount(cell[rows], minlength=ends[-1])
        won, pairs = 0.0, 0
        for start, end in pairwise(ends):
            below, above = counts[start:end:2], counts[start + 1 : end : 2]
            won += np.dot(above.astype(np.float64), np.cumsum(below) - below / 2)
            pairs += int(below.sum()) * int(above.sum())
        return float(won / pairs) if pairs else float("nan")

    return area


def _each_log_loss(outcomes: Outcomes) -> Array:
    """-ln of the probability given to each row's label, shape (n,); a label of an unknown class had none."""
    if outcomes.score is None:
        return np.full(len(outcomes), np.nan)
    score = np.column_stack([1 - outcomes.score, outcomes.score]) if outcomes.score.ndim == 1 else outcomes.score
    given = np.zeros(len(outcomes))
    for column, each in enumerate(outcomes.classes):
        here = np.asarray(outcomes.target == each, dtype=bool)
        given[here] = score[here, column]
    return np.asarray(-np.log(np.clip(given, 1e-15, 1)))


def _each_brier(outcomes: Outcomes) -> Array:
    if outcomes.score is None:
        return np.full(len(outcomes), np.nan)
    return np.asarray((outcomes.score - (outcomes.target == outcomes.classes[1])) ** 2)


def _each_hit(outcomes: Outcomes) -> Array:
    return np.asarray(outcomes.target == outcomes.prediction, dtype=bool)


def _each_error(outcomes: Outcomes) -> Array:
    return np.asarray(np.abs(outcomes.target - outcomes.prediction))


def _each_square(outcomes: Outcomes) -> Array:
    return np.asarray((outcomes.target - outcomes.prediction) ** 2)


def _each_distance(outcomes: Outcomes) -> Array:
    """How far each row lies from the nearest centre, in one unit for both models: `models/learning/unit.py`."""
    return np.full(len(outcomes), np.nan) if outcomes.score is None else np.asarray(outcomes.score, dtype=np.float64)


def _balanced_accuracy(cells: Array, classes: tuple[Any, ...]) -> float:
    """Mean recall over the classes that have labels."""
    labelled = cells.sum(axis=1)
    return float(np.mean(np.diag(cells)[labelled > 0] / labelled[labelled > 0]))


def _f1(cells: Array, classes: tuple[Any, ...]) -> float:
    """Of the positive class (binary), else the mean over all classes that are there or were predicted."""
    hits, seen = np.diag(cells), cells.sum(axis=0) + cells.sum(axis=1)
    if len(classes) == 2:
        return float(2 * hits[1] / seen[1]) if seen[1] else 0.0
    return float(np.mean(2 * hits[seen > 0] / seen[seen > 0]))


def mean_of(name: str, each: Each, **facts: Any) -> Metric:
    """A metric that is the mean of something per row; *facts* are other fields of `Metric`."""

    def prepare(outcomes: Outcomes) -> Draw:
        values = each(outcomes)
        return lambda rows: float(np.mean(values[rows]))

    return Metric(name=name, function=lambda o: float(np.mean(each(o))), prepare=prepare, each=each, **facts)


def _root(name: str, each: Each) -> Metric:
    """A metric that is the root of the mean of something per row."""

    def prepare(outcomes: Outcomes) -> Draw:
        values = each(outcomes)
        return lambda rows: float(np.sqrt(np.mean(values[rows])))

    return Metric(
        name=name,
        function=lambda o: float(np.sqrt(np.mean(each(o)))),
        prepare=prepare,
        each=each,
        influence=lambda o: of_root(each(o)),
        **_loss(name),
    )


def _counted(name: str, of_cells: Callable[[Array, tuple[Any, ...]], float], influence: Influence) -> Metric:
    """A metric of the confusion matrix alone, shape (k, k): labels down, predictions across."""

    def prepare(outcomes: Outcomes) -> Draw:
        codes, classes = codes_of(outcomes)
        k = len(classes)
        cell = codes[0] * k + codes[1]
        return lambda rows: of_cells(np.bincount(cell[rows], minlength=k * k).reshape(k, k), outcomes.classes)

    def function(outcomes: Outcomes) -> float:
        return prepare(outcomes)(np.arange(len(outcomes)))

    return Metric(
        name=name,
        function=function,
        prepare=prepare,
        of_classes=True,
        influence=influence,
        two_classes=name == "f1",
        **_score(name),
    )


def _loss(name: str) -> dict[str, Any]:
    return {"greater_is_better": False, "relative": name in RELATIVE}


def _score(name: str) -> dict[str, Any]:
    return {"greater_is_better": True, "relative": name in RELATIVE, "bounds": (0.0, 1.0)}


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric(
            name="roc_auc",
            function=_roc_auc,
            prepare=_area_of,
            needs_score=True,
            of_classes=True,
            influence=of_area,
            ranks=True,
            two_classes=True,
            **_score("roc_auc"),
        ),
        mean_of("accuracy", _each_hit, **_score("accuracy")),
        _counted("balanced_accuracy", _balanced_accuracy, of_recalls),
        _counted("f1", _f1, of_f1),
        mean_of("log_loss", _each_log_loss, needs_score=True, **_loss("log_loss")),
        mean_of("brier", _each_brier, needs_score=True, two_classes=True, **_loss("brier")),
        mean_of("mae", _each_error, **_loss("mae")),
        _root("rmse", _each_square),
        mean_of("distance", _each_distance, **_loss("distance")),
        # What k-means minimises (Lloyd, Least squares quantization in PCM, 1982); one far row weighs more in it.
        mean_of("distortion", lambda o: _each_distance(o) ** 2, **_loss("distortion")),
    )
}


def known_metric(metric: Metric | str) -> Metric:
    """The metric itself, if it is called by the name of one of Ratoon's. Raises KeyError for another name."""
    return METRICS[metric] if isinstance(metric, str) else metric
