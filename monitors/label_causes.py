"""Faults of labels that look like harm: each is told by what it does beside scores, and drift seldom does.

Every screen compares a window with an earlier one, both scored by what served, and says nothing where they are alike:
a group whose labels are turned round, a share of labels set to one value, labels of other rows, classes exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..data.metrics import Outcomes
from ..spec.watching import Task

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROWS = 6_000  # rows of a window that are looked at, the newest
_LEAST = 100  # rows of a window, of which fewer say nothing
_GROUP = 60  # rows of a group
_VALUES = 40  # values of a column that make groups
_EACH = 15  # labels of either class in a group
_SKILL = 0.1  # area above one half, or rank correlation, that can be missed
_TURNED = 0.6  # of the ranking that there was, the other way round
_MIRRORED = 0.8  # the same, of a part of a number
_FACTOR = 3.0  # labels over predictions, against what it was
_BANDS = 8
_DEFAULTED = 0.1  # least share of labels set to one value
_BETTER = 15.0  # deviance by which a fault must explain the labels better than a moved prior or noise does
_LAGS = 24
_LEFT, _HELD = 0.25, 0.6  # of a relation: what is left of a lost one, and what its error must leave out
_SAME = 0.98  # share of labels equal to those of an earlier window, one after the other
_CLASSES = 20


@dataclass(frozen=True)
class Said:
    """Labelled rows in the order of time beside what served said of them.

    *label* and *score* have one column for each class but the first of two, or the number itself, shape (n, k);
    *codes* (n,) tells labels apart, *names* the classes.
    """

    rows: pd.DataFrame
    label: Matrix
    score: Matrix
    codes: NDArray[np.intp]
    names: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, where: Mask) -> Said:
        """Labels and scores of some rows; *rows* are left as they are."""
        return replace(self, label=self.label[where], score=self.score[where], codes=self.codes[where])


@dataclass(frozen=True)
class Cause:
    """A fault that explains a loss: the *metric* that says so, *where* (a group, a class), how much, in words."""

    metric: str
    where: str
    value: float
    was: float
    note: str


def said(outcomes: Outcomes | None, rows: pd.DataFrame | None, task: Task, classes: tuple[Any, ...]) -> Said | None:
    """*outcomes* of *rows* (aligned, n rows) as numbers; None of too few, or where they do not belong together."""
    if outcomes is None or rows is None or len(outcomes) != len(rows) or len(rows) < _LEAST:
        return None
    target, prediction = np.asarray(outcomes.target)[-_ROWS:], np.asarray(outcomes.prediction)[-_ROWS:]
    rows = rows.iloc[-_ROWS:]
    if task == "regression":
        label, score = (np.asarray(v, dtype=float)[:, None] for v in (target, prediction))
        return Said(rows, label, score, np.unique(label, return_inverse=True)[1].ravel(), ())
    names = classes[:_CLASSES]
    used = names[1:] if len(names) == 2 else names
    label = np.column_stack([(target == each).astype(float) for each in used])
    codes = pd.Index(classes).get_indexer(pd.Index(target))
    score = None if outcomes.score is None else np.asarray(outcomes.score, dtype=float)[-_ROWS:]
    if score is None:
        score = np.column_stack([(prediction == each).astype(float) for each in used])
    score = score[:, None] if score.ndim == 1 else score[:, : len(used)] if len(names) != 2 else score[:, 1:]
    return Said(rows, label, score, codes, names)


def causes(now: Said, was: Said, task: Task) -> Iterator[Cause]:
    """All faults of the labels of *now* that those of *was* did not have."""
    yield from same_again(now, was)
    yield from moved(now, was, task)
    yield from loose(now, was, task)
    yield from by_group(now, was, task)
    if task == "regression":
        yield from piled_up(now, was)
        return
    yield from defaulted(now, was)
    if task == "multiclass":
        yield from exchanged(now, was)


def same_again(now: Said, was: Said) -> Iterator[Cause]:
    """The labels of the earlier window once more, one after the other."""
    ours, theirs = _plain(now), _plain(was)
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
        left, held, error = _along(score, label), _along(score_was, label_was), 1 / math.sqrt(len(now))
        if held < _SKILL + 2 / math.sqrt(len(was)) or left >= _LEFT * held or left + 2 * error >= _HELD * held:
            continue
        if _goes_with_features(now, label, daily=daily):
            continue
        when = "inside each day" if daily else "at all"
        note = f"labels no longer go with scores or features {when}: {left:.2f}, {held:.2f} before; other rows' labels?"
        yield Cause("label_rows", when, left, held, note)
        return


def by_group(now: Said, was: Said, task: Task) -> Iterator[Cause]:
    """Groups whose labels turned round, are in another unit or of one class, while the others are as they were."""
    for where, here, there in _groups(now.rows, was.rows):
        if here.sum() < _GROUP or there.sum() < _GROUP or (~here).sum() < _GROUP or (~there).sum() < _GROUP:
            continue
        ours, theirs = now.take(here), was.take(there)
        others, others_was = now.take(~here), was.take(~there)
        firm = " = " not in where  # a relation that turned in a part of a number is what drift does
        if task == "regression":
            found = _other_number(ours, theirs, others, others_was)
        else:
            found = _turned(ours, theirs, others, others_was, firm=firm) or _one_class(ours, theirs, others)
        if found is not None:
            value, before, words = found
            yield Cause("label_group", where, value, before, f"labels of {where} {words}, the others are as they were")
            return


def defaulted(now: Said, was: Said) -> Iterator[Cause]:
    """A share of the labels, in every band of scores alike, is one class now: a default, and no moved prior."""
    for place, name in enumerate(now.names):
        label, score = _one(now, place)
        before, score_was = _one(was, place)
        share = _default_share(label, score, before, score_was)
        if share is not None:
            note = f"about {share:.0%} of the labels became {name!r}, in every band of scores alike: a default?"
            yield Cause("label_default", repr(name), share, 0.0, note)
            return


def usually(name: str, windows: Sequence[Said]) -> float:
    """The largest share of labels that, from one of *windows* to another, seem to have become the class *name*."""
    place = next(n for n, each in enumerate(windows[0].names) if repr(each) == name)
    parts = [_one(each, place) for each in windows]
    pairs = [(*a, *b) for a in parts for b in parts if a is not b]
    moves = [found[0] for pair in pairs if (found := _moved_share(*pair)) is not None]
    return max(moves, default=0.0)


def piled_up(now: Said, was: Said) -> Iterator[Cause]:
    """A share of the numbers is one value now."""
    values, counts = np.unique(now.label[:, 0], return_counts=True)
    most = int(counts.argmax())
    share, before = counts[most] / len(now), float((was.label[:, 0] == values[most]).mean())
    if share - before > _DEFAULTED + 2 * math.sqrt(share * (1 - share) / len(now)) and share > 2 * before:
        note = f"{share:.0%} of the labels are {values[most]:g}, {before:.0%} were before: a default?"
        yield Cause("label_default", f"{values[most]:g}", float(share), before, note)


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


def _plain(each: Said) -> NDArray[Any]:
    return each.label[:, 0] if not each.names else each.codes


def _ranked(values: Matrix, task: Task) -> Matrix:
    return np.column_stack([rankdata(c) for c in values.T]) if task == "regression" else values


def _along(score: Matrix, label: Matrix) -> float:
    """The correlation of scores and labels over all columns, each weighed by how much its label varies."""
    score, label = score - score.mean(axis=0), label - label.mean(axis=0)
    spread, power = (label**2).sum(axis=0), np.sqrt((score**2).sum(axis=0) * (label**2).sum(axis=0))
    found = np.divide((score * label).sum(axis=0), power, out=np.zeros_like(power), where=power > 0)
    return float((found * spread).sum() / spread.sum()) if spread.sum() > 0 else 0.0


def _lags(each: Said, task: Task) -> dict[int, float]:
    score, label, n = _ranked(each.score, task), _ranked(each.label, task), len(each)
    found = {0: _along(score, label)}
    for k in range(1, min(_LAGS, n // 4) + 1):
        found[k], found[-k] = _along(score[:-k], label[k:]), _along(score[k:], label[:-k])
    return found


def _own(score: Matrix, lag: int, task: Task) -> float:
    """How alike the scores of rows so many places apart are."""
    ranked = _ranked(score, task)
    return _along(ranked[: -abs(lag)], ranked[abs(lag) :])


def _centred(each: Said, task: Task, *, daily: bool) -> tuple[Matrix, Matrix] | None:
    """Scores and labels, less their mean of each day; None of a window without several full days."""
    score, label = _ranked(each.score, task), _ranked(each.label, task)
    if not daily:
        return score, label
    days = each.rows["_time"].dt.floor("D").to_numpy()
    if len(np.unique(days)) < 3 or len(each) < 10 * len(np.unique(days)):
        return None
    return _less_mean(score, days), _less_mean(label, days)


def _less_mean(values: Matrix, groups: NDArray[Any]) -> Matrix:
    frame = pd.DataFrame(values)
    return np.asarray(frame - frame.groupby(groups).transform("mean"))


def _goes_with_features(each: Said, label: Matrix, *, daily: bool) -> bool:
    """Whether the labels go with any number of their rows by more than chance makes of so many."""
    names = [n for n in each.rows if not str(n).startswith("_") and each.rows[n].dtype.kind == "f"]
    days = each.rows["_time"].dt.floor("D").to_numpy()
    strongest = 0.0
    for name in names:
        values = each.rows[name].to_numpy(dtype=float)
        if not np.isfinite(values).all():
            values = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
        ranks = rankdata(values)[:, None]
        ranks = _less_mean(ranks, days) if daily else ranks
        strongest = max(strongest, *(abs(_along(ranks, column[:, None])) for column in label.T))
    return strongest > math.sqrt(2 * math.log(2 * max(len(names) * label.shape[1], 1)) + 9) / math.sqrt(len(each))


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


def _other_number(ours: Said, theirs: Said, others: Said, others_was: Said) -> tuple[float, float, str] | None:
    """Numbers of a group turned round, or in another unit."""
    order, order_was, order_beside, order_beside_was = (
        _along(_ranked(each.score, "regression"), _ranked(each.label, "regression"))
        for each in (ours, theirs, others, others_was)
    )
    error = 1 / math.sqrt(len(ours))
    turned = order_was > 2 * _SKILL and order + 4 * error < 0 and order - error < -_TURNED * order_was
    if turned and order_beside > _TURNED * order_beside_was:
        return order, order_was, f"are turned round: rank correlation {order:.2f}, {order_was:.2f} before"
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


def _one(each: Said, place: int) -> tuple[Matrix, Matrix]:
    """Label and score of the class at *place*."""
    if len(each.names) == 2:
        label, score = each.label[:, 0], each.score[:, 0]
        return (label, score) if place == 1 else (1 - label, 1 - score)
    return each.label[:, place], each.score[:, place]


def _moved_share(
    label: Matrix, score: Matrix, before: Matrix, score_was: Matrix
) -> tuple[float, float, Matrix, Matrix, Matrix] | None:
    """The share of labels that seem to have been set, its standard error, and the bands' rows and rates, now and then.

    None of too few bands.
    """
    edges = np.unique(np.quantile(score_was, np.linspace(0, 1, _BANDS + 1)[1:-1]))
    bands, bands_was = np.searchsorted(edges, score), np.searchsorted(edges, score_was)
    k = len(edges) + 1
    n, n_was = np.bincount(bands, minlength=k), np.bincount(bands_was, minlength=k)
    use = (n >= 10) & (n_was >= 10)
    if use.sum() < 3:
        return None
    rate = np.bincount(bands, weights=label, minlength=k)[use] / n[use]
    was = (np.bincount(bands_was, weights=before, minlength=k)[use] + 0.5) / (n_was[use] + 1)
    rows = n[use] * n_was[use] / (n[use] + n_was[use])
    miss, miss_was = 1 - rate, 1 - was
    share = 1 - float((rows * miss * miss_was).sum() / (rows * miss_was**2).sum())
    error = math.sqrt(float((rows * miss_was**2 * miss_was * was).sum()) + 1e-12) / float((rows * miss_was**2).sum())
    return share, error, rows, rate, was


def _default_share(label: Matrix, score: Matrix, before: Matrix, score_was: Matrix) -> float | None:
    """The share of labels that were set, if that explains the bands of scores, and better than what drift does."""
    found = _moved_share(label, score, before, score_was)
    if found is None:
        return None
    share, error, rows, rate, was = found
    miss_was = 1 - was
    if share < _DEFAULTED or share < 4 * error:
        return None
    fits = _deviance(rows, rate, 1 - (1 - share) * miss_was)
    others = (_best_fit(rows, rate, lambda s: was + s * (1 - 2 * was), np.linspace(0, 0.5, 51)),)
    odds = np.log(was / (1 - was))
    moved_prior = _best_fit(rows, rate, lambda s: 1 / (1 + np.exp(-(odds + s))), np.linspace(-4, 4, 161))
    explained = min(*others, moved_prior) - fits > _BETTER
    return share if explained and fits < 2.5 * len(rows) else None


def _best_fit(rows: Matrix, rate: Matrix, model: Any, values: Matrix) -> float:
    return min(_deviance(rows, rate, model(value)) for value in values)


def _deviance(rows: Matrix, rate: Matrix, expected: Matrix) -> float:
    """Twice the log likelihood that *expected* rates lack against the rates seen."""
    expected = np.clip(expected, 1e-4, 1 - 1e-4)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(rate > 0, rate * np.log(rate / expected), 0.0)
        zero = np.where(rate < 1, (1 - rate) * np.log((1 - rate) / (1 - expected)), 0.0)
    return float(2 * (rows * (one + zero)).sum())


def _best(each: Said) -> NDArray[np.intp]:
    return np.asarray(np.argmax(each.score, axis=1))


def _told(each: Said, k: int) -> Matrix:
    """Of the rows for which class a has the best score, the share that is labelled b: shape (k, k)."""
    counts = np.zeros((k, k))
    known = (each.codes >= 0) & (each.codes < k)
    np.add.at(counts, (_best(each)[known], each.codes[known]), 1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
