"""Expected metrics from calibrated confidence: the arithmetic behind `estimate`, which names its sources."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from ...data.metrics.metrics import Interval, Outcomes

Scores = NDArray[np.float64]

_ROWS = 2_000  # rows of either sample that are judged
_RESAMPLES = 60


def estimated(metric: str, scored: Outcomes, calibration: Outcomes, *, seed: int = 0) -> Interval:
    """The expected metric over *scored*, with its 95 % interval by the bootstrap's standard error.

    Both samples of rows are resampled and calibrated anew, so that it holds the calibration's error as well.
    """
    rng = np.random.default_rng(seed)
    rows = len(scored)
    scored, calibration = (_at_most(part, rng) for part in (scored, calibration))
    learn, every = Calibration(calibration), np.arange(len(calibration))
    value = _expected(metric, scored, learn(every, _confidence(scored)))
    draws = []
    for _ in range(_RESAMPLES):
        now = scored.take(rng.integers(0, len(scored), len(scored)))
        again = rng.integers(0, len(calibration), len(calibration))
        draws.append(_expected(metric, now, learn(again, _confidence(now))))
    finite = np.asarray([d for d in draws if math.isfinite(d)])
    error = 1.96 * float(finite.std(ddof=1)) if len(finite) > 1 else math.nan
    return Interval(value, value - error, value + error, rows)


class Calibration:
    """Isotonic regression of what happened on how confident the champion was, for rows drawn again and again.

    What happens is the positive class (binary), or that the prediction is right, by its own probability
    (multiclass). One more row at either end, which turned out as all do on average, keeps a few rows that all
    turned out one way from being certainty.
    """

    def __init__(self, known: Outcomes) -> None:
        self._levels, place = np.unique(_confidence(known), return_inverse=True)
        self._place, self._happened = place.reshape(-1), _hit(known)

    def __call__(self, rows: NDArray[np.intp], confidence: Scores) -> Scores:
        """Probabilities for *confidence* (n,), learned on these *rows* of the known ones."""
        place, happened = self._place[rows], self._happened[rows]
        weights = np.bincount(place, minlength=len(self._levels)).astype(np.float64)
        sums = np.bincount(place, weights=happened, minlength=len(self._levels))
        seen = np.flatnonzero(weights)
        for end in (seen[0], seen[-1]):
            weights[end] += 1.0
            sums[end] += happened.mean()
        steps = isotonic_regression(sums[seen] / weights[seen], sample_weight=weights[seen], y_min=0.0, y_max=1.0)
        return np.asarray(np.interp(confidence, self._levels[seen], steps))


def _at_most(outcomes: Outcomes, rng: np.random.Generator) -> Outcomes:
    rows = len(outcomes)
    return outcomes if rows <= _ROWS else outcomes.take(np.sort(rng.choice(rows, _ROWS, replace=False)))


def calibration_error(known: Outcomes, bins: int = 10) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht 2015), less what chance adds: fitted on the even
    rows, judged on the odd ones."""
    judge = known.take(np.arange(1, len(known), 2))
    said, happened = Calibration(known)(np.arange(0, len(known), 2), _confidence(judge)), _hit(judge)
    order = np.argsort(said, kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part) == 0:
            continue
        off = abs(float(said[part].mean() - happened[part].mean()))
        noise = math.sqrt(max(float((said[part] * (1 - said[part])).mean()), 1e-9) * 2 / len(part))
        total += len(part) / len(order) * max(0.0, off - noise)
    return total


def _confidence(outcomes: Outcomes) -> Scores:
    score = np.asarray(outcomes.score, dtype=np.float64)
    return score if score.ndim == 1 else np.asarray(score.max(axis=1))


def _hit(outcomes: Outcomes) -> Scores:
    """What the calibrated probability is of: the positive class (binary), or that the prediction is right."""
    score = np.asarray(outcomes.score)
    if score.ndim == 1:
        return np.asarray(outcomes.target == outcomes.classes[1], dtype=np.float64)
    return np.asarray(outcomes.target == outcomes.prediction, dtype=np.float64)


def _expected(metric: str, scored: Outcomes, p: Scores) -> float:
    """The metric's expectation, where each label is what *p* says, independently."""
    score = np.asarray(scored.score, dtype=np.float64)
    if score.ndim == 2:
        if metric == "accuracy":
            return float(p.mean())
        # The rest of the probability is shared among the other classes as the champion shares it
        top = score.argmax(axis=1)
        said = score[np.arange(len(score)), top]
        others = np.where(np.arange(score.shape[1]) == top[:, None], 0.0, score)
        share = others / np.maximum(others.sum(axis=1, keepdims=True), 1e-15)
        each = -np.log(np.clip(score, 1e-15, 1))
        return float((p * -np.log(np.clip(said, 1e-15, 1)) + (1 - p) * (share * each).sum(axis=1)).mean())
    if metric == "roc_auc":
        return _area(score, p)
    if metric == "log_loss":
        return float(-(p * np.log(np.clip(score, 1e-15, 1)) + (1 - p) * np.log(np.clip(1 - score, 1e-15, 1))).mean())
    if metric == "brier":
        return float((p * (score - 1) ** 2 + (1 - p) * score**2).mean())
    yes = np.asarray(scored.prediction == scored.classes[1], dtype=np.float64)
    hit, false = float((p * yes).sum()), float(((1 - p) * yes).sum())
    miss, right = float((p * (1 - yes)).sum()), float(((1 - p) * (1 - yes)).sum())
    if metric == "accuracy":
        return (hit + right) / len(p)
    if metric == "f1":
        return 2 * hit / (2 * hit + false + miss) if hit + false + miss > 0 else 0.0
    if hit + miss == 0 or right + false == 0:
        return float("nan")
    return (hit / (hit + miss) + right / (right + false)) / 2


def _area(score: Scores, p: Scores) -> float:
    """The area under the curve where row i counts p_i as a hit and 1 - p_i as a miss; ties counted half."""
    values, place = np.unique(score, return_inverse=True)
    hits = np.bincount(place.reshape(-1), weights=p, minlength=len(values))
    misses = np.bincount(place.reshape(-1), weights=1 - p, minlength=len(values))
    total = float(hits.sum() * misses.sum())
    return float(hits @ (np.cumsum(misses) - misses / 2) / total) if total > 0 else float("nan")
