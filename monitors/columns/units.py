"""Screens for numbers that arrive in another unit, or in each other's columns.

A change of unit is abrupt, and affine with known numbers. A column's five quantiles (5, 25, 50, 75, 95 %) in each
stretch of the reference span an envelope. A window far outside its envelope is only called a unit change if *undoing*
a known change brings every quantile, and the spread, back in; otherwise it is drift, which is another monitor's
business. Where the reference is old, the window must be as far from the windows just before it, and the undoing is held
against those: what grew, or came with a season, lies near them. Distances are in robust standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..columnar import quantiles_of
from ..kept import Remembered
from ..stretches import Stretches, travel
from .screens import FEW, Finding

_GRID = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
_FAR = 1.5  # outside the envelope by more than this: not an ordinary window
_BACK = 0.75  # within this of the envelope: as good as inside
_SPREAD = 1.5  # factor by which the quartiles' distance may leave the reference's
_SQUEEZE = 2.5  # times that the quartiles must lie closer, or farther apart, than in any stretch
_LOCAL = 0.5  # of the distance to the next quantile: what an undone quantile may lie outside the envelope
_STEP = 1.5  # most robust standard deviations that a column's own travel excuses besides
_CLOSE = 1.25  # factor by which the undone quartiles' distance may leave the envelope's
_FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001, 1e6, 1e-6, 60.0, 1 / 60, 3600.0, 1 / 3600, 24.0, 1 / 24)
# km and miles, inches and cm, feet and metres, m/s and km/h, kcal and kJ. Not kg and pounds, knots and km/h: a window
# of a few hundred rows does not tell them from a doubling.
_SMALL = (1.609344, 2.54, 3.2808399, 3.6, 4.184)
_ABOUT = 0.7  # by which the logarithm of a large factor may miss at a quantile: by a factor of two
_NEAR = 0.06  # by which the logarithm of a small factor may miss: a step of growth is seldom just that
_NEAR_EACH = 0.15  # so of each quantile
_NEVER = 1e6  # a distance that no assignment pays willingly
_DISTINCT = 20  # codes and counts of few values have no unit
_PILED = 0.2  # of the values on one number: zeros and sentinels (-1, 999) carry no unit

# (factor, offset, name): the window holds factor * value + offset
_AFFINE: tuple[tuple[float, float, str], ...] = (
    (1.8, 32.0, "°C to °F"),
    (1 / 1.8, -32 / 1.8, "°F to °C"),
    (1.0, 273.15, "°C to K"),
    (1.0, -273.15, "K to °C"),
    (1.8, 32 - 273.15 * 1.8, "K to °F"),
    (1 / 1.8, 273.15 - 32 / 1.8, "°F to K"),
)
# Each with what undoes it.
_LOGARITHMS: tuple[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]], ...] = (
    ("its logarithm", np.exp),
    ("the logarithm of it and 1", np.expm1),
    ("its logarithm to base 10", lambda now: np.power(10.0, now)),
    ("its logarithm to base 2", np.exp2),
    ("its logarithm taken back", np.log),
    ("its logarithm taken back, less 1", np.log1p),
    ("its square root", np.square),
    ("its square", np.sqrt),
)
_TOUCH = 1e-6  # by which a value brought to 0 … 1 may lie outside
_STANDARD = 0.25  # by which mean and deviation of a standardised window may miss 0 and 1: its own were others'


@dataclass(frozen=True)
class Envelope:
    """Where a column's quantiles lie in the stretches of the reference; *low* and *high* have shape (5,)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    middle: NDArray[np.float64]  # quantiles of the whole reference
    unit: float  # robust standard deviation of the whole reference
    spread: tuple[float, float]  # least and largest distance of the quartiles in a stretch
    middles: NDArray[np.float64]  # the median of each stretch
    last: NDArray[np.float64]  # quantiles of the newest stretch
    piled: tuple[float, ...]  # values that are left out: so many rows hold them that they stand for something else
    mean: float
    deviation: float  # standard deviation of the whole reference
    ends: tuple[float, float]  # its least and largest value
    travel: float = 1.0  # how far the median may have travelled by the current window, in units

    def distance(self, quantiles: NDArray[np.float64]) -> float:
        """How far the farthest quantile lies outside the envelope, in robust standard deviations."""
        out = np.maximum(np.maximum(self.low - quantiles, quantiles - self.high), 0)
        return float(out.max() / self.unit)

    def fits(self, quantiles: NDArray[np.float64]) -> bool:
        """Whether place and spread are as good as the reference's."""
        spread = quantiles[3] - quantiles[1]
        low, high = self.spread
        return self.distance(quantiles) <= _BACK and low / _SPREAD <= spread <= high * _SPREAD

    def strange(self, quantiles: NDArray[np.float64]) -> bool:
        """Whether no ordinary window lies there: far outside, even with its trend followed, or of no such spread."""
        low, high = self.spread
        spread = float(quantiles[3] - quantiles[1])
        squeezed = spread > 0 and low > 0 and not low / _SQUEEZE < spread < high * _SQUEEZE
        return squeezed or self.distance(quantiles) > _FAR + self.travel

    def holds(self, undone: NDArray[np.float64], *, closely: bool) -> bool:
        """Whether place and spread of *undone* are as they were, but for a step of the column's own.

        *closely*: every quantile, by the distance to its neighbours.
        """
        step = min(self.travel, _STEP) * self.unit
        gaps = np.diff(self.middle)
        local = np.minimum(np.r_[gaps[0], gaps], np.r_[gaps, gaps[-1]])
        room = np.maximum(_BACK * self.unit, local)  # a long tail has few rows
        if closely:
            room = _LOCAL * local
        most = _CLOSE if closely else _SPREAD
        out = np.maximum(np.maximum(self.low - undone, undone - self.high), 0)
        low, high = self.spread
        return bool(np.all(out <= room + step)) and low / most <= undone[3] - undone[1] <= high * most


