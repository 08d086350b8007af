"""Learner of XGBoost's scikit-learn estimators, alone or behind frozen preprocessing in a Pipeline.

How it continues says boosting.py. The update works on the booster, not through `fit(xgb_model=…)`: that would
learn its classes anew from the batch, and break where a class is absent from it. XGBoost takes numbers only here;
categories go through an encoder in the pipeline. Missing numbers it takes as they are.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...spec.errors import DataError
from ...spec.model import LadderRung, Spec
from ..features import target
from ..how import FIRST, WARM, How, Origin
from ..lineage import begin, continued_error
from ..splits import Splits
from ..steps import innermost
from ..trained import Trained
from .boosting import Batch, learned
from .leaf_steps import Array
from .xgboost_trees import XGBoostForest, import_xgboost


def is_xgboost(estimator: Any) -> bool:
    """Whether *estimator* is XGBoost's, judged without importing it."""
    return any(cls.__module__.startswith("xgboost.") for cls in type(estimator).__mro__)


@dataclass(frozen=True)
class XGBoostBoost:
    """Continues by moved leaves, more trees, or both."""

    family: str = "xgboost"

    @property
    def splits(self) -> Splits:
        """Each update adds `rounds` trees, on its own rows."""
        return "grows"

    @property
    def rungs(self) -> frozenset[LadderRung]:
        """The rungs, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay"})

    def first(self, estimator: Any, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit *estimator* on all *rows* with `learner.threads` threads.

        Raises DataError where classes are other than 0 to k - 1, which XGBoost does not take.
        """
        import_xgboost()
        last = innermost(estimator)
        if hasattr(last, "predict_proba") and len(rows):
            found = np.unique(target(rows, spec.task)).tolist()
            if found != list(range(len(found))):
                raise DataError(
                    f"{spec.path}: {type(last).__name__} takes the classes 0 to k - 1 only; data.target "
                    f"{spec.data.target!r} holds {', '.join(map(str, found[:10]))}. Encode the column as whole numbers "
                    "from 0, or use another estimator. Nothing was trained"
                )
        last.set_params(n_jobs=spec.learner.threads)
        return begin(self.family, estimator, rows, spec, origin)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a copy of *champion*."""
        if rows.empty:
            return champion
        import_xgboost()
        return learned(_XGBoost(), champion, rows, spec, how)


class _XGBoost:
    """boosting.py's view of XGBoost."""

    def opened(self, last: Any, spec: Spec) -> XGBoostForest:
        """The trees of the fitted estimator *last*, cut where early stopping found its best."""
        if callable(last.objective):
            raise continued_error("XGBoost with an objective function of your own cannot continue after a reload")
        if last.booster not in (None, "gbtree"):
            raise continued_error(f"XGBoost's booster {last.booster!r} cannot continue within a size budget")
        booster = last.get_booster()
        best = booster.attr("best_iteration")
        if best is not None:
            booster = booster[: int(best) + 1]
            booster.set_attr(best_iteration=None, best_score=None)
        params = {**last.get_xgb_params(), "nthread": spec.learner.threads, "verbosity": 0}
        for key in ("n_jobs", "random_state", "base_score"):  # the score so far stands in for the base score
            params.pop(key, None)
        return XGBoostForest(booster, params, last.missing)

    def batch(self, last: Any, X: Any, y: Array) -> Batch:
        """(X, y) with class codes from the champion."""
        if not hasattr(last, "classes_"):
            return Batch(X, y)
        label = np.searchsorted(last.classes_, y)
        positive = float(last.scale_pos_weight or 1.0)
        return Batch(X, label, tilt=None if positive == 1.0 else np.where(label == 1, positive, 1.0))

    def renewed(self, last: Any, booster: Any) -> Any:
        """A copy of *last* that holds *booster*."""
        new = copy.copy(last)
        new._Booster = booster
        return new

    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises of rows that it cannot take."""
        return ValueError, TypeError, import_xgboost().core.XGBoostError
