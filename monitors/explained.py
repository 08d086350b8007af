"""A loss that a fault of labels explains is no harm: asked only where performance fell.

A fault is abrupt. It is held against each of the three windows before: what the newest two had as well, and the third
had not, is the world as it is now.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ..data.metrics import METRICS, Outcomes
from .columns import Finding
from .label_causes import Said, causes, said
from .labels import Judged
from .lasting import as_lasting
from .performance import at_scale, bounds, difference

_WORSE = {True: 0.02, False: 0.01}  # by which a metric must have fallen: a share of it, or absolute
_LASTS = 2  # windows before that have it as well
_NEVER = frozenset({"label_rows"})  # labels that go with nothing have nothing to teach, however long


def explained(judged: Judged) -> Iterator[Finding]:
    """The faults of labels that explain why performance fell; nothing where it did not, or none does."""
    if not _fell(judged):
        return
    classes = tuple(judged.outcomes.classes) if judged.outcomes is not None else ()
    now = said(judged.outcomes, judged.rows, judged.task, classes)
    if now is None:
        return
    before = [_said(judged, each.outcomes, each.rows, classes) for each in judged.before()]
    known = [each for each in before if each is not None]
    found: dict[str, Finding] = {}
    for place, each in enumerate(known):
        if place == _LASTS and found:
            break  # it is no older than two windows
        for cause in causes(now, each, judged.task):
            finding = Finding(cause.metric, None, "fail", cause.value, cause.was, note=cause.note)
            lasts = place >= _LASTS and cause.metric not in _NEVER
            found.setdefault(cause.metric, as_lasting(finding) if lasts else finding)
    yield from found.values()


def _said(
    judged: Judged, outcomes: Outcomes | None, rows: pd.DataFrame | None, classes: tuple[object, ...]
) -> Said | None:
    if outcomes is None or (classes and tuple(outcomes.classes) != classes):
        return None
    return said(outcomes, rows, judged.task, classes)


def _fell(judged: Judged) -> bool:
    outcomes, accepted = judged.outcomes, judged.accepted
    if outcomes is None or accepted is None or not len(outcomes) or judged.task == "clustering":
        return False
    metric = METRICS[judged.metric]
    now = bounds(metric, outcomes, seed=judged.seed)
    held, now = at_scale(metric, now, accepted, outcomes, seed=judged.seed)
    if held is None or not math.isfinite(now.value) or not math.isfinite(held.value):
        return False
    return difference(metric, now, held).value > _WORSE[metric.relative]
