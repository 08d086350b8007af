"""Whether probabilities mean what they say, and whether numbers lie above or below the labels: as metrics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .metrics import Array, Draw, Metric, Outcomes

_ROWS_PER_BIN = 20


def calibration_error(bins: int = 10) -> Metric:
    """The expected calibration error over bins of equal mass, in points of probability; smaller is better.

    In each bin, how far the mean probability lies from the share of hits, weighted by rows: for binary the positive
    class's, for more classes that of the class predicted (Guo et al., On Calibration of Modern Neural Networks,
    2017). Bins of equal mass rather than width, as Nixon et al. (Measuring Calibration in Deep Learning, 2019) find
    more robust. Each holds at least 20 rows, and equal probabilities are never parted. On few rows it is too large
    for every model alike, so that it says more in a comparison than alone.
    """

    def prepare(outcomes: Outcomes) -> Draw:
        if outcomes.score is None or len(outcomes) == 0:
            return lambda rows: float("nan")
        said, hit = _confidence(outcomes)
        count = max(2, min(bins, len(said) // _ROWS_PER_BIN))
        edges = np.unique(np.quantile(said, np.linspace(0, 1, count + 1)[1:-1]))
        cell, apart = np.searchsorted(edges, said, side="right"), said - hit

        def error(rows: Array) -> float:
            return float(np.abs(np.bincount(cell[rows], weights=apart[rows])).sum() / len(rows))

        return error

    return _of_draw("calibration error", prepare, relative=False, needs_score=True)


def relative_bias(scale: float) -> Metric:
    """How far predictions lie above or below their labels on the mean, as a share of *scale*; smaller is better."""

    def prepare(outcomes: Outcomes) -> Draw:
        apart = np.asarray(outcomes.prediction, dtype=np.float64) - outcomes.target
        return lambda rows: float(abs(np.mean(apart[rows])) / scale)

    return _of_draw("bias", prepare, relative=True)


def _of_draw(name: str, prepare: Callable[[Outcomes], Draw], *, relative: bool, needs_score: bool = False) -> Metric:
    """A metric that is what *prepare* gives for all rows; smaller is better."""
    return Metric(
        name=name,
        function=lambda o: prepare(o)(np.arange(len(o))),
        greater_is_better=False,
        relative=relative,
        prepare=prepare,
        needs_score=needs_score,
    )


def _confidence(outcomes: Outcomes) -> tuple[Array, Array]:
    """The probability that is held to its word, and whether what it promised came true; both of shape (n,)."""
    score = np.asarray(outcomes.score)
    if score.ndim == 1:
        return score, np.asarray(outcomes.target == outcomes.classes[1], dtype=np.float64)
    top = score.argmax(axis=1)
    named = np.asarray(outcomes.classes, dtype=object)[top]
    return score[np.arange(len(score)), top], np.asarray(named == outcomes.target, dtype=np.float64)
