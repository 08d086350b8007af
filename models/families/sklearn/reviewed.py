"""Types of scikit-learn's that skops may rebuild, by the class that brings them; reviewed for 1.9 and skops 0.16."""

from __future__ import annotations

_TREE = ("sklearn.tree._tree.Tree",)
_MLP = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
_HIST = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
_BUNCH = ("sklearn.utils._bunch.Bunch",)
_DTYPE = ("numpy.dtype",)

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
}