_KNOWN: Remembered[list[Envelope | None]] = Remembered(512)


def envelope(name: str, values: NDArray[np.float64], at: Stretches) -> Envelope | None:
    """The envelope of a reference column (n,); None where it has too few values, or no unit to speak of."""
    found = _KNOWN.make((at.key, name), lambda: [_envelope(values, at)])[0]
    if found is None:
        return None
    return replace(found, travel=travel(found.middles, at.ahead) / found.unit if len(found.middles) > 2 else 1.0)


def _envelope(values: NDArray[np.float64], at: Stretches) -> Envelope | None:
    known = np.isfinite(values)
    finite, groups = values[known], at.of(known)
    if len(finite) < FEW:
        return None
    distinct, counts = np.unique(finite, return_counts=True)
    piled = tuple(float(v) for v in distinct[counts > _PILED * len(finite)])
    if len(distinct) - len(piled) < _DISTINCT:
        return None
    if piled:
        kept = ~np.isin(finite, piled)
        finite, groups = finite[kept], groups[kept]
    if len(finite) < FEW:
        return None
    middle = quantiles_of(np.sort(finite), _GRID)
    unit = max((middle[3] - middle[1]) / 1.349, (middle[4] - middle[0]) / 3.29)
    if unit <= 0:
        return None
    parts = [quantiles_of(np.sort(part), _GRID) for g in range(at.count) if len(part := finite[groups == g]) >= FEW]
    table = np.asarray(parts) if parts else middle[None, :]
    quartiles = table[:, 3] - table[:, 1]
    spread = (float(quartiles.min()), float(quartiles.max()))
    return Envelope(
        table.min(axis=0),
        table.max(axis=0),
        middle,
        float(unit),
        spread,
        table[:, 2],
        table[-1],
        piled,
        float(finite.mean()),
        float(finite.std()),
        (float(finite.min()), float(finite.max())),
    )


def quantiles(values: NDArray[np.float64], like: Envelope) -> NDArray[np.float64] | None:
    """The window's quantiles (5,), read as the envelope's were; None where there are too few values."""
    finite = values[np.isfinite(values)]
    if like.piled:
        finite = finite[~np.isin(finite, like.piled)]
    return quantiles_of(np.sort(finite), _GRID) if len(finite) >= FEW else None


def scale(
    name: str, known: Envelope, values: NDArray[np.float64], recent: Callable[[], Envelope | None] | None = None
) -> Finding | None:
    """A unit change: far from the reference, even with its trend followed, but back in after undoing the change.

    *values* are the window's (n,). *recent* gives the envelope of the windows just before, where the reference is
    older: asked only for a column far from the reference. *value* is how many robust standard deviations the window
    lies outside the envelope. None where there are too few values.
    """
    now = quantiles(values, known)
    if now is None:
        return None
    away, allowed = known.distance(now), _FAR + known.travel
    if not known.strange(now):
        return Finding("scale", name, "ok", away, 0.0, allowed)
    held = (recent() if recent is not None else None) or known
    now = now if held is known else quantiles(values, held)
    label = None if now is None or not held.strange(now) else _explained(held, now) or _rescaled(held, now, values)
    if now is None or label is None:
        return Finding("scale", name, "ok", away, 0.0, allowed)
    note = (
        f"{name} looks like {label}: its median went from {held.middle[2]:.4g} to {now[2]:.4g}, "
        "and undoing that brings all of it back to where it was"
    )
    return Finding("scale", name, "fail", away, 0.0, allowed, note)


