"""A loss that a fault of labels explains is no harm: asked only where performance fell.

A fault is abrupt. It is held against each of the three windows before: what two of them had not is one, what only the
oldest had not is the world as it is now.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ...data.metrics.metrics import Outcomes, known_metric
from ...spec.keys.watching import Task
from ..columns.screens import Finding
from ..lasting import as_lasting
from ..performance.performance import at_scale, bounds, difference
from .causes import causes
from .defaults import usually
from .groups import suspects
from .judged import Judged
from .said import Cause, Said, said

_WORSE = {True: 0.02, False: 0.01}  # by which a metric must have fallen: a share of it, or absolute
_TIMES = 3.0  # as large as what such windows differ by anyway
_SURE = 2  # of the windows before that were otherwise: what one of them had by chance is no fault
# Labels that go with nothing have nothing to teach, however long; those of a window before are of one only
_ONCE = frozenset({"label_rows", "label_shift"})


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
    found = list(_held_against(now, known, judged.task))
    yield from found or _held_against(now.later_half(), known, judged.task)  # it may have begun within the window


def _held_against(now: Said, known: list[Said], task: Task) -> Iterator[Finding]:
    """The faults of *now* that the windows *known*, the newest first, had not."""
    if not now:
        return
    found: dict[tuple[str, str], list[tuple[Cause, Said]]] = {}
    groups = suspects(now, task)
    for each in known:
        for cause in causes(now, each, task, groups):
            found.setdefault((cause.metric, cause.where), []).append((cause, each))
    told = set[str]()
    for (metric, where), seen in sorted(found.items(), key=lambda item: -len(item[1])):
        first = seen[0][0]
        if metric in told:
            continue
        if metric == "label_default" and now.names and first.value < _TIMES * usually(where, [w for _, w in seen]):
            continue
        finding = Finding(metric, None, "fail", first.value, first.was, note=first.note)
        if len(seen) >= min(_SURE, len(known)) or metric in _ONCE:
            told.add(metric)
            yield finding
        elif len(known) > _SURE and seen[-1][1] is known[-1]:  # of three, only the oldest was otherwise
            told.add(metric)
            yield as_lasting(finding)


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
    metric = known_metric(judged.metric)
    now = bounds(metric, outcomes, seed=judged.seed)
    held, now = at_scale(metric, now, accepted, outcomes, seed=judged.seed)
    if held is None or not math.isfinite(now.value) or not math.isfinite(held.value):
        return False
    return difference(metric, now, held).value > _WORSE[metric.relative]
