"""Shrink and perturb: weights are made smaller and disturbed a little before they learn on.

A network trained on from old weights often generalises worse than one trained afresh on the same rows; scaling the
weights by *keep* and adding noise at the scale of a fresh model closes most of that gap and keeps what was learned
(Ash & Adams, "On warm-starting neural network training", NeurIPS 2020, arXiv:1910.08475). benchmarks/warm_start_gap.py
measures it here. A network's fresh weights are Glorot's (uniform, scikit-learn's own initialisation); a linear
model's are zero, so that it is shrunk and there is nothing to disturb it with. The optimiser begins anew: its moments
and step counts belong to weights that are no more.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ...spec.keys.learner import ShrinkSpec
from ..estimators import IncrementalEstimator
from .rates import NETWORKS
from .weighting import parts

_LINEAR = ("coef_", "intercept_", "_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept")


def can_shrink(estimator: object) -> bool:
    """Whether *estimator*, fitted or not, learns weights: a network or a linear model, also one against the rest."""
    inner = getattr(estimator, "estimator", None) or estimator
    return isinstance(inner, NETWORKS) or any(
        cls.__module__.startswith("sklearn.linear_model.") for cls in type(inner).__mro__
    )


def shrink(estimator: IncrementalEstimator, spec: ShrinkSpec, rng: np.random.Generator) -> None:
    """Scale and disturb the weights of the fitted *estimator* in place, and begin its optimiser anew."""
    for each in parts(estimator):
        if isinstance(each, NETWORKS):
            _shrink_network(each, spec, rng)
        else:
            _shrink_linear(each, spec)


def fresh_scale(network: MLPClassifier | MLPRegressor, layer: int) -> float:
    """Standard deviation of a fresh network's weights into *layer*: uniform in ±sqrt(f / (fan in + fan out))."""
    fan_in, fan_out = network.coefs_[layer].shape
    factor = 2.0 if network.activation == "logistic" else 6.0
    return float(np.sqrt(factor / (fan_in + fan_out) / 3))


def _shrink_network(network: MLPClassifier | MLPRegressor, spec: ShrinkSpec, rng: np.random.Generator) -> None:
    for layer in range(len(network.coefs_)):
        scale = spec.noise * fresh_scale(network, layer)
        for weights in (network.coefs_[layer], network.intercepts_[layer]):
            weights *= spec.keep
            weights += (scale * rng.standard_normal(weights.shape)).astype(weights.dtype)
    optimiser = network._optimizer
    optimiser.learning_rate = float(optimiser.learning_rate_init)
    for moments in ("ms", "vs", "velocities"):
        if hasattr(optimiser, moments):
            setattr(optimiser, moments, [np.zeros_like(each) for each in getattr(optimiser, moments)])
    if hasattr(optimiser, "t"):
        optimiser.t = 0
    network.t_ = 0  # rows seen: what `invscaling` counts


def _shrink_linear(model: BaseEstimator, spec: ShrinkSpec) -> None:
    # coef_ is the same array as the standard or the average one, or a copy after loading: scale each array once.
    arrays = {id(each): each for name in _LINEAR if (each := getattr(model, name, None)) is not None}
    for array in arrays.values():
        array *= spec.keep
    if hasattr(model, "t_"):
        model.t_ = 1.0
