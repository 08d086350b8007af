"""Averaged SGD in an update: the mean of the weights begins anew.

scikit-learn's `average=True` serves the mean of the weights over every step since the first fit (Polyak & Juditsky,
"Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 1992). After n rows a step moves that
mean by 1/n: the weights would follow a moving world, and what is served would stand still. An update serves the mean
over its own steps, as tail averaging does (Jain et al., "Parallelizing stochastic gradient descent for least squares
regression", JMLR 18, 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .weighting import parts


@contextmanager
def fresh_averages(last: Any) -> Iterator[list[Any]]:
    """Let the fitted *last*, and each inner estimator, average from here on; those that average at all."""
    averaging = [each for each in parts(last) if getattr(each, "average", False)]
    before = [each.average for each in averaging]
    for each in averaging:
        each.average = int(each.t_)  # scikit-learn: the step from which weights are averaged
        each._average_coef = np.zeros_like(each._average_coef)
        each._average_intercept = np.zeros_like(each._average_intercept)
    try:
        yield averaging
    finally:
        for each, value in zip(averaging, before, strict=True):
            each.average = value
