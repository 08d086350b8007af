"""The learners that there are, read from the code, so that none escapes the conformance suite.

A learner is a class in models/families/ with all members of `Learner`. One that works through an engine (boosting)
counts once for each engine: a class there with all members of `Engine`. Installed entry points count too.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from ratoon.models import families
from ratoon.models.families.boosting.engine import Engine
from ratoon.models.learning.learner import Learner
from ratoon.spec.family import LEARNERS

# The libraries that may be missing, and the learners that then cannot be built.
NEEDS = {"lightgbm": "Boosted/LightGBM", "xgboost": "Boosted/XGBoost", "river": "RiverNative", "torch": "TorchNet"}


def unavailable() -> set[str]:
    """The learners, by their names in `found_learners`, whose library is not installed here."""
    return {learner for library, learner in NEEDS.items() if importlib.util.find_spec(library) is None}


def members(protocol: type) -> set[str]:
    """The public names that *protocol* asks for."""
    return {name for name in vars(protocol) if not name.startswith("_")}


def with_members(protocol: type) -> set[type]:
    """The classes defined in models/families/ that have all members of *protocol*, the protocols themselves aside."""
    found: set[type] = set()
    for module in pkgutil.walk_packages(families.__path__, f"{families.__name__}."):
        if module.name == f"{families.__name__}.own":  # a former place, which warns
            continue
        try:
            there = vars(importlib.import_module(module.name)).values()
        except ModuleNotFoundError as error:
            if error.name not in NEEDS:  # an optional library: what learns by it imports it when it is used
                raise
            continue
        kinds = [each for each in there if inspect.isclass(each) and each.__module__.startswith(families.__name__)]
        found |= {kind for kind in kinds if not getattr(kind, "_is_protocol", False) and _has(kind, members(protocol))}
    return found


def _has(kind: type, names: set[str]) -> bool:
    return names <= {*dir(kind), *inspect.get_annotations(kind)}


def found_learners() -> set[str]:
    """What each must be called by at least one case: `SklearnPartial`, `Boosted/LightGBM`, an entry point's class."""
    engines = with_members(Engine)
    names: set[str] = set()
    for kind in with_members(Learner):
        driven = "engine" in inspect.get_annotations(kind)
        names |= {f"{kind.__name__}/{engine.__name__}" for engine in engines} if driven else {kind.__name__}
    return names | {point.value.rpartition(":")[2] for point in entry_points(group=LEARNERS)}


def name_of(learner: Any) -> set[str]:
    """The names by which *learner* stands in `found_learners`; a user's own learner also stands for its base."""
    engine = getattr(learner, "engine", None)
    if engine is not None:
        return {f"{type(learner).__name__}/{type(engine).__name__}"}
    return {kind.__name__ for kind in type(learner).__mro__}
