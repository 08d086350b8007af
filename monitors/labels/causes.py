"""Faults of labels that look like harm: each is told by what it does beside scores, and drift seldom does.

Every screen compares a window with an earlier one, both scored by what served, and says nothing where they are alike:
a group whose labels are turned round, a share of labels set to one value, labels of other rows, classes exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from ...data.columns import TIME
from ...spec.keys.watching import Task
from .defaults import defaulted, piled_up
from .groups import Group, by_group
from .said import Cause, Matrix, Said, along, plain, ranked

_LEAST = 100  # rows of a window, of which fewer say nothing
_EACH = 15  # labels of either class in a group
_SKILL = 0.1  # area above one half, or rank correlation, that can be missed
_LAGS = 24
_LEFT, _HELD = 0.25, 0.6  # of a relation: what is left of a lost one, and what its error must leave out
_SAME = 0.98  # share of labels equal to those of an earlier window, one after the other


def causes(now: Said, was: Said, task: Task, groups: Sequence[Group]) -> Iterator[Cause]:
    """All faults of the labels of *now* that those of *was* did not have; *groups*: the suspects of *now*."""
    yield from same_again(now, was)
    yield from moved(now, was, task)
    yield from loose(now, was, task)
    yield from by_group(now, was, task, groups)
    if task == "regression":
        yield from piled_up(now, was)
        return
    yield from defaulted(now, was)
    if task == "multiclass":
        yield from exchanged(now, was)


def same_again(now: Said, was: Said) -> Iterator[Cause]:
    """The labels of the earlier window once more, one after the other."""
    ours, theirs = plain(now), plain(was)
    shares = pd.Series(ours).value_counts(normalize=True)
    if float((shares**2).sum()) > 0.9:
        return
    for offset in range(-3, 4):
        for end in (False, True):
            n = min(len(ours), len(theirs)) - abs(offset)
            if n < _LEAST:
                continue
            a, b = (ours[::-1], theirs[::-1]) if end else (ours, theirs)
            a, b = a[max(offset, 0) :][:n], b[max(-offset, 0) :][:n]
            same = float((a == b).mean())
            if same >= _SAME:
                note = f"{same:.0%} of the labels are those of the window before, one after the other: joined again?"
                yield Cause("label_shift", "again", same, float((shares**2).sum()), note)
                return


def moved(now: Said, was: Said, task: Task) -> Iterator[Cause]:
    """Labels that go with the scores of rows some places before or after, and not with their own any more."""
    here, before = _lags(now, task), _lags(was, task)
    if before[0] < _SKILL:
        return
    lag = max((k for k in here if k), key=lambda k: here[k])
    apart = math.sqrt(2 * max(1 - _own(now.score, lag, task), 1e-3) / len(now))
    clear = here[lag] - here[0] > 5 * apart and here[0] < 0.9 * before[0] and here[lag] > 0.7 * before[0]
    if clear and before[0] >= before[lag]:
        note = (
            f"labels go with the scores of the rows {abs(lag)} places {'before' if lag > 0 else 'behind'} "
            f"({here[lag]:.2f}) and less with their own ({here[0]:.2f}, {before[0]:.2f} before): shifted?"
        )
        yield Cause("label_shift", str(lag), here[0], before[0], note)


def loose(now: Said, was: Said, task: Task) -> Iterator[Cause]:
    """Labels that no longer go with scores, nor with any feature, inside a day or at all: dealt to other rows."""
    for daily in (False, True):
        parts = [_centred(each, task, daily=daily) for each in (now, was)]
        if any(part is None for part in parts):
            continue
        (score, label), (score_was, label_was) = parts  # type: ignore[misc]
        left, held, error = along(score, label), along(score_was, label_was), 1 / math.sqrt(len(now))
        if held < _SKILL + 2 / math.sqrt(len(was)) or left >= _LEFT * held or left + 2 * error >= _HELD * held:
            continue
        if _goes_with_features(now, label, daily=daily):
            continue
        when = "inside each day" if daily else "at all"
        note = f"labels no longer go with scores or features {when}: {left:.2f}, {held:.2f} before; other rows' labels?"
        yield Cause("label_rows", when, left, held, note)
        return


def exchanged(now: Said, was: Said) -> Iterator[Cause]:
    """Two classes in each other's place, or one that lost all its labels to another while scores still tell it."""
    k = len(now.names)
    ours, theirs, rows = _told(now, k), _told(was, k), np.bincount(_best(now), minlength=k)
    for a in range(k):
        if rows[a] < _EACH * 2 or theirs[a, a] < 0.4 or ours[a, a] > 0.4 * theirs[a, a]:
            continue
        b = int(np.argmax(np.where(np.arange(k) == a, -1, ours[a] - theirs[a])))
        if ours[a, b] - theirs[a, b] < 0.6 * theirs[a, a]:
            continue
        there = f"{now.names[a]!r} and {now.names[b]!r}"
        if ours[b, a] > 0.6 * theirs[b, b] and rows[b] >= _EACH * 2:
            yield Cause("label_classes", there, ours[a, a], theirs[a, a], f"labels {there} changed places")
            return
        if ours[:, a].sum() * len(now) < 1 or float((now.codes == a).mean()) < 0.1 * float((was.codes == a).mean()):
            note = f"rows that look like {now.names[a]!r} are labelled {now.names[b]!r}, and it has gone: merged?"
            yield Cause("label_classes", there, ours[a, a], theirs[a, a], note)
            return


