"""Features that tell the label exactly: what becomes known with the label, or is it, and is not there in production."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_ROWS = 200  # labelled rows that hold the feature
_EACH = 20  # rows of a class
_VALUES = 0.05  # share of rows, of which a category has at most as many values
_SAME = 1 - 1e-9  # correlation


def tells_exactly(feature: pd.Series, target: pd.Series, *, regression: bool) -> bool:
    """Whether *feature* (n,) determines *target* (n,) in all rows that hold both: one class for each value, classes
    without overlap along a number, or a multiple of a number."""
    known = feature.notna() & target.notna()
    feature, target = feature[known], target[known]
    if len(feature) < _ROWS or feature.nunique() < 2 or target.nunique() < 2:
        return False
    if regression:
        return feature.dtype.kind in "fiu" and _multiple(feature.to_numpy(dtype=float), target.to_numpy(dtype=float))
    if target.value_counts().iloc[1] < _EACH:
        return False
    if feature.dtype.kind in "fiu" and feature.nunique() > target.nunique():
        return _without_overlap(feature, target)
    values = feature.astype(str)
    return values.nunique() <= _VALUES * len(values) and bool((target.groupby(values).nunique() == 1).all())


def _multiple(feature: NDArray[np.float64], target: NDArray[np.float64]) -> bool:
    known = np.isfinite(feature) & np.isfinite(target)
    if known.sum() < _ROWS or np.ptp(feature[known]) == 0 or np.ptp(target[known]) == 0:
        return False
    return bool(abs(np.corrcoef(feature[known], target[known])[0, 1]) > _SAME)


def _without_overlap(feature: pd.Series, target: pd.Series) -> bool:
    ends = feature.groupby(target).agg(["min", "max"]).sort_values("min")
    return bool((ends["max"].to_numpy()[:-1] < ends["min"].to_numpy()[1:]).all())
