"""The starter's model. Replace it by your own: any with partial_fit, LightGBM, XGBoost, River, PyTorch."""

from sklearn.compose import make_column_transformer
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build() -> Pipeline:
    """Return the unfitted model; Ratoon seeds it and fits it."""
    columns = make_column_transformer(
        (StandardScaler(), ["distance", "hour", "wind"]),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["carrier"]),
    )
    return Pipeline([("columns", columns), ("model", SGDClassifier(loss="log_loss"))])
