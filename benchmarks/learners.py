"""One build function for each family and task, for any stream's columns: `learners.py:mlp_binary`, and so on."""

from __future__ import annotations

from typing import Any

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def _columns(last: Any, *, scaled: bool = True) -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler()) if scaled else "passthrough"
    codes = OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=20)
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (codes, make_column_selector(dtype_exclude="number")),
    )
    return Pipeline([("columns", columns), ("last", last)])


def sgd_binary() -> Any:
    return _columns(SGDClassifier(loss="log_loss", average=True))


def sgd_regression() -> Any:
    return _columns(SGDRegressor(loss="huber", epsilon=10.0, average=True))


def mlp_binary() -> Any:
    return _columns(MLPClassifier(hidden_layer_sizes=(32,), max_iter=30))


def mlp_regression() -> Any:
    return _columns(MLPRegressor(hidden_layer_sizes=(64, 32), learning_rate_init=0.003, max_iter=30))


def lightgbm_binary() -> Any:
    from lightgbm import LGBMClassifier

    return _columns(LGBMClassifier(**_TREES, verbosity=-1), scaled=False)


def lightgbm_regression() -> Any:
    from lightgbm import LGBMRegressor

    return _columns(LGBMRegressor(**_TREES, verbosity=-1), scaled=False)


def xgboost_binary() -> Any:
    from xgboost import XGBClassifier

    return _columns(XGBClassifier(**_BOOST), scaled=False)


def xgboost_regression() -> Any:
    from xgboost import XGBRegressor

    return _columns(XGBRegressor(**_BOOST), scaled=False)


def river_binary() -> Any:
    from river import tree

    return _river() | tree.HoeffdingAdaptiveTreeClassifier(seed=0)


def river_regression() -> Any:
    from river import tree

    return _river() | tree.HoeffdingAdaptiveTreeRegressor(seed=0)


# The families' classifiers take any number of classes
sgd_multiclass, mlp_multiclass, lightgbm_multiclass = sgd_binary, mlp_binary, lightgbm_binary
xgboost_multiclass, river_multiclass = xgboost_binary, river_binary


def _river() -> Any:
    from river import compose, preprocessing

    numbers = compose.SelectType((int, float)) | preprocessing.StatImputer() | preprocessing.StandardScaler()
    return numbers + (compose.SelectType(str) | preprocessing.OneHotEncoder())


_TREES = {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1}
_BOOST = {"n_estimators": 100, "max_depth": 6, "learning_rate": 0.1, "tree_method": "hist"}
