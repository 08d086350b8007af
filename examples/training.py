"""The models of the examples: small, ordinary, and able to continue a fit."""

from typing import Any

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def network() -> Pipeline:
    """A small network on numeric features."""
    return Pipeline([("scale", StandardScaler()), ("network", MLPClassifier(hidden_layer_sizes=(32,), max_iter=60))])


def linear() -> Pipeline:
    """A logistic regression by stochastic gradient descent on numbers and categories, missing numbers imputed."""
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


def network_of_categories(numbers: list[str], categories: list[str]) -> Pipeline:
    """A network for a regression on numbers and codes."""
    codes = (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)
    scaled = (make_pipeline(SimpleImputer(), StandardScaler()), numbers)
    columns = make_column_transformer(*([scaled] if numbers else []), codes)
    network = MLPRegressor(hidden_layer_sizes=(64, 32), learning_rate_init=0.003, max_iter=30)
    return Pipeline([("columns", columns), ("network", network)])


def births() -> Pipeline:
    """Births by state, month, day and weekday."""
    return network_of_categories([], ["state", "month", "wday"])


def traffic() -> Pipeline:
    """Vehicles an hour by clock, calendar and weather."""
    numbers = ["temp", "rain_1h", "snow_1h", "clouds_all"]
    return network_of_categories(numbers, ["hour", "weekday", "month", "holiday", "weather_main"])


def rentals() -> Pipeline:
    """Hourly bike rentals by clock, calendar and weather."""
    categories = ["hour", "month", "weekday", "season", "holiday", "workingday", "weathersit"]
    return network_of_categories(["temp", "atemp", "hum", "windspeed"], categories)
