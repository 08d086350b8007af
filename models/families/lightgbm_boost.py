"""Learner of LightGBM's scikit-learn estimators, alone or behind frozen preprocessing in a Pipeline.

How it continues says boosting.py. The update works on the booster, not through `fit(init_model=…)`: that would
learn its classes anew from the batch, and break where a class is absent from it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from ...spec.model import LadderRung, Spec
from ..how import FIRST, WARM, How, Origin
from ..lineage import begin, continued_error
from ..splits import Splits
from ..steps import innermost
from ..trained import Trained
from .boosting import Batch, learned
from .leaf_steps import Array
from .lightgbm_trees import LightGBMForest, import_lightgbm

__all__ = ["LightGBMBoost", "import_lightgbm", "is_lightgbm"]


def is_lightgbm(estimator: Any) -> bool:
    """Whether *estimator* is LightGBM's, judged without importing it."""
    return any(cls.__module__.startswith("lightgbm.") for cls in type(estimator).__mro__)


@dataclass(frozen=True)
class LightGBMBoost:
    """Continues by moved leaves, more trees, or both."""

    family: str = "lightgbm"

    @property
    def splits(self) -> Splits:
        """Each update adds `rounds` trees, on its own rows."""
        return "grows"

    @property
    def rungs(self) -> frozenset[LadderRung]:
        """The rungs, beside those from scratch, that this family has."""
        return frozenset({"warm", "warm_replay"})

    def first(self, estimator: Any, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit *estimator* on all *rows*, deterministic and with `learner.threads` threads."""
        import_lightgbm()
        innermost(estimator).set_params(n_jobs=spec.learner.threads, **_repeatable(innermost(estimator)))
        return begin(self.family, estimator, rows, spec, origin)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Learn *rows* on a copy of *champion*."""
        if rows.empty:
            return champion
        import_lightgbm()
        return learned(_LightGBM(), champion, rows, spec, how)


class _LightGBM:
    """boosting.py's view of LightGBM."""

    def opened(self, last: Any, spec: Spec) -> LightGBMForest:
        """The trees of the fitted estimator *last*, cut where early stopping found its best."""
        if callable(last.objective):
            raise continued_error("LightGBM with an objective function of your own cannot continue after a reload")
        params = {
            **last._process_params(stage="fit"),  # as LightGBM itself would train: objective, number of classes
            **_repeatable(last),
            "num_threads": spec.learner.threads,
            "verbosity": -1,
        }
        params.pop("random_state", None)
        if params.get("boosting") in ("rf", "random_forest") or params.get("boosting_type") == "rf":
            raise continued_error("LightGBM's random forest (boosting_type 'rf') averages its trees, none can be added")
        booster = last.booster_
        if last._best_iteration:
            booster = import_lightgbm().Booster(model_str=booster.model_to_string(num_iteration=last._best_iteration))
        return LightGBMForest(booster, params)

    def batch(self, last: Any, X: Any, y: Array) -> Batch:
        """(X, y) with class codes from the champion and weights from its `class_weight`."""
        weighted = getattr(last, "class_weight", None) is not None
        weight = np.asarray(compute_sample_weight(last.class_weight, y)) if weighted else None
        if not hasattr(last, "classes_"):
            return Batch(X, y, weight)
        label = np.searchsorted(last.classes_, y)
        return Batch(X, label, weight, _tilt(last.get_params(), label))

    def renewed(self, last: Any, booster: Any) -> Any:
        """A copy of *last* that holds *booster*."""
        new = copy.copy(last)
        new._Booster = booster
        new._best_iteration = 0  # cut already; there are other trees behind it now
        return new

    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises of rows that it cannot take."""
        return ValueError, TypeError, import_lightgbm().basic.LightGBMError


def _repeatable(estimator: Any) -> dict[str, Any]:
    """Parameters that make training repeatable on one machine, where the user did not choose them."""
    own = estimator.get_params()
    if own.get("force_col_wise"):
        return {"deterministic": True}
    return {"deterministic": True, "force_row_wise": True}


def _tilt(params: dict[str, Any], label: Array) -> Array | None:
    """The weights that the binary objective adds itself: `scale_pos_weight`, or equal shares (`is_unbalance`)."""
    positive = float(params.get("scale_pos_weight") or 1.0)
    negative = 1.0
    if params.get("is_unbalance") and 0 < label.sum() < len(label):
        many = label.sum() / (len(label) - label.sum())
        positive, negative = max(1.0, 1 / many), max(1.0, many)
    return None if positive == negative == 1.0 else np.where(label == 1, positive, negative)
