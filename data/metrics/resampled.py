"""Resamples of a mean, many at once."""

from __future__ import annotations

import numpy as np

from .outcomes import Array

_AT_ONCE = 2_000_000  # numbers


def resampled_means(gains: Array, count: int, rng: np.random.Generator) -> Array:
    """The means of *count* resamples of *gains*, shape (n,), of which only those that are not zero need be drawn: how
    many of them a resample holds is binomial.
    """
    telling, rows = gains[gains != 0], len(gains)
    if len(telling) == 0 or count == 0:
        return np.zeros(count)
    several = rng.binomial(rows, len(telling) / rows, count)
    step = max(1, _AT_ONCE // max(1, int(several.max())))
    means = np.empty(count)
    for start in range(0, count, step):
        held = several[start : start + step]
        table = telling[rng.integers(0, len(telling), (len(held), int(held.max())))]
        inside = np.arange(table.shape[1]) < held[:, None]
        means[start : start + step] = np.where(inside, table, 0.0).sum(axis=1) / rows
    return means
