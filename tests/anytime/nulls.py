"""Streams of paired gains whose mean is zero."""

from __future__ import annotations

import numpy as np


def hits(rng, n):
    """Two classifiers that err on different rows, each on one in ten."""
    return rng.choice([-1.0, 0.0, 1.0], n, p=[0.1, 0.8, 0.1])


def heavy(rng, n):
    return rng.standard_t(3, size=n)


def rare(rng, n):
    """Two that differ on one row in a hundred."""
    return rng.choice([-1.0, 0.0, 1.0], n, p=[0.005, 0.99, 0.005])


def rare_and_skewed(rng, n):
    """A large loss on one row in fifty, made good by a little on all others."""
    return np.where(rng.uniform(size=n) < 0.02, -0.98, 0.02)


def following(rng, n):
    """Neighbours that are alike: AR(1) with .5."""
    from scipy.signal import lfilter

    return lfilter([1.0], [1.0, -0.5], rng.normal(size=n))
