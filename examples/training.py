"""The models of the examples: small, ordinary, and able to continue a fit."""

from typing import Any

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def network() -> Pipeline:
    """A small network on numeric features."""
    return Pipeline([("scale", StandardScaler()), ("network", MLPClassifier(hidden_layer_sizes=(32,), max_iter=60))])


def linear() -> Pipeline:
    """A logistic regression by stochastic gradient descent on numbers and categories, missing numbers imputed."""
    from sklearn.impute import SimpleImputer

    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include="number")),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=20),
            make_column_selector(dtype_exclude="number"),
        ),
    )
    return Pipeline([("columns", columns), ("model", SGDClassifier(loss="log_loss", average=True))])


def boosted() -> Any:
    """A LightGBM classifier; needs `pip install 'ratoon[lightgbm]'`."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, num_leaves=15, learning_rate=0.05, verbosity=-1)
