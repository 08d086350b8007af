"""The demo's model: a small neural network on hourly bike rentals."""

from sklearn.compose import make_column_transformer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["temp", "atemp", "hum", "windspeed"]
CATEGORIES = ["hour", "month", "weekday", "season", "holiday", "workingday", "weathersit"]


def build() -> Pipeline:
    """Return the unfitted model; Ratoon seeds it."""
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
    )
    network = MLPRegressor(hidden_layer_sizes=(64, 32), learning_rate_init=0.003, max_iter=60)
    return Pipeline([("columns", columns), ("network", network)])
