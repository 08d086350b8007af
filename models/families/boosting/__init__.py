"""Boosted trees: LightGBM and XGBoost over one learner that moves leaves, adds trees and averages blocks.

The types were reviewed for LightGBM 4.7 and XGBoost 3.2.
"""

from __future__ import annotations

from ....former import moved
from ....spec.model import Spec
from ...learning.learner import Learner
from ...learning.libraries import BASE
from ..family import Family, set_in_build
from ..skops_format import SkopsFormat
from .boosted import Boosted, answers_likeliest
from .lightgbm_engine import LightGBM, is_lightgbm
from .lightgbm_foreign import lightgbm
from .xgboost_engine import XGBoost, is_xgboost
from .xgboost_foreign import xgboost

_OWN = set_in_build("boosted trees have their own")


def _lightgbm(last: object, spec: Spec) -> Learner:
    return Boosted(LightGBM())


def _xgboost(last: object, spec: Spec) -> Learner:
    return Boosted(XGBoost())


LIGHTGBM = Family(
    name="lightgbm",
    libraries=LightGBM.libraries,
    modules=("lightgbm",),
    described="an LGBMClassifier or LGBMRegressor",
    matches=is_lightgbm,
    learner=_lightgbm,
    saved_as=SkopsFormat(),
    requirements=(*BASE, "lightgbm"),
    foreign={"lightgbm": lightgbm},
    reviewed_types={
        kind: ("collections.OrderedDict", "lightgbm.basic.Booster", f"lightgbm.sklearn.{kind}")
        for kind in ("LGBMClassifier", "LGBMRegressor")
    },
    unused_keys=lambda last: _OWN,
    likeliest=lambda estimator: answers_likeliest(estimator, "lightgbm"),
)
XGBOOST = Family(
    name="xgboost",
    libraries=XGBoost.libraries,
    modules=("xgboost",),
    described="an XGBClassifier or XGBRegressor",
    matches=is_xgboost,
    learner=_xgboost,
    saved_as=SkopsFormat(),
    requirements=(*BASE, "xgboost"),
    foreign={"xgboost": xgboost},
    reviewed_types={
        kind: ("xgboost.core.Booster", f"xgboost.sklearn.{kind}") for kind in ("XGBClassifier", "XGBRegressor")
    },
    unused_keys=lambda last: _OWN,
    likeliest=lambda estimator: answers_likeliest(estimator, "xgboost"),
)

__getattr__ = moved(__name__)  # the names of the file that it was in 0.1
