"""The former place of `ratoon.models.families.custom.own`, for learners written for 0.1; it goes with 0.3."""

import warnings

from .custom.own import OwnLearner, own_learner

__all__ = ["OwnLearner", "own_learner"]

warnings.warn(
    "ratoon.models.families.own has moved: import OwnLearner from ratoon.models.families.custom.own",
    DeprecationWarning,
    stacklevel=2,
)
