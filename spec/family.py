"""The names that `learner.family` may have."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.metadata import entry_points

BUILT_IN = ("auto", "sklearn", "lightgbm", "xgboost", "river", "torch")
GROUP = "ratoon.learners"  # of entry points: packages that bring a learner


def known_family(value: str) -> str:
    """*value*, once it is built in, file.py:Class or an entry point; ValueError naming what there is."""
    if value in BUILT_IN or is_file(value):
        return value
    known = [*BUILT_IN, *entry_points(group=GROUP).names]
    if value in known:
        return value
    near = get_close_matches(value, known, 1)
    raise ValueError(
        f"{value!r} is no known family"
        + (f"; did you mean {near[0]!r}?" if near else "")
        + f" Expected one of {', '.join(known)}, or file.py:Class of a learner of your own"
    )


def is_file(value: str) -> bool:
    """Whether *value* names a class in a Python file beside the spec."""
    return re.fullmatch(r".+\.py:[A-Za-z_]\w*", value) is not None


def is_own(value: str) -> bool:
    """Whether *value* names a learner that is not Ratoon's."""
    return value not in BUILT_IN
