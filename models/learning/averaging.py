"""Averaged SGD in an update: the mean of the weights forgets.

scikit-learn's `average=True` serves the mean of the weights over every step since the first fit (Polyak & Juditsky,
"Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992). After n rows a step moves that
mean by 1/n: the weights would follow a moving world, and what is served would stand still. An update serves the mean
over its own steps and as many before them, as tail averaging does (Jain et al., "Parallelizing stochastic gradient
descent for least squares regression", JMLR 18, 2018), so that what is served moves half way from update to update.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sklearn.base import BaseEstimator

from ..estimators import IncrementalEstimator
from .weighting import parts


@contextmanager
def short_averages(last: IncrementalEstimator, steps: int) -> Iterator[list[BaseEstimator]]:
    """Let the mean of the fitted *last*, and of each inner estimator, count as *steps* steps; those that average."""
    averaging = [each for each in parts(last) if getattr(each, "average", False)]
    before = [each.average for each in averaging]
    for each in averaging:
        # scikit-learn weighs a step by 1 / (t - average + 1), by which the mean so far counts as t - average steps
        each.average = max(int(each.average), int(each.t_) - steps)
    try:
        yield averaging
    finally:
        for each, value in zip(averaging, before, strict=True):
            each.average = value
