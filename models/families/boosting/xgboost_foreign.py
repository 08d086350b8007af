"""XGBoost: its scikit-learn estimators as they are, a raw Booster inside one that predicts the same.

XGBoost's model file holds trees and objective, not how they were grown: that is taken from the spec's build function.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ....spec.errors import RegistryError
from ....spec.model import Spec
from ...estimators import Array, Predictor
from ...learning.build import build
from ...learning.steps import innermost
from ..foreign import Foreign
from ..original import Original, OriginalEstimator, RawBooster
from ..trust import Trust
from .xgboost_engine import is_xgboost
from .xgboost_trees import import_xgboost

if TYPE_CHECKING:
    from xgboost import XGBModel

RAW = "xgboost.core.Booster"
_ESTIMATORS = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor")
_CLASSES = ("binary:logistic", "multi:softprob")


def xgboost(foreign: Foreign, spec: Spec, trust: Trust) -> Original[Predictor]:
    """The estimator, or the one made around a Booster."""
    module = import_xgboost()
    flavour = foreign.about["flavors"]["xgboost"]
    made, file = flavour.get("model_class"), foreign.folder / flavour["data"]
    if made in _ESTIMATORS:
        model = getattr(module, made.rpartition(".")[2])()
        model.load_model(file)
        return OriginalEstimator(model, *_parameters(model, spec))
    if made != RAW:
        raise RegistryError(
            f"{foreign.source} is a {made}; of XGBoost only {', '.join((*_ESTIMATORS, RAW))} can be adopted. "
            "Nothing was changed"
        )
    booster = module.Booster(model_file=file)
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective in _CLASSES:
        model = module.XGBClassifier()
    elif objective.startswith("reg:") or objective == "count:poisson":
        model = module.XGBRegressor()
    else:
        raise RegistryError(
            f"{foreign.source} is an XGBoost Booster with the objective {objective!r}; of Boosters only those of the "
            f"objectives {', '.join(_CLASSES)}, reg:… and count:poisson can be adopted. Nothing was changed; train a "
            "version with `ratoon train`"
        )
    model.load_model(file)
    # A Booster predicts with all of its trees, an estimator with those until its early stopping.
    model.get_booster().set_attr(best_iteration=None, best_score=None)
    recovered, missing = _parameters(model, spec)
    kept = f"XGBoost's Booster ({objective}, {booster.num_boosted_rounds()} rounds), kept inside {type(model).__name__}"
    names = booster.feature_names

    def predict(X: pd.DataFrame) -> Array:
        return np.asarray(booster.predict(module.DMatrix(X if names else X.to_numpy())))

    return RawBooster(predict, model, [kept, *recovered], missing)


def _parameters(model: XGBModel, spec: Spec) -> tuple[list[str], list[str]]:
    """Give *model* the parameters of the build function's estimator; what was recovered and is missing."""
    like = innermost(build(spec))
    if not is_xgboost(like) or type(like) is not type(model):
        return [], [
            "the parameters of training (learning rate, depth, …), which XGBoost's file does not hold: its defaults "
            f"are taken, since {spec.learner.build} builds no {type(model).__name__}"
        ]
    kept = {"objective", "missing", "base_score", "num_class", "early_stopping_rounds", "callbacks"}
    model.set_params(**{name: value for name, value in like.get_params().items() if name not in kept})
    return [f"the parameters of training, as {spec.learner.build} sets them: XGBoost's file does not hold them"], []
