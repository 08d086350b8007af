"""What boosted.py needs of LightGBM's scikit-learn estimators."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from ....spec.model import Spec
from ...estimators import Array, Features
from ...learning.lineage import continued_error
from .engine import Batch
from .lightgbm_trees import LightGBMForest, import_lightgbm

if TYPE_CHECKING:
    from lightgbm import Booster, LGBMModel


def is_lightgbm(estimator: object) -> bool:
    """Whether *estimator* is LightGBM's, judged without importing it."""
    return any(cls.__module__.startswith("lightgbm.") for cls in type(estimator).__mro__)


class LightGBM:
    """boosted.py's view of LightGBM."""

    family = "lightgbm"
    libraries = ("scikit-learn", "lightgbm")

    def module(self) -> ModuleType:
        """The library; SpecError with the install line where it is missing."""
        return import_lightgbm()

    def prepare(self, last: LGBMModel, rows: pd.DataFrame, spec: Spec) -> None:
        """Make the fit repeatable, with `learner.threads` threads."""
        last.set_params(n_jobs=spec.learner.threads, **_repeatable(last))

    def opened(self, last: LGBMModel, spec: Spec) -> LightGBMForest:
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

    def batch(self, last: LGBMModel, X: Features, y: Array) -> Batch:
        """(X, y) with class codes from the champion and weights from its `class_weight`."""
        weighted = getattr(last, "class_weight", None) is not None
        weight = np.asarray(compute_sample_weight(last.class_weight, y)) if weighted else None
        if not hasattr(last, "classes_"):
            return Batch(X, y, weight)
        label, params = np.searchsorted(last.classes_, y), last.get_params()
        return Batch(X, label, weight, _tilt(params.get("scale_pos_weight"), bool(params.get("is_unbalance")), label))

    def renewed(self, last: LGBMModel, booster: Booster) -> LGBMModel:
        """A copy of *last* that holds *booster*."""
        new = copy.copy(last)
        new._Booster = booster
        new._best_iteration = 0  # cut already; there are other trees behind it now
        return new

    def errors(self) -> tuple[type[Exception], ...]:
        """What the library raises of rows that it cannot take."""
        return ValueError, TypeError, import_lightgbm().basic.LightGBMError


def _repeatable(estimator: LGBMModel) -> dict[str, bool]:
    """Parameters that make training repeatable on one machine, where the user did not choose them."""
    own = estimator.get_params()
    if own.get("force_col_wise"):
        return {"deterministic": True}
    return {"deterministic": True, "force_row_wise": True}


def _tilt(scale: float | None, unbalanced: bool, label: Array) -> Array | None:
    """The weights that the binary objective adds itself: `scale_pos_weight`, or equal shares (`is_unbalance`)."""
    positive = float(scale or 1.0)
    negative = 1.0
    if unbalanced and 0 < label.sum() < len(label):
        many = label.sum() / (len(label) - label.sum())
        positive, negative = max(1.0, 1 / many), max(1.0, many)
    return None if positive == negative == 1.0 else np.where(label == 1, positive, negative)
