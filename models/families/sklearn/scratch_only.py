"""Learner of estimators that can be fitted but not continued: forests, HistGradientBoosting, closed forms.

scikit-learn's `warm_start=True` does not help here: it expects the same data again. HistGradientBoosting
would re-bin old trees on new edges and accept new classes in silence, forests would only add trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ....spec.model import Spec
from ....spec.values import Strategy
from ...estimators import Estimator
from ...learning.how import FIRST, WARM, How, Origin
from ...learning.lineage import continued_error, start_state
from ...learning.order_sensitivity import Splits
from ...learning.trained import Trained
from .libraries import LIBRARIES


@dataclass(frozen=True)
class ScratchOnly:
    """First and scratch fits work; a warm update is refused by name."""

    reason: str
    family: str = "scratch-only"

    @property
    def splits(self) -> Splits:
        """It has no updates to differ."""
        return "exact"

    @property
    def strategies(self) -> frozenset[Strategy]:
        """The strategies, beside those from scratch, that this family has."""
        return frozenset()

    def first(self, estimator: Estimator, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit *estimator* on all *rows*."""
        return start_state(self.family, estimator, rows, spec, origin, libraries=LIBRARIES)

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """Refused with ContractBroken, unless there are no rows."""
        if rows.empty:
            return champion
        raise continued_error(self.reason)
