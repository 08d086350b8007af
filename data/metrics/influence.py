"""What each row weighs in a metric: its influence, so that a metric's variance is that of a mean.

A row's term is the metric's value plus how fast it moves with that row's weight (the infinitesimal jackknife: Jaeckel
1972; Efron, Nonparametric estimates of standard error, Biometrika 68, 1981). The terms' mean is the value itself, and
the variance of that mean is the metric's to first order: for a mean the plain one, for roc_auc that of DeLong et al.
(Biometrics 44, 1988), for the root of a mean the delta method's.
"""

from __future__ import annotations

import numpy as np

from .outcomes import Array, Outcomes, codes_of, parts_of


def of_root(squares: Array) -> Array:
    """Of the root of their mean."""
    mean = float(squares.mean())
    if mean <= 0:
        return np.zeros(len(squares))
    root = float(np.sqrt(mean))
    return np.asarray(root + (squares - mean) / (2 * root))


def of_area(outcomes: Outcomes) -> Array | None:
    """Each row's share of the rows of the other class that it is in order with (DeLong's placement values), by
    sorting, as Sun and Xu do (IEEE Signal Processing Letters 21, 2014); inside the parts, if rows have some.

    Within a class squares sum to its size, less one: as DeLong's variance has it.
    """
    score = None if outcomes.score is None else np.asarray(outcomes.score, dtype=np.float64)
    if score is None or score.ndim != 1 or len(outcomes.classes) < 2 or not np.isfinite(score).all():
        return None
    positive = np.asarray(outcomes.target == outcomes.classes[1], dtype=bool)
    won, met = np.zeros(len(score)), np.zeros(len(score))
    for rows in parts_of(outcomes):
        inside = positive[rows]
        above, below = score[rows[inside]], score[rows[~inside]]
        hits, misses = len(above), len(below)
        won[rows[inside]] = passed(above, np.sort(below))
        won[rows[~inside]] = hits - passed(below, np.sort(above))
        met[rows] = np.where(inside, misses, hits)
    pairs = float(met[positive].sum())
    if pairs == 0:
        return None
    area = float(won[positive].sum() / pairs)
    moved = len(score) * (won - area * met) / pairs
    for of_class in (positive, ~positive):
        moved[of_class] *= _unbiased(int(of_class.sum()))
    return np.asarray(area + moved)


def passed(values: Array, ordered: Array) -> Array:
    """How many of *ordered*, which is sorted, lie below each of *values*; ties count half."""
    return np.asarray((np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2)


def of_recalls(outcomes: Outcomes) -> Array | None:
    """Of the mean recall: each row moves that of its own class."""
    (label, said), classes = codes_of(outcomes)
    hit = (label == said).astype(np.float64)
    labelled = np.bincount(label, minlength=len(classes))
    seen = int((labelled > 0).sum())
    recall = np.bincount(label, weights=hit, minlength=len(classes)) / np.maximum(labelled, 1)
    scale = np.asarray([_unbiased(int(n)) for n in labelled])[label]
    moved = len(label) * scale * (hit - recall[label]) / (labelled[label] * seen)
    return np.asarray(recall[labelled > 0].mean() + moved)


def of_f1(outcomes: Outcomes) -> Array | None:
    """Of 2 hits / (labels + predictions), for the positive class (binary) or as the mean over all that are there."""
    (label, said), classes = codes_of(outcomes)
    k = len(classes)
    there = np.bincount(label, minlength=k) + np.bincount(said, minlength=k)
    hits = np.bincount(label[label == said], minlength=k)
    judged = [1] if len(outcomes.classes) == 2 else [each for each in range(k) if there[each]]
    value, moved = 0.0, np.zeros(len(label))
    for each in judged:
        if not there[each]:
            continue
        f = 2 * hits[each] / there[each]
        of_label, of_said = label == each, said == each
        value += f / len(judged)
        moved += (2.0 * (of_label & of_said) - f * (of_label.astype(float) + of_said)) / there[each] / len(judged)
    return np.asarray(value + len(label) * moved)


def _unbiased(rows: int) -> float:
    """What makes the mean square of centred values an unbiased variance."""
    return float(np.sqrt(rows / (rows - 1))) if rows > 1 else 1.0
