"""Screens for numbers that arrive in another unit, or in each other's columns.

A column's five quantiles (5, 25, 50, 75, 95 %) in each stretch of the reference span an envelope. A window far
outside its envelope is only called a unit change if *undoing* a change of unit brings it back in with its
spread; otherwise it is drift, which is another monitor's business. Distances are in robust standard deviations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .columns import FEW, Finding
from .kept import Kept
from .stretches import Stretches, travel

_GRID = (0.05, 0.25, 0.5, 0.75, 0.95)
_FAR = 1.5  # outside the envelope by more than this: not an ordinary window
_BACK = 0.75  # within this of the envelope: as good as inside
_SPREAD = 1.5  # factor by which the quartiles' distance may leave the reference's
_SQUEEZE = 2.5  # times that the quartiles must lie closer, or farther apart, than in any stretch
_FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001, 60.0, 1 / 60, 3600.0, 1 / 3600)
_FACTOR = 3.0  # a smaller factor may well be growth: worth a look, not an alarm
_NEVER = 1e6  # a distance that no assignment pays willingly
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
    middles: NDArray[np.float64]  # the median of each stretch
    nonzero: bool  # zeros are left out, because they carry no unit and are many
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


_KNOWN: Kept[list[Envelope | None]] = Kept(512)


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
    spread = (float(quartiles.min()), float(quartiles.max()))
    return Envelope(table.min(axis=0), table.max(axis=0), middle, float(unit), spread, table[:, 2], nonzero)


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
    squeezed = _squeezed(known, now)
    if squeezed is not None:
        note = (
            f"{name} looks multiplied by {squeezed:.3g}: its quartiles lie so much closer, or farther apart, than ever"
        )
        return Finding("scale", name, "fail", away, 0.0, allowed, note)
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


def _squeezed(known: Envelope, now: NDArray[np.float64]) -> float | None:
    """A usual factor of units that explains a spread which the reference never had, with a median that fits."""
    low, high = known.spread
    spread = float(now[3] - now[1])
    if spread <= 0 or low <= 0 or low / _SQUEEZE < spread < high * _SQUEEZE:
        return None
    for factor in _FACTORS:
        undone = now / factor
        near = known.distance(undone) <= _BACK + known.travel
        # Not merely a wider or narrower stretch than ever: by a good part of the factor itself
        large = spread >= high * factor / _SPREAD**2 if factor > 1 else spread <= low * factor * _SPREAD**2
        if near and large and low / _SPREAD <= spread / factor <= high * _SPREAD:
            return factor
    return None


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
