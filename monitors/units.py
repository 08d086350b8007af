"""Screens for numbers that arrive in another unit, or in each other's columns.

A column's five quantiles (5, 25, 50, 75, 95 %) in each stretch of the reference span an envelope. A window far
outside its envelope is only called a unit change if *undoing* a change of unit brings it back in with its
spread; otherwise it is drift, which is another monitor's business. Distances are in robust standard deviations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .columns import FEW, Finding
from .stretches import Stretches, travel

_GRID = (0.05, 0.25, 0.5, 0.75, 0.95)
_FAR = 1.5  # outside the envelope by more than this: not an ordinary window
_BACK = 0.75  # within this of the envelope: as good as inside
_SPREAD = 1.5  # factor by which the quartiles' distance may leave the reference's
_FACTOR = 3.0  # a smaller factor may well be growth: worth a look, not an alarm
_DISTINCT = 10  # codes and counts of few values have no unit

# (factor, offset, name): the window holds factor * value + offset
_AFFINE: tuple[tuple[float, float, str], ...] = (
    (1.8, 32.0, "°C to °F"),
    (1 / 1.8, -32 / 1.8, "°F to °C"),
    (1.0, 273.15, "°C to K"),
    (1.0, -273.15, "K to °C"),
    (1.8, 32 - 273.15 * 1.8, "K to °F"),
    (1 / 1.8, 273.15 - 32 / 1.8, "°F to K"),
)


@dataclass(frozen=True)
class Envelope:
    """Where a column's quantiles lie in the stretches of the reference; *low* and *high* have shape (5,)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    middle: NDArray[np.float64]  # quantiles of the whole reference
    unit: float  # robust standard deviation of the whole reference
    spread: tuple[float, float]  # least and largest distance of the quartiles in a stretch
    travel: float  # how far the median may have travelled by the current window, in units
    nonzero: bool  # zeros are left out, because they carry no unit and are many

    def distance(self, quantiles: NDArray[np.float64]) -> float:
        """How far the farthest quantile lies outside the envelope, in robust standard deviations."""
        out = np.maximum(np.maximum(self.low - quantiles, quantiles - self.high), 0)
        return float(out.max() / self.unit)

    def fits(self, quantiles: NDArray[np.float64]) -> bool:
        """Whether place and spread are as good as the reference's."""
        spread = quantiles[3] - quantiles[1]
        low, high = self.spread
        return self.distance(quantiles) <= _BACK and low / _SPREAD <= spread <= high * _SPREAD


def envelope(values: NDArray[np.float64], at: Stretches) -> Envelope | None:
    """The envelope of a reference column (n,); None where it has too few values, or no unit to speak of."""
    known = np.isfinite(values)
    finite, groups = values[known], at.of(known)
    if len(finite) < FEW:
        return None
    nonzero = float(np.mean(finite == 0)) > 0.2
    if nonzero:
        finite, groups = finite[finite != 0], groups[finite != 0]
    if len(finite) < FEW or len(np.unique(finite)) < _DISTINCT:
        return None
    middle = np.quantile(finite, _GRID)
    unit = max((middle[3] - middle[1]) / 1.349, (middle[4] - middle[0]) / 3.29)
    if unit <= 0:
        return None
    parts = [np.quantile(part, _GRID) for g in range(at.count) if len(part := finite[groups == g]) >= FEW]
    table = np.asarray(parts) if parts else middle[None, :]
    quartiles = table[:, 3] - table[:, 1]
    moved = travel(table[:, 2], at.ahead) / unit if len(table) > 2 else 1.0
    spread = (float(quartiles.min()), float(quartiles.max()))
    return Envelope(table.min(axis=0), table.max(axis=0), middle, float(unit), spread, moved, nonzero)


def quantiles(values: NDArray[np.float64], like: Envelope) -> NDArray[np.float64] | None:
    """The window's quantiles (5,), read as the envelope's were; None where there are too few values."""
    finite = values[np.isfinite(values)]
    if like.nonzero:
        finite = finite[finite != 0]
    return np.quantile(finite, _GRID) if len(finite) >= FEW else None


def scale(name: str, known: Envelope, now: NDArray[np.float64]) -> Finding:
    """A unit change: far from the reference, even with its trend followed, but back in after undoing the change.

    *value* is how many robust standard deviations the window lies outside the envelope.
    """
    away = known.distance(now)
    allowed = _FAR + known.travel
    if away <= allowed:
        return Finding("scale", name, "ok", away, 0.0, allowed)
    for factor, offset, label in _changes(known, now):
        if known.fits((now - offset) / factor):
            loud = offset != 0 or max(factor, 1 / factor) >= _FACTOR
            note = (
                f"{name} looks like {label}: its median went from {known.middle[2]:.4g} to {now[2]:.4g}, "
                "and undoing that brings it back into the reference"
            )
            return Finding("scale", name, "fail" if loud else "warn", away, 0.0, allowed, note)
    return Finding("scale", name, "ok", away, 0.0, allowed)


def swapped(known: dict[str, Envelope], now: dict[str, NDArray[np.float64]]) -> Iterator[tuple[str, str, Finding]]:
    """Pairs of columns that fit each other's reference and not their own: (a, b, finding)."""
    away = {name: known[name].distance(now[name]) for name in now}
    far = sorted(name for name, distance in away.items() if distance > _FAR)
    for i, a in enumerate(far):
        for b in far[i + 1 :]:
            if known[a].fits(now[b]) and known[b].fits(now[a]):
                note = f"{a} holds what looks like {b}, and {b} what looks like {a}"
                yield a, b, Finding("swapped", f"{a}<->{b}", "fail", min(away[a], away[b]), 0.0, _FAR, note)


def _changes(known: Envelope, now: NDArray[np.float64]) -> Iterator[tuple[float, float, str]]:
    yield from _AFFINE
    # A multiplied column: every quantile grew by the same factor, not only the tail or the middle
    middle = known.middle
    telling = np.abs(middle) > (known.unit / 2 if middle[0] < 0 < middle[4] else 0.0)
    if telling.sum() < 2:
        return
    ratios = now[telling] / middle[telling]
    factor = float(np.median(ratios))
    agree = factor > 0 and bool(np.all((ratios > factor / _SPREAD) & (ratios < factor * _SPREAD)))
    if agree and not 1 / 1.2 < factor < 1.2:
        yield factor, 0.0, f"multiplied by {factor:.4g}"
