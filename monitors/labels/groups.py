"""Groups whose labels went wrong: turned round, in another unit, of one class, while the others are as they were."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ...spec.keys.watching import Task
from .said import Cause, Mask, Said, along, ranked

_GROUP = 60  # rows of a group
_FEW = 25  # the same of a regression, whose numbers tell another unit by few rows
_VALUES = 40  # values of a column that make groups
_CUTS = (0.25, 0.5, 0.75)  # of a number: its quantiles that part the rows
_EACH = 15  # labels of either class in a group
_SKILL = 0.1  # area above one half, or rank correlation, that can be missed
_TURNED = 0.6  # of the ranking that there was, the other way round
_MIRRORED = 0.8  # the same, of a part of a number
_FACTOR = 5.0  # labels over predictions, against what it was


@dataclass(frozen=True)
class Group:
    """A part of a window's rows: *here* (n,), and which rows of another window *belong* to it.

    *firm*: a part of a number, which must be told more firmly, since a relation that turned in one is what drift does.
    """

    column: str
    where: str
    here: Mask
    belong: Callable[[pd.Series], pd.Series]
    firm: bool = False


def suspects(now: Said, task: Task) -> tuple[Group, ...]:
    """The groups of a window whose labels may be wrong, by this window alone: what is worth holding against another."""
    found = []
    for group in _groups(now.rows):
        ours = now.take(group.here)
        if len(ours) < _least(task) or len(now) - len(ours) < _GROUP:
            continue
        if task == "regression":
            suspect = not group.firm or _reversed(ours)
        else:
            suspect = any(_upside_down(_area(ours, column), firm=group.firm) for column in range(ours.label.shape[1]))
            suspect = suspect or (not group.firm and bool((ours.codes == ours.codes[0]).all()))
        if suspect:
            found.append(group)
    return tuple(found)


def by_group(now: Said, was: Said, task: Task, groups: Sequence[Group]) -> Iterator[Cause]:
    """Of *groups* (the suspects of *now*) the first whose labels turned round, are in another unit or of one class,
    while the others are as they were in *was*."""
    for group in groups:
        if group.column not in was.rows:
            continue
        here, there = group.here, _rows_of(group.belong(was.rows[group.column]))
        if there.sum() < _least(task) or (~there).sum() < _GROUP:
            continue
        ours, theirs = now.take(here), was.take(there)
        others, others_was = now.take(~here), was.take(~there)
        if task == "regression":
            found = _other_number(ours, theirs, others, others_was, firm=group.firm)
        else:
            found = _turned(ours, theirs, others, others_was, firm=group.firm)
            found = found if found or group.firm else _one_class(ours, theirs, others)
        if found is not None:
            value, before, words = found
            note = f"labels of {group.where} {words}, the others are as they were"
            yield Cause("label_group", group.where, value, before, note)
            return


def _least(task: Task) -> int:
    return _FEW if task == "regression" else _GROUP


def _groups(rows: pd.DataFrame) -> Iterator[Group]:
    """Each value of a column of few, the commonest of others, and either half of other numbers."""
    for name in rows:
        if str(name).startswith("_"):
            continue
        column = rows[name]
        values = pd.unique(column.dropna())
        if len(values) > _VALUES and column.dtype.kind == "f":
            yield from _parts(str(name), column)
            continue
        for value in values if len(values) <= _VALUES else column.value_counts().head(_VALUES).index:
            equal = partial(pd.Series.eq, other=value)
            yield Group(str(name), f"{name} = {value!r}", _rows_of(equal(column)), equal)


def _parts(name: str, column: pd.Series) -> Iterator[Group]:
    for share, edge in zip(_CUTS, np.nanquantile(column.to_numpy(dtype=float), _CUTS), strict=True):
        for sign, side in (("<=", pd.Series.le), (">", pd.Series.gt)):
            if share != 0.5 and (sign == "<=") == (share > 0.5):
                continue  # of a cut off the middle the smaller side
            inside = partial(side, other=edge)
            yield Group(name, f"{name} {sign} {edge:.4g}", _rows_of(inside(column)), inside, firm=True)


def _rows_of(inside: pd.Series) -> Mask:
    return inside.to_numpy(dtype=bool, na_value=False)


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


def _upside_down(area: tuple[float, float] | None, *, firm: bool) -> bool:
    return area is not None and area[0] + (5 if firm else 4) * area[1] < 0.5


def _turned(ours: Said, theirs: Said, others: Said, others_was: Said, *, firm: bool) -> tuple[float, float, str] | None:
    """The ranking of a class in a group turned round, that among the others did not."""
    for column in range(ours.label.shape[1]):
        now = _area(ours, column)
        if now is None or not _upside_down(now, firm=firm):
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
    if _reversed(ours):
        order, order_was, error = _order(ours), _order(theirs), 1 / math.sqrt(len(ours))
        turned = order_was > 2 * _SKILL and order - error < -_TURNED * order_was
        if turned and _order(others) > _TURNED * _order(others_was):
            return order, order_was, f"are turned round: rank correlation {order:.2f}, {order_was:.2f} before"
    if firm:
        return None
    change = _multiple(ours, theirs)
    if 1 / _FACTOR < change < _FACTOR:
        return None
    if 1 / 2 < _multiple(others, others_was) < 2 and _order(ours) > _TURNED * _order(theirs):
        return change, 1.0, f"are {change:.3g} times what they were, beside what was predicted: another unit?"
    return None


def _order(each: Said) -> float:
    """The rank correlation of numbers and predictions."""
    return along(ranked(each.score, "regression"), ranked(each.label, "regression"))


def _reversed(each: Said) -> bool:
    """Whether that is below nought by more than chance."""
    return _order(each) + 4 / math.sqrt(len(each)) < 0


def _multiple(now: Said, was: Said) -> float:
    """By how much the labels grew, all along their size, beside what was predicted; the least, or 1 of a part only."""
    sizes, before, said_of, said_before = (
        np.quantile(np.abs(each), (0.25, 0.5, 0.75)) for each in (now.label, was.label, now.score, was.score)
    )
    if (before <= 0).any() or (said_of <= 0).any() or (said_before <= 0).any():
        return 1.0
    change = (sizes / before) / (said_of / said_before)
    return float(change.min() if change.min() > 1 else change.max() if change.max() < 1 else 1.0)
