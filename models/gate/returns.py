"""How likely what a candidate loses on older rows is to come back, estimated from the stream's own past.

Two kinds of evidence. It may never have left: as much of the loss as is found again on those recent rows that look like
older ones, for as many as do. What has left may return: how often it did so before, in the order of time, and how often
an earlier champion would have served better later on. Weighting what is known by how likely it is among the rows to
come is importance weighting (Shimodaira, Improving predictive inference under covariate shift by weighting the
log-likelihood function, J. Stat. Plan. Inference 90, 2000); that two samples differ as much as a classifier tells them
apart is of Lopez-Paz and Oquab (Revisiting classifier two-sample tests, 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ...data.columns import CANONICAL, TIME
from ...data.metrics.metrics import Array

_PRIOR = 0.1  # of ten regimes that were left, one comes back
_WORTH = 2.0  # as many cases as the prior counts for
_MOST_ROWS = 1000  # of each side that are told apart
_BINS = 8  # of a feature
_ALIKE = 5  # classes of rows, by how old they look
_FEW = 10  # recent rows of such a class, below which they say nothing of it
_STRETCH, _STRETCHES = 50, 12  # rows of one at least, and how many at most
_LOST, _FREE = 1.64, 3.0  # standard errors that show a loss, and that there is none


@dataclass(frozen=True)
class Earlier:
    """Older versions that were held against newer ones on later rows: what the older one *gained* each time, a mean
    over rows in the metric's unit, positive where it was the better."""

    gained: tuple[float, ...] = ()

    def wins(self, loss: float) -> int:
        """How often an older version won back at least half of a *loss*: less is no return of what was lost."""
        return sum(each > 0 and each >= -loss / 2 for each in self.gained)


NO_TRIALS = Earlier()


@dataclass(frozen=True)
class Past:
    """The older rows in the order of time: how often the stream *left* what the candidate loses on, and came *back*.

    *lost*: which of the rows lie in stretches where it loses, shape (n,); all, if no stretch shows it.
    """

    left: int
    back: int
    lost: Array


@dataclass(frozen=True)
class Returns:
    """The *chance* that what the candidate loses on comes again.

    *alike*: the share of older rows that recent ones look like; *still*: the share of the loss that is found on those.
    *won*: how often an older version would have served better later on, by as much, of how many times that two were
    *tried*.
    """

    alike: float
    still: float
    past: Past
    won: int
    tried: int

    @property
    def again(self) -> float:
        """The chance that what was left comes back."""
        cases = _WORTH + self.past.left + self.tried
        back = min(self.past.back, self.past.left) + self.won
        return (_WORTH * _PRIOR + back) / cases

    @property
    def chance(self) -> float:
        """What is still here is here; the rest may return."""
        here = self.alike * self.still
        return here + (1 - here) * self.again


def returns(
    recent: tuple[pd.DataFrame, Array], anchor: tuple[pd.DataFrame, Array], earlier: Earlier, unit: float = 1.0
) -> Returns:
    """From the rows of both strata and what the candidate gains on each, shape (n,), in *unit*s of the metric."""
    past = look_back(anchor[1], anchor[0][TIME].to_numpy(), float(recent[1].mean()))
    share, still = _found_again(_thinned(*recent), _thinned(*anchor))
    return Returns(share, still, past, earlier.wins(float(anchor[1][past.lost].mean()) * unit), len(earlier.gained))


