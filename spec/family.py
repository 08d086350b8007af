"""The names that `learner.family` may have, as far as they can be told without the families themselves."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ..former import moved

AUTO = "auto"  # the family of the estimator that the build function returns
FAMILIES = "ratoon.families"  # group of entry points: packages that bring a `Family`
LEARNERS = "ratoon.learners"  # group of entry points: packages that bring a learner
ANY_TYPE = "*"  # among the types that may be loaded: every one (`learner.pickle`)


def is_file(value: str) -> bool:
    """Whether *value* names a class in a Python file beside the spec."""
    return re.fullmatch(r".+\.py:[A-Za-z_]\w*", value) is not None


def is_own(value: str) -> bool:
    """Whether *value* names a learner that is not a family's: one in a file, or of an entry point."""
    return is_file(value) or value in entry_points(group=LEARNERS).names


def unknown_family(value: str, known: tuple[str, ...]) -> str:
    """What is wrong with *value*, which is none of the *known* names nor a learner of the user's own."""
    names = [AUTO, *known, *entry_points(group=LEARNERS).names]
    near = get_close_matches(value, names, 1)
    return (
        f"{value!r} is no known family"
        + (f"; did you mean {near[0]!r}?" if near else "")
        + f" Expected one of {', '.join(names)}, or file.py:Class of a learner of your own"
    )


if not TYPE_CHECKING:  # mypy knows no former names, and so every misspelt one
    __getattr__ = moved(__name__)
