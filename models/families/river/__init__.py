"""River's models: learned row by row, saved by their own state."""

from __future__ import annotations

from collections.abc import Mapping

from ....spec.model import Spec
from ...learning.learner import Learner
from ..family import Family, set_in_build
from .foreign import ratoons_river, river_inside
from .format import RiverFormat
from .native import LIBRARIES, RiverNative, is_river


def _learner(last: object, spec: Spec) -> Learner:
    return RiverNative(per=spec.learner.per)


def _unused_keys(last: object) -> Mapping[str, str]:
    return {"patience": "River learns each row once", **set_in_build("a River model has its own")}


FAMILY = Family(
    name="river",
    libraries=LIBRARIES,
    modules=("river",),
    described="a River model",
    matches=is_river,
    learner=_learner,
    saved_as=RiverFormat(),
    requirements=("river", "numpy", "pandas"),
    foreign={"river": ratoons_river, "python_function": river_inside},
    unused_keys=_unused_keys,
)
