"""The learner protocol, and which learner an estimator gets.

A learner adapts one model family: how a first fit is made and how a fitted model continues. Add a family by
adding a file with a class like those below and a line in `learner_for`; the conformance suite in
tests/models/test_learner_conformance.py says what it must hold.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from ..spec.errors import SpecError
from ..spec.model import LadderRung, Spec
from ..spec.values import Rung
from .how import WARM, How
from .splits import Splits
from .steps import innermost
from .trained import Trained


class Learner(Protocol):
    """One model family."""

    @property
    def family(self) -> str:
        """The name recorded in the training state."""

    def first(
        self,
        estimator: Any,
        rows: pd.DataFrame,
        spec: Spec,
        *,
        rung: Rung = "first",
        parent: str | None = None,
        since: datetime | None = None,
    ) -> Trained:
        """Fit the unfitted *estimator* on *rows* (canonical frame) and begin its training state."""

    @property
    def splits(self) -> Splits:
        """How far one update and several over the same rows may differ; see splits.py."""

    @property
    def rungs(self) -> frozenset[LadderRung]:
        """The rungs, beside those from scratch, that this family has."""

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """A new Trained that has also learned *rows*, in the way that *how* says; *champion* is never changed.

        No rows: the same champion. Raises ContractBroken where a continued fit would be wrong.
        """


def learner_for(estimator: Any, spec: Spec) -> Learner:
    """The learner of *estimator*'s family, checked against `learner.family`."""
    # Here, not at the top: the families import this room's types, and lightgbm is optional.
    from .families.lightgbm_boost import LightGBMBoost, is_lightgbm
    from .families.scratch_only import ScratchOnly
    from .families.sklearn_partial import SklearnPartial
    from .families.warm_start_routes import refuse_without_target, why_scratch_only
    from .families.xgboost_boost import XGBoostBoost, is_xgboost

    last = innermost(estimator)
    found = "lightgbm" if is_lightgbm(last) else "xgboost" if is_xgboost(last) else "sklearn"
    wanted = spec.learner.family
    if wanted not in ("auto", found):
        raise SpecError(
            f"{spec.path}: learner.family: {wanted!r} does not fit the estimator {type(last).__name__} of "
            f"{spec.learner.build}; leave the key out or build another estimator. Nothing was changed"
        )
    if found == "lightgbm":
        return LightGBMBoost()
    if found == "xgboost":
        return XGBoostBoost()
    refuse_without_target(last, spec)
    if hasattr(last, "partial_fit"):
        return SklearnPartial.of(last, spec)
    return ScratchOnly(reason=why_scratch_only(last))
