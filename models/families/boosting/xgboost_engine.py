"""What boosted.py needs of XGBoost's scikit-learn estimators.

XGBoost takes numbers only here; categories go through an encoder in the pipeline. Missing numbers it takes as they are.
"""

from __future__ import annotations

import copy
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ....spec.errors import DataError
from ....spec.model import Spec
from ...estimators import Array, Features
from ...learning.features import target
from ...learning.lineage import continued_error
from .engine import Batch
from .xgboost_trees import XGBoostForest, import_xgboost

if TYPE_CHECKING:
    from xgboost import Booster, XGBModel


def is_xgboost(estimator: object) -> bool:
    """Whether *estimator* is XGBoost's, judged without importing it."""
    return any(cls.__module__.startswith("xgboost.") for cls in type(estimator).__mro__)


class XGBoost:
    """boosted.py's view of XGBoost."""

    family = "xgboost"
    libraries = ("scikit-learn", "xgboost")

    def module(self) -> ModuleType:
        """The library; SpecError with the install line where it is missing."""
        return import_xgboost()

    def prepare(self, last: XGBModel, rows: pd.DataFrame, spec: Spec) -> None:
        """Fit with `learner.threads` threads; DataError where classes are other than 0 to k - 1."""
        if hasattr(last, "predict_proba") and len(rows):
            found = np.unique(target(rows, spec.task)).tolist()
            if found != list(range(len(found))):
                raise DataError(
                    f"{spec.path}: {type(last).__name__} takes the classes 0 to k - 1 only; data.target "
                    f"{spec.data.target!r} holds {', '.join(map(str, found[:10]))}. Encode the column as whole numbers "
                    "from 0, or use another estimator. Nothing was trained"
                )
        last.set_params(n_jobs=spec.learner.threads)

    def opened(self, last: XGBModel, spec: Spec) -> XGBoostForest:
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
        return XGBoostForest(booster, params, last.missing, last.base_score)

    def batch(self, last: XGBModel, X: Features, y: Array) -> Batch:
        """(X, y) with class codes from the champion."""
        if not hasattr(last, "classes_"):
            return Batch(X, y)
        label = np.searchsorted(last.classes_, y)
        positive = float(last.scale_pos_weight or 1.0)
        return Batch(X, label, tilt=None if positive == 1.0 else np.where(label == 1, positive, 1.0))

    def renewed(self, last: XGBModel, booster: Booster) -> XGBModel:
        """A copy of *last* that holds *booster*."""
        new = copy.copy(last)
        new._Booster = booster
        return new

    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises of rows that it cannot take."""
        return ValueError, TypeError, import_xgboost().core.XGBoostError