def _lags(each: Said, task: Task) -> dict[int, float]:
    score, label, n = ranked(each.score, task), ranked(each.label, task), len(each)
    found = {0: along(score, label)}
    for k in range(1, min(_LAGS, n // 4) + 1):
        found[k], found[-k] = along(score[:-k], label[k:]), along(score[k:], label[:-k])
    return found


def _own(score: Matrix, lag: int, task: Task) -> float:
    """How alike the scores of rows so many places apart are."""
    values = ranked(score, task)
    return along(values[: -abs(lag)], values[abs(lag) :])


def _centred(each: Said, task: Task, *, daily: bool) -> tuple[Matrix, Matrix] | None:
    """Scores and labels, less their mean of each day; None of a window without several full days."""
    score, label = ranked(each.score, task), ranked(each.label, task)
    if not daily:
        return score, label
    days = each.rows[TIME].dt.floor("D").to_numpy()
    if len(np.unique(days)) < 3 or len(each) < 10 * len(np.unique(days)):
        return None
    return _less_mean(score, days), _less_mean(label, days)


def _less_mean(values: Matrix, groups: NDArray[np.generic]) -> Matrix:
    _, of, rows = np.unique(groups, return_inverse=True, return_counts=True)
    means = np.column_stack([np.bincount(of, column) / rows for column in values.T])
    return np.asarray(values - means[of])


def _goes_with_features(each: Said, label: Matrix, *, daily: bool) -> bool:
    """Whether the labels go with any number of their rows by more than chance makes of so many."""
    names = [n for n in each.rows if not str(n).startswith("_") and each.rows[n].dtype.kind == "f"]
    days = each.rows[TIME].dt.floor("D").to_numpy()
    strongest = 0.0
    for name in names:
        values = each.rows[name].to_numpy(dtype=float)
        if not np.isfinite(values).all():
            values = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
        ranks = rankdata(values)[:, None]
        ranks = _less_mean(ranks, days) if daily else ranks
        strongest = max(strongest, *(abs(along(ranks, column[:, None])) for column in label.T))
    return strongest > math.sqrt(2 * math.log(2 * max(len(names) * label.shape[1], 1)) + 9) / math.sqrt(len(each))


def _best(each: Said) -> NDArray[np.intp]:
    return np.asarray(np.argmax(each.score, axis=1))


def _told(each: Said, k: int) -> Matrix:
    """Of the rows for which class a has the best score, the share that is labelled b: shape (k, k)."""
    counts = np.zeros((k, k))
    known = (each.codes >= 0) & (each.codes < k)
    np.add.at(counts, (_best(each)[known], each.codes[known]), 1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
