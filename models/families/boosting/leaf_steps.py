"""Leaf re-estimation: Newton steps that move the leaf values of trees already grown, from where they stand.

What is split stays, what is said in the leaves follows the new rows. With gradient g and hessian h of the loss
at the present score, a leaf that holds the rows I moves by -step * sum(g_I) / (sum(h_I) + damp): Friedman's
leaf estimate ("Greedy function approximation", Annals of Statistics 2001, TreeBoost; with the damping of Chen &
Guestrin, "XGBoost", KDD 2016, eq. 5), taken as an increment on the old value. The packages' own refit takes a
weighted mean of old value and new instead (LightGBM's `Booster.refit`, `refit_decay_rate`; XGBoost's `refresh`
updater), which pulls the level of a regression, which lives in the first tree or the base score, towards nothing.
A leaf that no new row reaches keeps its value; one that few rows reach moves little, because of *damp*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import special

from ...estimators import Array

Loss = Literal["squared", "logistic", "softmax"]
Slope = Callable[[Array], tuple[Array, Array]]  # score (n, k) to gradient and hessian of that shape

PUSH = 4.0  # sum of the steps over all trees: together they would take a constant residual to exp(-4) of it
BLOCKS = 10  # trees are moved in so many blocks; the gradient is renewed between two blocks
DAMP = 10.0  # hessian that a leaf holds against its new rows; a row weighs 1 (squared) or p(1-p) (classes)


def slope_of(loss: Loss, y: Array, weight: Array | None) -> Slope:
    """The gradient and hessian of *loss* for labels *y*, shape (n,): numbers, or class codes from 0."""
    w = 1.0 if weight is None else weight[:, None]

    def squared(score: Array) -> tuple[Array, Array]:
        return w * (score - y[:, None]), w * np.ones_like(score)

    def logistic(score: Array) -> tuple[Array, Array]:
        p = special.expit(score)
        return w * (p - y[:, None]), w * np.maximum(p * (1 - p), 1e-6)

    def softmax(score: Array) -> tuple[Array, Array]:
        p = special.softmax(score, axis=1)
        k = score.shape[1]
        own = np.asarray(y, dtype=np.intp)[:, None] == np.arange(k)
        return w * (p - own), w * np.maximum(k / (k - 1) * p * (1 - p), 1e-6)  # LightGBM's bound of the hessian

    return {"squared": squared, "logistic": logistic, "softmax": softmax}[loss]


def bound_together(constraints: object) -> bool:
    """Whether leaves are bound to each other by monotone constraints, as the libraries take them: numbers, a text of
    them, or a dictionary by feature; moved one by one they would not stay in order."""
    if isinstance(constraints, dict):
        constraints = list(constraints.values())
    if isinstance(constraints, str):
        constraints = [int(each) for each in re.findall(r"-?\d+", constraints)]
    return constraints is not None and bool(np.any(np.asarray(constraints)))


def added(values: Sequence[Array], leaf: Array, output: Array, columns: int) -> Array:
    """What trees add to each row's score, shape (n, *columns*); the arguments are as those of `move_leaves`."""
    score = np.zeros((len(leaf), columns))
    for tree, each in enumerate(values):
        score[:, output[tree]] += each[leaf[:, tree]]
    return score


def move_leaves(
    values: Sequence[Array], leaf: Array, output: Array, score: Array, slope: Slope, *, damp: float = DAMP
) -> tuple[list[Array], Array]:
    """New leaf values and the scores that they give; the arguments are left as they are.

    *values*: leaf values of the T trees; *leaf*, shape (n, T): the place in `values[t]` that each row falls into;
    *output*, shape (T,): the column of *score*, shape (n, k), that a tree adds to.
    """
    if not values:
        return [], score
    start = np.concatenate([[0], np.cumsum([len(each) for each in values])])
    flat, place, score = np.concatenate(values).astype(np.float64), leaf + start[:-1], score.copy()
    columns = score.shape[1]
    rounds = -(-len(values) // columns)
    step = min(PUSH / rounds, 1.0 / -(-rounds // BLOCKS))  # no block may go past the new rows' own level
    size = columns * -(-rounds // BLOCKS)
    for first in range(0, len(values), size):
        block = slice(first, min(first + size, len(values)))
        low, high = start[block.start], start[block.stop]
        gradient, hessian = slope(score)
        at = place[:, block] - low
        g = np.bincount(at.ravel(), gradient[:, output[block]].ravel(), high - low)
        h = np.bincount(at.ravel(), hessian[:, output[block]].ravel(), high - low)
        moved = -step * g / (h + damp)
        flat[low:high] += moved
        gain = moved[at]
        for column in range(columns):
            score[:, column] += gain[:, output[block] == column].sum(axis=1)
    return [flat[a:b] for a, b in pairwise(start)], score