def look_back(each: Array, time: Array, now: float) -> Past:
    """What older rows' gains, *each*, say in the order of their *time*; *now*: the mean gain on the rows after them.

    Stretches of at least fifty rows are lost where the gain is surely below zero. They are free of that where it is
    more than half as high as in those, and surely higher; else they say nothing.
    """
    order = np.argsort(time, kind="stable")
    count = min(_STRETCHES, len(each) // _STRETCH)
    everywhere = np.ones(len(each), dtype=bool)
    if count < 2:
        return Past(1, 0, everywhere)
    parts = np.array_split(order, count)
    means = np.asarray([each[part].mean() for part in parts])
    errors = np.asarray([each[part].std(ddof=1) / np.sqrt(len(part)) for part in parts])
    lost = means + _LOST * errors < 0
    if not lost.any():
        return Past(0, 0, everywhere)
    level = float(means[lost].mean())
    free = ~lost & (means > level / 2) & (means - _FREE * errors > level)
    states = [bool(loss) for loss, known in zip(lost, lost | free, strict=True) if known]
    states.append(now <= level / 2)
    left = sum(a and not b for a, b in pairwise(states))
    back = sum(b and not a for a, b in pairwise(states[states.index(True) :]))
    where = np.zeros(len(each), dtype=bool)
    where[np.concatenate([part for part, loss in zip(parts, lost, strict=True) if loss])] = True
    return Past(left, back, where)


def _found_again(recent: tuple[pd.DataFrame, Array], anchor: tuple[pd.DataFrame, Array]) -> tuple[float, float]:
    """The share of older rows that recent ones look like, and the share of the loss that is found on those.

    Rows are classed by how old they look to a naive Bayes classifier over bins of the features, which did not learn
    them (two folds). The recent rows' gain, weighted by the older rows' share of each class, is what it would be on the
    older rows if only the features had moved; where it is as low as theirs, all of the loss is still here.
    """
    sides = [len(recent[0]), len(anchor[0])]
    new = np.repeat([True, False], sides)
    fold = np.concatenate([np.arange(n) % 2 for n in sides])
    old_looks = np.zeros(len(new))
    for column in _columns(recent[0], anchor[0]):
        codes, count = _bins(column)
        for half in (0, 1):
            learned, asked = fold != half, fold == half
            a = np.bincount(codes[learned & new], minlength=count) + 1.0
            b = np.bincount(codes[learned & ~new], minlength=count) + 1.0
            old_looks[asked] += np.log(b / b.sum() * a.sum() / a)[codes[asked]]
    codes, count = _bins(old_looks, _ALIKE)
    shares = [np.bincount(codes[side], minlength=count) / side.sum() for side in (new, ~new)]
    alike = float(np.minimum(*shares).sum())
    rows = np.bincount(codes[new], minlength=count)
    told = rows >= _FEW
    gains = np.bincount(codes[new], weights=recent[1], minlength=count)[told] / rows[told]
    if not told.any() or shares[1][told].sum() == 0:
        return alike, 0.0
    here, now, was = np.average(gains, weights=shares[1][told]), recent[1].mean(), anchor[1].mean()
    still = (now - here) / (now - was) if was < now else 1.0
    return alike, float(np.clip(still, 0, 1))


def _thinned(frame: pd.DataFrame, each: Array) -> tuple[pd.DataFrame, Array]:
    rows = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _MOST_ROWS)).astype(np.intp))
    return frame.iloc[rows], each[rows]


def _columns(recent: pd.DataFrame, anchor: pd.DataFrame) -> list[Array]:
    """The features that both have, the recent rows first, but for clocks: what only rises or only falls with time tells
    any two stretches apart.
    """
    by_time = np.argsort(np.concatenate([each[TIME].to_numpy() for each in (recent, anchor)]), kind="stable")
    names = [name for name in recent.columns if name not in CANONICAL and name in anchor.columns]
    numeric = [name for name in names if all(is_numeric_dtype(each[name].dtype) for each in (recent, anchor))]
    table = np.vstack([each[numeric].to_numpy(dtype=np.float64, na_value=np.nan) for each in (recent, anchor)])
    steps = np.diff(table[by_time], axis=0)
    moves = ~(np.all(steps >= 0, axis=0) | np.all(steps <= 0, axis=0))
    texts = [name for name in names if name not in numeric]
    values = [np.concatenate([each[name].to_numpy(dtype=object) for each in (recent, anchor)]) for name in texts]
    return [*table.T[moves], *(pd.factorize(each)[0] for each in values)]


def _bins(values: Array, most: int = _BINS) -> tuple[Array, int]:
    """Each value's bin of about equal mass, and how many there are; few values and missing ones have their own."""
    known = np.isfinite(values.astype(np.float64))
    seen = np.unique(values[known])
    edges = seen[1:] if len(seen) <= most else np.unique(np.quantile(values[known], np.linspace(0, 1, most + 1)[1:-1]))
    codes = np.searchsorted(edges, values, side="right")
    codes[~known] = len(edges) + 1
    return codes, len(edges) + 2
