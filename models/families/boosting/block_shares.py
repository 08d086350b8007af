"""How much each block counts: the weights, none below nought and one in sum, that lose least on the newest rows.

Stacking with such weights is Breiman, "Stacked regressions", Machine Learning 1996. Equal weights are the prior, worth
`PRIOR` rows: blocks that say the same count the same, and few rows decide little.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from ...estimators import Array
from .leaf_steps import Loss, slope_of

PRIOR = 2.0


def shares_of(loss: Loss, said: Array, y: Array, weight: Array | None) -> Array:
    """The share of each of m blocks, shape (m,), by their raw scores *said*, shape (m, n, k), on rows labelled *y*.

    *y*, shape (n,): numbers, or class codes from 0; *weight*, shape (n,), of rows.
    """
    m, n, _ = said.shape
    slope = slope_of(loss, y, weight)
    total = float(n if weight is None else weight.sum())
    scale = total * (max(float(np.var(y)), 1e-12) if loss == "squared" else 1.0)

    def value(z: Array) -> tuple[float, Array]:
        share = softmax(z)
        score = np.tensordot(share, said, 1)
        lost = float(np.sum(_lost(loss, score, y) * (1.0 if weight is None else weight))) / scale
        by_share = np.tensordot(said, slope(score)[0], 2) / scale
        prior = PRIOR / n
        gradient = share * (by_share - share @ by_share) + prior * (share - 1 / m)
        return lost - prior * float(np.mean(np.log(np.maximum(share, 1e-300)))), gradient

    found = minimize(value, np.zeros(m), jac=True, method="L-BFGS-B", options={"maxiter": 50}).x
    return np.asarray(softmax(found))


def _lost(loss: Loss, score: Array, y: Array) -> Array:
    """The loss of each row, shape (n,), at raw scores of shape (n, k): that whose gradient `slope_of` gives."""
    if loss == "squared":
        return np.asarray((score[:, 0] - y) ** 2 / 2)
    if loss == "logistic":
        return np.asarray(np.logaddexp(0, -(2 * np.asarray(y) - 1) * score[:, 0]))
    own = score[np.arange(len(score)), np.asarray(y, dtype=np.intp)]
    return np.asarray(np.logaddexp.reduce(score, axis=1) - own)
