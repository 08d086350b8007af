"""One package for each model family: how it learns first, how it learns on, how it is saved, and how it is adopted.

A package outside of Ratoon adds a family by an entry point in the group `ratoon.families`, which names its `Family`.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from ...spec.errors import SpecError
from ...spec.family import FAMILIES as GROUP
from ...spec.unexpected import users_code, worded
from .boosting import LIGHTGBM, XGBOOST
from .family import Family
from .river import FAMILY as RIVER
from .sklearn import FAMILY as SKLEARN
from .torch import FAMILY as TORCH


def _others() -> tuple[Family, ...]:
    """Those of entry points; SpecError naming the one that cannot be loaded or is no `Family`."""
    found = []
    for point in entry_points(group=GROUP):
        try:
            with users_code():
                family = point.load()
        except Exception as error:
            raise SpecError(
                f"the entry point {point.name!r} ({point.value}) of the group {GROUP} cannot be loaded: "
                f"{worded(error)} Mend or uninstall the package that brings it. Nothing was changed"
            ) from error
        if not isinstance(family, Family):
            raise SpecError(
                f"the entry point {point.name!r} ({point.value}) of the group {GROUP} is a {type(family).__name__}; "
                "expected a ratoon.models.families.family.Family. Nothing was changed"
            )
        found.append(family)
    return tuple(found)


# The first that matches an estimator has it: the others' own first, scikit-learn's last, whose face many have.
FAMILIES: tuple[Family, ...] = (*_others(), RIVER, TORCH, LIGHTGBM, XGBOOST, SKLEARN)
