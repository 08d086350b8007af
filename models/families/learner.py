"""The learner protocol, and which learner an estimator gets.

A learner adapts one model family: how a first fit is made and how a fitted model continues. Add a family by
adding a file with a class like those below and a line in `learner_for`; the conformance suite in
tests/models/test_learner_conformance.py says what it must hold. A learner outside of Ratoon is named by
`learner.family`: file.py:Class beside the spec, or an entry point in the group `ratoon.learners`. It needs the five
members of `Learner`; `families/own.py` has a class to inherit that leaves only `learn` to write.
"""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd

from ...spec.errors import SpecError
from ...spec.family import is_own
from ...spec.model import Spec
from ...spec.values import LadderRung
from ..learning.how import FIRST, WARM, How, Origin
from ..learning.order_sensitivity import Splits
from ..learning.steps import innermost
from ..learning.trained import Trained


class Learner(Protocol):
    """One model family."""

    @property
    def family(self) -> str:
        """The name recorded in the training state."""

    def first(self, estimator: Any, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
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
    """The learner of *estimator*'s family, checked against `learner.family`.

    *estimator*: what the build function returned, or what came back from the registry. Raises SpecError where the
    spec names another family, and where its own learner cannot be used.
    """
    # Here, not at the top: the families import this room's types, and their libraries are optional.
    from .boosting.boosted import Boosted
    from .boosting.lightgbm_engine import LightGBM, is_lightgbm
    from .boosting.xgboost_engine import XGBoost, is_xgboost
    from .custom.own import own_learner
    from .river.native import RiverNative, is_river
    from .sklearn.clusters import clusters_of
    from .sklearn.partial_fit import SklearnPartial
    from .sklearn.scratch_only import ScratchOnly
    from .sklearn.warm_start_routes import refuse_without_target, why_scratch_only
    from .torch.net import TorchNet, is_torch
    from .update_keys import refuse_unused

    if spec.task == "clustering":
        return clusters_of(estimator, spec)
    wanted = spec.learner.family
    if is_own(wanted):
        return own_learner(spec)
    last = innermost(estimator)
    found: str
    learner: Learner
    if is_river(last):
        found, learner = "river", RiverNative(per=spec.learner.per)
    elif is_torch(last):
        found, learner = "torch", TorchNet()
    elif is_lightgbm(last):
        found, learner = "lightgbm", Boosted(LightGBM())
    elif is_xgboost(last):
        found, learner = "xgboost", Boosted(XGBoost())
    elif hasattr(last, "partial_fit"):
        found, learner = "sklearn", SklearnPartial.of(last, spec)
    else:
        found, learner = "sklearn", ScratchOnly(reason=why_scratch_only(last))
    if wanted not in ("auto", found):
        raise SpecError(
            f"{spec.path}: learner.family: {wanted!r} does not fit the estimator {type(last).__name__} of "
            f"{spec.learner.build}; leave the key out or build another estimator. Nothing was changed"
        )
    refuse_unused(found, last, spec)
    if found == "sklearn":
        refuse_without_target(last, spec)
    return learner
