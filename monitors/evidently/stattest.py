"""`ratoon_psi`: our PSI, known to Evidently by name."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ..columns.psi import bins_of, psi

METHOD = "ratoon_psi"


def score(reference: pd.Series, current: pd.Series) -> float:
    """PSI of *current* against bins of *reference*."""
    bins = bins_of(reference)
    return float(psi(bins.count(reference), bins.count(current)))


@cache
def register() -> str:
    """Make the test known to Evidently, once per process; returns its name."""
    from evidently.legacy.calculations.stattests import register_stattest
    from evidently.legacy.calculations.stattests.registry import StatTest
    from evidently.legacy.core import ColumnType

    def judge(reference: pd.Series, current: pd.Series, feature_type: object, threshold: float) -> tuple[float, bool]:
        value = score(reference, current)
        return value, value >= threshold

    test = StatTest(
        name=METHOD,
        display_name="PSI (Ratoon: reference deciles or top categories)",
        allowed_feature_types=[ColumnType.Numerical, ColumnType.Categorical],
        default_threshold=0.2,
    )
    register_stattest(test, judge)
    return METHOD
