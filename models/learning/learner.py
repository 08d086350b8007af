"""The learner protocol: how a model family makes a first fit, and how a fitted model of it continues.

CONTRIBUTING.md has the steps for a new family; the conformance suite in tests/models/test_learner_conformance.py says
what a learner must hold. A learner outside of Ratoon is named by `learner.family`: file.py:Class beside the spec, or
an entry point in the group `ratoon.learners`. It needs the five members below; `families/custom/own.py` has a class to
inherit that leaves only `learn` to write.
"""

from __future__ import annotations

import warnings
from typing import Protocol

import pandas as pd

from ...spec.former_keys import FormerKey
from ...spec.model import Spec
from ...spec.values import Strategy
from ..estimators import Estimator
from .how import FIRST, WARM, How, Origin
from .order_sensitivity import Splits
from .trained import Trained


def with_strategies(learner: object) -> object:
    """*learner*; one that was written for 0.1 and has `rungs` has these as its `strategies` too, and a warning."""
    former = getattr(learner, "rungs", None)
    if former is None:
        return learner
    kind = type(learner).__name__
    warnings.warn(f"{kind}.rungs is called strategies now; the former name goes with 0.3", FormerKey, stacklevel=2)
    object.__setattr__(learner, "strategies", former)
    return learner


class Learner(Protocol):
    """One model family."""

    @property
    def family(self) -> str:
        """The name recorded in the training state."""

    def first(self, estimator: Estimator, rows: pd.DataFrame, spec: Spec, origin: Origin = FIRST) -> Trained:
        """Fit the unfitted *estimator* on *rows* (canonical frame) and begin its training state."""

    @property
    def splits(self) -> Splits:
        """How far one update and several over the same rows may differ; see order_sensitivity.py."""

    @property
    def strategies(self) -> frozenset[Strategy]:
        """The strategies, beside those from scratch, that this family has."""

    def update(self, champion: Trained, rows: pd.DataFrame, spec: Spec, how: How = WARM) -> Trained:
        """A new Trained that has also learned *rows*, in the way that *how* says; *champion* is never changed.

        No rows: the same champion. Raises ContractBroken where a continued fit would be wrong.
        """
