"""Rows of a window that are impossible, each by itself: known before anything is judged by them."""

from __future__ import annotations

import numpy as np

from ...data.columns import CANONICAL
from ...data.window import Window
from ...spec.keys.watching import QualitySpec
from ..columnar import Columnar
from ..columns.ranges import FAR, LEAST, out_of_range
from ..profile import Profile
from ..stretches import known_stretches


def impossible_in(
    spec: QualitySpec, reference: Window, current: Window, known: Profile | None
) -> dict[str, tuple[float, float]]:
    """The bounds outside of which rows of *current* are impossible, by column; those of the signals of `Quality`."""
    if not spec.apart or "out_of_range" in spec.off or not len(reference.frame) or not len(current.frame):
        return {}
    names = [name for name in spec.columns or current.frame.columns if _strays(name, reference, current)]
    if not names:
        return {}
    old, new = Columnar(reference.frame), Columnar(current.frame)
    at = known_stretches(reference, current, old)
    found = {}
    for name in names:
        column = known.columns.get(name) if known else None
        finding = out_of_range(name, old, new, at, spec.limit("out_of_range"), spec.apart, known=column)
        if finding is not None and finding.within is not None:
            found[name] = finding.within
    return found


def _strays(name: str, reference: Window, current: Window) -> bool:
    """Whether any value lies so far outside that more should be asked: cheaper than all of it for every column."""
    both = [window.frame[name] for window in (reference, current) if name in window.frame]
    if len(both) < 2 or name in CANONICAL or any(each.dtype.kind != "f" for each in both):
        return False
    was, now = (values[np.isfinite(values)] for values in (each.to_numpy() for each in both))
    if not len(was) or not len(now):
        return False
    if was.min() == was.max():
        return bool(now.min() != was.min() or now.max() != was.max())
    least = FAR * LEAST * float(was.max() - was.min())
    return bool(now.min() < was.min() - least or now.max() > was.max() + least)
