"""The demo's model: a small neural network on orders."""

from sklearn.compose import make_column_transformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build() -> Pipeline:
    """Return the unfitted model; Ratoon seeds it."""
    columns = make_column_transformer(
        (StandardScaler(), ["distance_km", "load", "items", "hour"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["carrier"]),
    )
    network = MLPClassifier(hidden_layer_sizes=(32, 16), learning_rate_init=0.003, max_iter=40)
    return Pipeline([("columns", columns), ("network", network)])
