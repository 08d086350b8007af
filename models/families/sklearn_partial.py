"""Learner of scikit-learn estimators with `partial_fit`, alone or behind preprocessing in a Pipeline.

The optimiser's state (Adam moments, step counts) lives in the estimator and goes on, which is what sets
this apart from scikit-learn's `warm_start=True`, which begins it anew.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from ...spec.errors import ContractBroken
from ...spec.model import LadderRung, Spec
from ...spec.values import Rung
from ..features import could_not, table
from ..how import WARM, How
from ..lineage import begin, carry_on, fits, mix
from ..steps import innermost, leaves, move, moves
from ..trained import Trained

CURVE = 1000  # an MLP appends its loss at every call; only the newest entries are kept with the model


@dataclass(frozen=True)
class SklearnPartial:
    """Continues by `partial_fit` in shuffled mini-batches; see `steps.py` on *moving* the preprocessing."""

    moving: bool = True
    family: str = "sklearn-partial"

    @property
    def rungs(self) -> frozenset[LadderRung]:
        """The rungs, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay"})

    def first(
        self,
        estimator: Any,
        rows: pd.DataFrame,
        spec: Spec,
        *,
        rung: Rung = "first",
        parent: str | None = None,
        since: datetime | None = None,
    ) -> Trained:
        """Fit *estimator* on all *rows*."""
        return begin(self.family, estimator, rows, spec, rung=rung, parent=parent, since=since)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a deep copy of *champion*; the same rows and state always give the same result."""
        if rows.empty:
            return champion
        rows, y = fits(champion, rows)
        mixed, y = mix(champion, rows, y, how)
        estimator = copy.deepcopy(champion.estimator)
        last = innermost(estimator)
        epochs = 1 if counts(last) else spec.learner.epochs
        X = table(mixed, champion.state.features)
        updated: list[str] = []
        frozen: list[str] = []
        rng = np.random.default_rng([spec.seed, champion.state.updates])
        try:
            Xt, yt = self._through(estimator, X, y, updated, frozen)
            notes = _continue(last, Xt, yt, epochs, spec.learner.batch, rng)
        except (ValueError, TypeError) as error:
            raise ContractBroken(could_not("continue on", X, error)) from error
        return carry_on(
            champion,
            estimator,
            rows,
            spec,
            how,
            epochs=epochs,
            batch=spec.learner.batch,
            updated_steps=(*updated, type(last).__name__),
            frozen_steps=tuple(frozen),
            notes=notes,
        )

    def _through(
        self, estimator: Any, X: Any, y: NDArray[Any], updated: list[str], frozen: list[str]
    ) -> tuple[Any, NDArray[Any]]:
        """*X* and *y* as the innermost estimator sees them; fills the names of moved and frozen steps."""
        if isinstance(estimator, Pipeline):
            for name, step in estimator.steps[:-1]:
                if step is None or isinstance(step, str):
                    continue
                for leaf, inner in leaves(step, name):
                    (updated if self.moving and moves(inner) else frozen).append(leaf)
                if self.moving:
                    move(step, X)
                X = step.transform(X)
            return self._through(estimator.steps[-1][1], X, y, updated, frozen)
        if isinstance(estimator, TransformedTargetRegressor):
            frozen.append("target")
            y = np.asarray(estimator.transformer_.transform(y.reshape(-1, 1))).reshape(len(y))
            return self._through(estimator.regressor_, X, y, updated, frozen)
        return X, y


def counts(estimator: Any) -> bool:
    """Whether *estimator* keeps counts, so that a second pass would count every row twice (naive Bayes)."""
    inner = getattr(estimator, "estimator", estimator)  # OneVsRest, MultiOutput
    return type(inner).__module__.startswith("sklearn.naive_bayes")


def _continue(last: Any, X: Any, y: NDArray[Any], epochs: int, batch: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Run *epochs* passes of `partial_fit` over (X, y) in shuffled batches; what had to be set aside, in words."""
    stopping = bool(getattr(last, "early_stopping", False))
    if stopping:
        last.early_stopping = False  # partial_fit refuses it: there is no validation part in an update
        if getattr(last, "best_loss_", 0.0) is None:
            last.best_loss_ = np.inf
    for _ in range(epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), batch):
            rows = order[start : start + batch]
            if hasattr(last, "_no_improvement_count"):
                # A drifted batch never beats the best loss of the first fit: left alone, the count would
                # stop epochs and shrink an adaptive learning rate to nothing.
                last._no_improvement_count = 0
            last.partial_fit(X.iloc[rows] if hasattr(X, "iloc") else X[rows], y[rows])
    if isinstance(getattr(last, "loss_curve_", None), list):
        del last.loss_curve_[:-CURVE]
    if not stopping:
        return ()
    last.early_stopping = True
    return ("early_stopping was off during the update: partial_fit does not know it",)
