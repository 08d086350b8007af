"""A share of the labels that became one value: in every band of scores alike, which no moved base rate does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.special import expit, logit

from .said import Cause, Matrix, Said

_BANDS = 8
_DEFAULTED = 0.1  # least share of labels set to one value
_BETTER = 15.0  # deviance by which a fault must explain the labels better than a moved prior or noise does


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
    """A share of the numbers is one value now, where much was predicted as where little was."""
    values, counts = np.unique(now.label[:, 0], return_counts=True)
    most = int(counts.argmax())
    share, before = counts[most] / len(now), float((was.label[:, 0] == values[most]).mean())
    noise = 2 * math.sqrt(share * (1 - share) / len(now))
    if share - before > _DEFAULTED + noise and share > 2 * before and _alike(now, was, values[most], share - before):
        note = f"{share:.0%} of the labels are {values[most]:g}, {before:.0%} were before: a default?"
        yield Cause("label_default", f"{values[most]:g}", float(share), before, note)


def _alike(now: Said, was: Said, value: float, rise: float) -> bool:
    """Whether the share of *value* rose in both halves of what was predicted: zeros of a quiet season fall where little
    was predicted, a default everywhere."""

    def shares(each: Said) -> list[float]:
        much = each.score[:, 0] > np.median(each.score[:, 0])
        parts = [each.label[half, 0] == value for half in (much, ~much) if half.any()]
        return [float(part.mean()) for part in parts]

    return all(a - b > rise / 2 for a, b in zip(shares(now), shares(was), strict=False))


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
    odds = logit(was)
    moved_prior = _best_fit(rows, rate, lambda s: expit(odds + s), np.linspace(-4, 4, 161))
    explained = min(*others, moved_prior) - fits > _BETTER
    return share if explained and fits < 2.5 * len(rows) else None


def _best_fit(rows: Matrix, rate: Matrix, model: Callable[[float], Matrix], values: Matrix) -> float:
    return min(_deviance(rows, rate, model(value)) for value in values)


def _deviance(rows: Matrix, rate: Matrix, expected: Matrix) -> float:
    """Twice the log likelihood that *expected* rates lack against the rates seen."""
    expected = np.clip(expected, 1e-4, 1 - 1e-4)
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(rate > 0, rate * np.log(rate / expected), 0.0)
        zero = np.where(rate < 1, (1 - rate) * np.log((1 - rate) / (1 - expected)), 0.0)
    return float(2 * (rows * (one + zero)).sum())
