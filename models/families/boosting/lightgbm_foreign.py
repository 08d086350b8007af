"""LightGBM: its scikit-learn estimators as they are, a raw Booster inside one that predicts the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import LabelEncoder

from ....spec.errors import RegistryError
from ....spec.model import Spec
from ...estimators import Predictor
from ..foreign import Foreign
from ..original import Original, OriginalEstimator, RawBooster
from ..skops_format import estimator_in
from ..trust import Trust
from .lightgbm_trees import import_lightgbm

if TYPE_CHECKING:
    from lightgbm import Booster, LGBMClassifier, LGBMRegressor

RAW = "lightgbm.basic.Booster"
# LightGBM's own name of a parameter, as its model file holds it, and the estimator's.
_PARAMS = {
    "boosting": "boosting_type",
    "num_leaves": "num_leaves",
    "max_depth": "max_depth",
    "learning_rate": "learning_rate",
    "min_gain_to_split": "min_split_gain",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "min_data_in_leaf": "min_child_samples",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "feature_fraction": "colsample_bytree",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
    "max_bin": "max_bin",
    "scale_pos_weight": "scale_pos_weight",
    "is_unbalance": "is_unbalance",
    "alpha": "alpha",
    "tweedie_variance_power": "tweedie_variance_power",
}
_REGRESSION = (
    "regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie",
)  # fmt: skip


def lightgbm(foreign: Foreign, spec: Spec, trust: Trust) -> Original[Predictor]:
    """The estimator, or the one made around a Booster."""
    flavour = foreign.about["flavors"]["lightgbm"]
    module = import_lightgbm()
    if flavour.get("model_class") != RAW:
        return OriginalEstimator(estimator_in(foreign, flavour, spec, trust))
    booster = module.Booster(model_file=str(foreign.folder / flavour["data"]))
    objective = str(booster.params.get("objective", "custom"))
    if objective == "binary":
        model, classes = module.LGBMClassifier, 2
    elif objective in ("multiclass", "multiclassova"):
        model, classes = module.LGBMClassifier, int(booster.params["num_class"])
    elif objective in _REGRESSION:
        model, classes = module.LGBMRegressor, 0
    else:
        raise RegistryError(
            f"{foreign.source} is a LightGBM Booster with the objective {objective!r}; of Boosters only those of the "
            f"objectives binary, multiclass, multiclassova, {', '.join(_REGRESSION)} can be adopted. Nothing was "
            "changed; train a version with `ratoon train`"
        )
    return RawBooster(
        booster.predict,
        _around(model, booster, objective, classes),
        recovered=[
            f"LightGBM's Booster ({objective}, {booster.num_trees()} trees), kept inside {model.__name__}",
            "the parameters of training, from the Booster's file",
        ],
    )


def _around(
    kind: type[LGBMClassifier | LGBMRegressor], booster: Booster, objective: str, classes: int
) -> LGBMClassifier | LGBMRegressor:
    """A fitted estimator that holds *booster*; LightGBM has no public way to make one."""
    own = {ours: booster.params[name] for name, ours in _PARAMS.items() if name in booster.params}
    rounds = booster.num_trees() // max(1, booster.num_model_per_iteration())
    made = kind(objective=objective, n_estimators=max(1, rounds), **own)
    made._Booster, made.fitted_, made._objective = booster, True, objective
    made._n_features = made._n_features_in = booster.num_feature()
    made._best_iteration, made._best_score, made._evals_result = 0, {}, {}
    if classes:
        made._le = LabelEncoder().fit(np.arange(classes))
        made._classes, made._n_classes, made._class_map = made._le.classes_, classes, {i: i for i in range(classes)}
    return made
