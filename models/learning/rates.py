"""The learning rate of an update: `learner.rate`, a factor on the estimator's own.

A schedule goes on where it stood, it does not begin again: after n rows SGD's `invscaling` steps by eta0 / n**power_t
and `optimal` by about 1 / (alpha * n), so that an old model learns ever less from new rows, and `constant` (or Adam)
is what follows a moving world. Warming the rate up again brings in the new faster and forgets the old faster
(Ibrahim et al., "Simple and scalable strategies to continually pre-train large language models", TMLR 2024; Loshchilov
& Hutter, "SGDR", ICLR 2017): a factor above 1 does that, one below 1 the opposite. The factor is taken off again after
the update, so that factors do not multiply along a lineage.
"""

from __future__ import annotations

from sklearn.neural_network import MLPClassifier, MLPRegressor

from ..estimators import IncrementalEstimator
from .weighting import parts

NETWORKS = (MLPClassifier, MLPRegressor)


def why_no_rate(estimator: object) -> str | None:
    """Why `learner.rate` has no meaning for *estimator*, fitted or not, in words; None where it has."""
    inner = getattr(estimator, "estimator", None) or estimator
    name = type(inner).__name__
    if isinstance(inner, NETWORKS):
        return None
    if not hasattr(inner, "eta0") or name.startswith("PassiveAggressive"):
        return f"{name} has no learning rate"
    if getattr(inner, "learning_rate", None) == "optimal":
        return f"{name}'s learning_rate 'optimal' follows from alpha and the rows seen, eta0 is not used"
    return None


def scale(estimator: IncrementalEstimator, factor: float) -> None:
    """Multiply the learning rate of the fitted *estimator* by *factor*, in place; `scale(…, 1 / factor)` undoes it."""
    for each in parts(estimator):
        if isinstance(each, NETWORKS):
            each._optimizer.learning_rate_init *= factor
            each._optimizer.learning_rate *= factor
        else:
            each.eta0 *= factor


def optimiser(estimator: object) -> str | None:
    """How far the optimiser of the fitted *estimator* has come: `adam, t=1234`; None where it keeps no state."""
    found = list(parts(estimator))
    last = found[0] if found else estimator
    text = None
    if isinstance(last, NETWORKS) and hasattr(last, "_optimizer"):
        steps = getattr(last._optimizer, "t", None)  # Adam counts its steps; SGD has velocities and a rate
        text = f"adam, t={steps}" if steps is not None else f"sgd, rate={last._optimizer.learning_rate:.6g}"
    elif hasattr(last, "cluster_centers_") and hasattr(last, "_counts"):
        text = f"k-means, {len(last.cluster_centers_)} centres that stand for {last._counts.sum():.0f} rows"
    elif hasattr(last, "t_") and not isinstance(last, NETWORKS):
        text = f"sgd ({getattr(last, 'learning_rate', 'constant')}), t={last.t_:.0f}"
    return text if text is None or len(found) == 1 else f"{text}, in {len(found)} estimators"
