"""Groups whose labels went wrong: turned round, in another unit, of one class, while the others are as they were."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..spec.watching import Task
from .said import Cause, Mask, Said, along, ranked

_GROUP = 60  # rows of a group
_FIRM = 25  # the same, of numbers in another unit, which few rows tell
_VALUES = 40  # values of a column that make groups
_EACH = 15  # labels of either class in a group
_SKILL = 0.1  # area above one half, or rank correlation, that can be missed
_TURNED = 0.6  # of the ranking that there was, the other way round
_MIRRORED = 0.8  # the same, of a part of a number
_FACTOR = 5.0  # labels over predictions, against what it was


def by_group(now: Said, was: Said, task: Task) -> Iterator[Cause]:
    """Groups whose labels turned round, are in another unit or of one class, while the others are as they were."""
    for where, here, there in _groups(now.rows, was.rows):
        least = _FIRM if task == "regression" else _GROUP
        if here.sum() < least or there.sum() < least or (~here).sum() < _GROUP or (~there).sum() < _GROUP:
            continue
        ours, theirs = now.take(here), was.take(there)
        others, others_was = now.take(~here), was.take(~there)
        firm = " = " not in where  # a relation that turned in a part of a number is what drift does
        if task == "regression":
            found = _other_number(ours, theirs, others, others_was, firm=firm)
        else:
            found = _turned(ours, theirs, others, others_was, firm=firm)
            found = found if found or firm else _one_class(ours, theirs, others)
        if found is not None:
            value, before, words = found
            yield Cause("label_group", where, value, before, f"labels of {where} {words}, the others are as they were")
            return


def _groups(now: pd.DataFrame, was: pd.DataFrame) -> Iterator[tuple[str, Mask, Mask]]:
    """Masks of both windows: each value of a column of few, and either half of other numbers."""
    for name in now:
        if str(name).startswith("_") or name not in was:
            continue
        ours, theirs = now[name], was[name]
        values = pd.unique(ours.dropna())
        if len(values) <= _VALUES:
            for value in values:
                yield f"{name} = {value!r}", (ours == value).to_numpy(), (theirs == value).to_numpy()
        elif ours.dtype.kind == "f":
            for share in (0.25, 0.5, 0.75):
                edge = float(ours.quantile(share))
                for sign, low in (("<=", True), (">", False)):
                    if share != 0.5 and low == (share > 0.5):
                        continue  # of a cut off the middle the smaller side
                    masks = [(c <= edge if low else c > edge).to_numpy() for c in (ours, theirs)]
                    yield f"{name} {sign} {edge:.4g}", masks[0], masks[1]
        else:
            common = ours.value_counts().head(_VALUES).index
            for value in common:
                yield f"{name} = {value!r}", (ours == value).to_numpy(), (theirs == value).to_numpy()


def _area(each: Said, column: int) -> tuple[float, float] | None:
    """The area under the curve of one class and its standard error (Hanley and McNeil 1982)."""
    label, score = each.label[:, column], each.score[:, column]
    ones, zeros = int(label.sum()), int((1 - label).sum())
    if min(ones, zeros) < _EACH:
        return None
    area = float((rankdata(score)[label > 0].sum() - ones * (ones + 1) / 2) / (ones * zeros))
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    rest = (ones - 1) * (q1 - area**2) + (zeros - 1) * (q2 - area**2)
    return area, math.sqrt(max(area * (1 - area) + rest, 1e-9) / (ones * zeros))


def _turned(ours: Said, theirs: Said, others: Said, others_was: Said, *, firm: bool) -> tuple[float, float, str] | None:
    """The ranking of a class in a group turned round, that among the others did not."""
    for column in range(ours.label.shape[1]):
        now = _area(ours, column)
        if now is None or now[0] + (5 if firm else 4) * now[1] >= 0.5:
            continue
        was, beside, beside_was = (_area(each, column) for each in (theirs, others, others_was))
        if was is None or beside is None or beside_was is None or was[0] < 0.5 + _SKILL:
            continue
        mirrored = now[0] - now[1] <= 0.5 - (_MIRRORED if firm else _TURNED) * (was[0] - 0.5)
        if mirrored and beside[0] - 0.5 >= _TURNED * (beside_was[0] - 0.5):
            return now[0], was[0], f"are ranked the wrong way round: area {now[0]:.3f}, {was[0]:.3f} before"
    return None


def _one_class(ours: Said, theirs: Said, others: Said) -> tuple[float, float, str] | None:
    """All labels of a group are one class, which chance cannot explain."""
    only = ours.codes[0]
    if not (ours.codes == only).all() or (others.codes == only).all():
        return None
    usual = float((theirs.codes == only).mean())
    if len(ours) * math.log(max((usual * len(theirs) + 1) / (len(theirs) + 2), 1e-12)) > math.log(1e-9):
        return None
    name = ours.names[only] if 0 <= only < len(ours.names) else "another class"
    return 1.0, usual, f"are all {name!r}, {usual:.0%} were before"


def _other_number(
    ours: Said, theirs: Said, others: Said, others_was: Said, *, firm: bool
) -> tuple[float, float, str] | None:
    """Numbers of a group turned round, or in another unit."""
    order, order_was, order_beside, order_beside_was = (
        along(ranked(each.score, "regression"), ranked(each.label, "regression"))
        for each in (ours, theirs, others, others_was)
    )
    error = 1 / math.sqrt(len(ours))
    turned = order_was > 2 * _SKILL and order + 4 * error < 0 and order - error < -_TURNED * order_was
    if turned and order_beside > _TURNED * order_beside_was:
        return order, order_was, f"are turned round: rank correlation {order:.2f}, {order_was:.2f} before"
    if firm:
        return None
    change, beside = _multiple(ours, theirs), _multiple(others, others_was)
    if not 1 / _FACTOR < change < _FACTOR and 1 / 2 < beside < 2 and order > _TURNED * order_was:
        return change, 1.0, f"are {change:.3g} times what they were, beside what was predicted: another unit?"
    return None


def _multiple(now: Said, was: Said) -> float:
    """By how much the labels grew, all along their size, beside what was predicted; the least, or 1 of a part only."""
    sizes, before, said_of, said_before = (
        np.quantile(np.abs(each), (0.25, 0.5, 0.75)) for each in (now.label, was.label, now.score, was.score)
    )
    if (before <= 0).any() or (said_of <= 0).any() or (said_before <= 0).any():
        return 1.0
    change = (sizes / before) / (said_of / said_before)
    return float(change.min() if change.min() > 1 else change.max() if change.max() < 1 else 1.0)
