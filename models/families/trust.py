"""The types that skops may rebuild when a version is loaded: a reviewed constant list per estimator class.

skops is no sandbox; whoever may write the registry is trusted. The list still keeps a version from naming
types of its own: it is never taken from the model file nor from skops' own `get_untrusted_types`. Reviewed
for scikit-learn 1.9, LightGBM 4.7, XGBoost 3.2 and skops 0.16: each entry holds numbers only and runs no code of the
file's choosing when rebuilt. Trees read node indices from the file unchecked, so that a crafted file can
crash a process (skops' documentation says so); they cannot run code.
"""

from __future__ import annotations

from collections.abc import Iterable

_TREE = ("sklearn.tree._tree.Tree",)
_MLP = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
_HIST = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
_BUNCH = ("sklearn.utils._bunch.Bunch",)
_DTYPE = ("numpy.dtype",)
_BOOSTER = ("collections.OrderedDict", "lightgbm.basic.Booster")
_XGB = ("xgboost.core.Booster",)

REVIEWED: dict[str, tuple[str, ...]] = {
    "MLPClassifier": _MLP,
    "MLPRegressor": _MLP,
    "DecisionTreeClassifier": _TREE,
    "DecisionTreeRegressor": _TREE,
    "ExtraTreeClassifier": _TREE,
    "ExtraTreeRegressor": _TREE,
    "RandomForestClassifier": _TREE,
    "RandomForestRegressor": _TREE,
    "ExtraTreesClassifier": _TREE,
    "ExtraTreesRegressor": _TREE,
    "GradientBoostingClassifier": _TREE,
    "GradientBoostingRegressor": _TREE,
    "BaggingClassifier": _TREE,
    "BaggingRegressor": _TREE,
    "HistGradientBoostingClassifier": _HIST,
    "HistGradientBoostingRegressor": _HIST,
    "CalibratedClassifierCV": ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration"),
    "VotingClassifier": _BUNCH,
    "VotingRegressor": _BUNCH,
    "StackingClassifier": _BUNCH,
    "StackingRegressor": _BUNCH,
    "SimpleImputer": _DTYPE,
    "KBinsDiscretizer": _DTYPE,
    "ColumnTransformer": ("sklearn.compose._column_transformer.make_column_selector",),
    "LGBMClassifier": (*_BOOSTER, "lightgbm.sklearn.LGBMClassifier"),
    "LGBMRegressor": (*_BOOSTER, "lightgbm.sklearn.LGBMRegressor"),
    "XGBClassifier": (*_XGB, "xgboost.sklearn.XGBClassifier"),
    "XGBRegressor": (*_XGB, "xgboost.sklearn.XGBRegressor"),
}


def trusted(extra: Iterable[str] = ()) -> list[str]:
    """All reviewed types and the spec's own (`learner.trusted`), sorted."""
    return sorted({each for types in REVIEWED.values() for each in types} | set(extra))


def trusted_for(estimator: object, extra: Iterable[str] = ()) -> list[str]:
    """The reviewed types of the classes that *estimator* is built of, and the spec's own, sorted."""
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += list(estimator.get_params(deep=True).values())
    names = {type(part).__name__ for part in parts if _known_library(part)}
    return sorted({each for name in names for each in REVIEWED.get(name, ())} | set(extra))


def _known_library(part: object) -> bool:
    return type(part).__module__.split(".")[0] in ("sklearn", "lightgbm", "xgboost")
