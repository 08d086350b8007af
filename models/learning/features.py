"""From a canonical frame to what estimators take: a feature table and a target array.

A canonical frame (data room) holds `_id`, `_time`, `_label_time`, `_target`, `_holdout`, maybe
`_prediction`, and the features under their own names: float64 for numbers, object of str for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ...data.columns import CANONICAL, TARGET
from ...spec.errors import ContractBroken, Refused
from ...spec.keys.watching import OF_CLASSES, Task
from ...spec.unexpected import said
from ...spec.values import Value
from ..estimators import Array

Kind = Literal["number", "category"]


class Feature(Value):
    """One feature's name and kind."""

    name: str
    kind: Kind


def features_of(frame: pd.DataFrame) -> tuple[Feature, ...]:
    """The features of *frame*, in its column order."""
    return tuple(
        Feature(name=str(name), kind="number" if is_numeric_dtype(frame[name].dtype) else "category")
        for name in frame.columns
        if name not in CANONICAL
    )


def table(frame: pd.DataFrame, features: Iterable[Feature]) -> pd.DataFrame:
    """The feature table, shape (n, k), in the order of *features*: float64 and object columns only.

    Raises ContractBroken where a column is missing or holds text although it was a number.
    """
    features = tuple(features)
    names = [feature.name for feature in features]
    if all(feature.kind == "number" for feature in features) and set(names) <= set(frame.columns):
        found = frame[names]
        if all(dtype == np.float64 for dtype in found.dtypes):
            return found
    columns: dict[str, pd.Series] = {}
    for feature in features:
        if feature.name not in frame.columns:
            raise ContractBroken(f"feature {feature.name!r} is missing in the rows; nothing was learned or predicted")
        column = frame[feature.name]
        if feature.kind == "number":
            try:
                columns[feature.name] = column.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise ContractBroken(
                    f"feature {feature.name!r} was learned as number, but holds {_first_text(column)!r} now; "
                    "nothing was learned or predicted"
                ) from error
        else:
            columns[feature.name] = column.astype(object).where(column.notna(), None)
    return pd.DataFrame(columns, index=frame.index)


def _first_text(column: pd.Series) -> object:
    return next((value for value in column if isinstance(value, str)), column.dtype)


def target(frame: pd.DataFrame, task: Task) -> Array:
    """The labels, shape (n,): float64 for regression and clustering (0), int64 or object of str for classification.

    Whole numbers that a missing label had turned into floats become integers again. Raises Refused
    where a label is missing: such rows are neither learned nor judged.
    """
    column = frame[TARGET]
    if column.isna().any():
        raise Refused(
            f"{int(column.isna().sum())} of {len(frame)} rows have no label; "
            "only labelled rows can be learned or judged. Nothing was changed"
        )
    if task not in OF_CLASSES:
        return column.to_numpy(dtype=np.float64)
    values = np.asarray(column.tolist()) if len(column) else np.asarray([], dtype=np.int64)
    if values.dtype.kind in "bi":
        return values.astype(np.int64)
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        return values.astype(np.int64)
    return values if values.dtype.kind == "f" else values.astype(object)


def columns_with_nan(X: pd.DataFrame) -> str:
    """The feature columns with missing values, in words: `temp (3 of 200)`; empty where there are none."""
    counts = X.isna().sum()
    return ", ".join(f"{name} ({int(count)} of {len(X)})" for name, count in counts.items() if count)


def could_not(what: str, X: pd.DataFrame, error: Exception) -> str:
    """Word an estimator's own error: what it could not do, the columns with missing values, the next step."""
    missing = columns_with_nan(X)
    hint = f" Missing values: {missing}; the build function may put a SimpleImputer before it." if missing else ""
    return f"the estimator could not {what} {len(X)} rows: {said(error).rstrip('.')}.{hint} Nothing was changed"
