"""Passes of `partial_fit` over the rows of an update, in shuffled batches.

How many passes, where `learner.epochs` does not say: as many as learn about `VISITS` rows, each counted at every pass.
An update then takes as many gradient steps whatever the window's length, so that a short window is learned well enough
to count and a long one is not learned over and over: its cost has a bound too, also where a refused candidate's rows
come back. That steps, not passes, are what to hold equal is Hoffer et al., "Train longer, generalize better", NeurIPS
2017. Passes over the updates of `benchmarks/economy.py`, each stream continued at every look without a gate
(`--epochs`), where 20,000 rows are 35 passes on elec2, 46 on bike and 8 on nycflights13:

                            1        3        5       10       30    passes
    elec2, SGD, AUC      .773     .780     .781     .784     .786
    elec2, network       .756     .778     .786     .794     .806
    bike, SGD, MAE      126.2    120.6    118.3    116.3    114.7
    bike, network       110.1    106.5    105.6    101.1     86.5
    nycflights13, SGD    .715     .717              .713
    nycflights13, network .722    .729              .720
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.metrics import log_loss

from ...spec.keys.learner import LearnerSpec
from ..estimators import Array, Features, IncrementalEstimator, rows_at
from .averaging import short_averages
from .rates import NETWORKS, scale
from .weighting import parts, row_weights, set_balance_aside, takes_weights

LEAST = 200  # rows, below which a tenth would say nothing
VISITS = 20_000  # rows that an update learns where the spec does not say how often, each counted at every pass
MOST_PASSES = 50  # however few the rows: a handful must not be learned by heart
CURVE = 1000  # an MLP appends its loss at every call; only the newest entries are kept with the model


def counts(estimator: object) -> bool:
    """Whether *estimator* keeps counts, so that a second pass would count every row twice (naive Bayes)."""
    inner = getattr(estimator, "estimator", None) or estimator  # OneVsRest, OneVsOne
    return type(inner).__module__.startswith("sklearn.naive_bayes")


def passes_over(rows: int, spec: LearnerSpec) -> int:
    """How often an update passes over its *rows*: `learner.epochs`, else so that it learns about `VISITS` rows.

    >>> from ratoon.spec.keys.learner import LearnerSpec
    >>> auto = LearnerSpec(build="training.py:build")
    >>> [passes_over(rows, auto) for rows in (100, 1_000, 100_000)]
    [50, 20, 1]
    """
    if spec.epochs is not None:
        return spec.epochs
    return min(max(1, round(VISITS / rows)), MOST_PASSES)


def continued(
    last: IncrementalEstimator, X: Features, y: Array, learned: Array, spec: LearnerSpec, rng: np.random.Generator
) -> list[str]:
    """Continue the fitted *last* in place on (X, y), n rows; what had to be set aside or replaced, in words.

    *learned*: the labels of the rows kept and the new ones, by which classes are weighed.
    """
    notes = []
    stopping = [each for each in parts(last) if getattr(each, "early_stopping", False)]
    for each in stopping:
        each.early_stopping = False  # partial_fit refuses it: there is no validation part in an update
        if getattr(each, "best_loss_", 0.0) is None:
            each.best_loss_ = np.inf
    if stopping:
        notes.append("early_stopping was off during the update: partial_fit does not know it")
    balanced = set_balance_aside(last)
    weight = row_weights(y, learned) if balanced or spec.weights == "balanced" else None
    if balanced:
        notes.append("class_weight 'balanced' was taken over the rows kept and the new ones: partial_fit refuses it")
    shares = None if weight is None or takes_weights(last) else weight / weight.sum()
    if shares is not None:
        notes.append(f"classes were balanced by drawing rows again: {type(last).__name__} takes no sample weights")
    if spec.rate != 1.0:
        scale(last, spec.rate)
        notes.append(f"the learning rate was {spec.rate:g} times its own")
    by = weight if shares is None else None

    def drawn(rows: Array) -> Array:
        if shares is None:
            return rng.permutation(rows)
        return rng.choice(rows, size=len(rows), p=shares[rows] / shares[rows].sum())

    everything = np.arange(len(y))
    epochs = 1 if counts(last) else passes_over(len(y), spec)
    with _in_our_order(last), short_averages(last, epochs * len(y)) as averaged:
        if spec.patience is None or epochs == 1 or len(y) < LEAST:
            _passes(last, X, y, by, np.concatenate([drawn(everything) for _ in range(epochs)]), spec.batch)
        else:
            notes.append(_until_it_stops(last, X, y, by, drawn, rng.permutation(everything), epochs, spec))
    if averaged:
        notes.append("its weights are averaged over this update's steps and as many before")
    if spec.rate != 1.0:
        scale(last, 1 / spec.rate)
    for each in balanced:
        each.class_weight = "balanced"
    for each in stopping:
        each.early_stopping = True
    for each in parts(last):
        if isinstance(getattr(each, "loss_curve_", None), list):
            del each.loss_curve_[:-CURVE]
    return notes


@contextmanager
def _in_our_order(last: IncrementalEstimator) -> Iterator[None]:
    """Let networks take the rows as they come: pass behind pass, each in an order of its own already.

    Their own shuffle would mix the passes, and picks each mini-batch by a call that takes longer than learning it.
    """
    shuffling = [each for each in parts(last) if isinstance(each, NETWORKS) and each.shuffle]
    for each in shuffling:
        each.shuffle = False
    try:
        yield
    finally:
        for each in shuffling:
            each.shuffle = True


def _until_it_stops(
    last: IncrementalEstimator,
    X: Features,
    y: Array,
    weight: Array | None,
    drawn: Callable[[Array], Array],
    order: Array,
    epochs: int,
    spec: LearnerSpec,
) -> str:
    """Pass over nine tenths of the rows until the last tenth gets no better, then learn that tenth too, in one pass.

    Never the holdout: it is the gate's. Prechelt, "Early Stopping - But When?", 1998; the last weights are kept, not
    the best, which lie `learner.patience` passes back at most.
    """
    held, rest = order[: len(order) // 10], order[len(order) // 10 :]
    best, waited, done = _loss(last, X, y, held), 0, 0
    while done < epochs and waited < (spec.patience or 0):
        _passes(last, X, y, weight, drawn(rest), spec.batch)
        done += 1
        now = _loss(last, X, y, held)
        best, waited = (now, 0) if now < best * (1 - 1e-4) else (best, waited + 1)
    _passes(last, X, y, weight, drawn(held), spec.batch)
    return f"{done} of {epochs} passes, ended by learner.patience {spec.patience} on {len(held)} rows of its own"


def _loss(last: IncrementalEstimator, X: Features, y: Array, rows: Array) -> float:
    """Log loss where *last* gives probabilities, else the share of errors, or the mean squared error."""
    part = rows_at(X, rows)
    if hasattr(last, "predict_proba") and hasattr(last, "classes_"):
        return float(log_loss(y[rows], last.predict_proba(part), labels=last.classes_))
    said = np.asarray(last.predict(part))
    return float(np.mean(said != y[rows])) if hasattr(last, "classes_") else float(np.mean((said - y[rows]) ** 2))


def _passes(last: IncrementalEstimator, X: Features, y: Array, weight: Array | None, order: Array, batch: int) -> None:
    """Learn the rows in *order*, every pass behind the other, in calls of at most *batch* rows.

    A call costs a few milliseconds whatever it is given, so that a call for each pass over a small window would
    spend most of its time on checks.
    """
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        for each in parts(last):
            if hasattr(each, "_no_improvement_count"):
                # A drifted batch never beats the best loss of the first fit: left alone, the count would
                # stop epochs and shrink an adaptive learning rate to nothing.
                each._no_improvement_count = 0
        by = {} if weight is None else {"sample_weight": weight[rows]}
        last.partial_fit(rows_at(X, rows), y[rows], **by)