def _explained(held: Envelope, now: NDArray[np.float64]) -> str | None:
    """The known change of unit that, undone, brings *now* back; None where there is none."""
    for factor, offset, label in _AFFINE:
        if held.holds((now - offset) / factor, closely=True):
            return label
    for factor in _FACTORS:
        if held.holds(now / factor, closely=False) and _about(
            factor, held, now
        ):  # no growth does as much from one window to the next
            return f"multiplied by {factor:.4g}"
    for small in _SMALL:
        for factor in (small, 1 / small):
            if held.holds(now / factor, closely=True) and _just(factor, held, now):
                return f"multiplied by {factor:.4g}"
    return None


def _rescaled(held: Envelope, now: NDArray[np.float64], values: NDArray[np.float64]) -> str | None:
    """What a step of preparation did to the column that the model was to see raw; None where none that is known did.

    Quantiles go through a monotone function as values do, so that undoing it on them is exact.
    """
    if held.piled:  # rain on few of the days: its quantiles are those of a handful of rows
        return None
    finite = values[np.isfinite(values)]
    least, most = float(finite.min()), float(finite.max())
    for label, undo in _LOGARITHMS:
        with np.errstate(all="ignore"):
            undone = undo(now)
        if np.all(np.isfinite(undone)) and held.holds(undone, closely=True):
            return label
    low, high = held.ends
    was = low >= -_TOUCH and high <= 1 + _TOUCH
    if not was and least >= -_TOUCH and most <= 1 + _TOUCH and _mended(held, now, low + now * (high - low)):
        return "brought to 0 … 1"
    was = _is_standard(held.mean, held.deviation)
    standard = _is_standard(float(finite.mean()), float(finite.std()))
    if not was and standard and _mended(held, now, held.mean + now * held.deviation):
        return "standardised (mean 0, standard deviation 1)"
    return None


def _is_standard(mean: float, deviation: float) -> bool:
    return abs(mean) < _STANDARD and abs(deviation - 1) < _STANDARD


def _mended(held: Envelope, now: NDArray[np.float64], undone: NDArray[np.float64]) -> bool:
    """Whether *undone* is back where the column was, and *now* was clearly farther from there."""
    return held.holds(undone, closely=False) and held.distance(undone) < held.distance(now) / 2


def _about(factor: float, held: Envelope, now: NDArray[np.float64]) -> bool:
    """Whether every quantile with a sign to speak of moved by about *factor*, and not the tail or the middle alone."""
    missed = _missed(factor, held.middle, held, now)
    return missed is None or bool(np.all(missed <= _ABOUT))


def _just(factor: float, held: Envelope, now: NDArray[np.float64]) -> bool:
    """Whether every such quantile moved by just *factor* since the newest stretch: growth may do about as much, but in
    more steps than one."""
    missed = _missed(factor, held.last, held, now)
    return missed is not None and bool(np.median(missed) <= _NEAR and np.all(missed <= _NEAR_EACH))


def _missed(
    factor: float, before: NDArray[np.float64], held: Envelope, now: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """By how much the logarithm of each telling quantile's ratio misses *factor*; None where fewer than two tell."""
    telling = np.abs(before) > (held.unit / 2 if before[0] < 0 < before[4] else 0.0)
    if telling.sum() < 2:
        return None
    ratios = now[telling] / before[telling] / factor
    return np.abs(np.log(np.where(ratios > 0, ratios, np.inf)))


def swapped(known: dict[str, Envelope], now: dict[str, NDArray[np.float64]]) -> Iterator[tuple[set[str], Finding]]:
    """Columns that hold each other's values, two or more in a circle: (their names, finding).

    Of all ways to give the values back to the columns the nearest is taken (Kuhn 1955). A circle counts where two
    or more of its columns lie far from their own reference, and every one fits the column it is given back to.
    """
    names = sorted(now)
    away = {name: known[name].distance(now[name]) for name in names}
    if sum(distance > _FAR for distance in away.values()) < 2:
        return
    cost = np.asarray([[min(known[a].distance(now[b]), _NEVER) for b in names] for a in names])
    held = dict(zip(names, (names[b] for b in linear_sum_assignment(cost)[1]), strict=True))
    done: set[str] = set()
    for first in names:
        circle = [first]
        while held[circle[-1]] != first:
            circle.append(held[circle[-1]])
        if first in done or len(circle) < 2:
            continue
        done |= set(circle)
        far = [away[name] for name in circle if away[name] > _FAR]
        if len(far) >= 2 and all(known[a].fits(now[held[a]]) for a in circle):
            words = ", ".join(f"{held[a]} holds what looks like {a}" for a in circle)
            yield set(circle), Finding("swapped", "<->".join(sorted(circle)), "fail", min(far), 0.0, _FAR, words)
