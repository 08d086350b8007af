"""Categories and flags that merely pause: a sensor that is off, a campaign between two, a valve that stays shut.

For as long as it takes the column holds one value that is known well. Nothing is wrong with that, unless the rest of
the row denies it: where the value was frozen, the other columns are as ever, and not as they were beside that value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..columnar import Columnar
from ..profile import ColumnProfile
from ..stretches import Stretches

_PEAK = 0.3  # share of a stretch that a value had before, from which on all others may be away at once
_RESTS = 0.5  # of a number that has many: as of rain, which may be dry for long
_KNOWN_REST = 0.1  # of all that was learned on one value
_CODES = 12  # a number with so many values or fewer is a code or a flag
_TELLS = 0.1  # of a standard deviation between the rows of the value and all rows: a column that tells the two apart
_HALF = 0.5  # of the way from all rows to those of the value
_ROWS = 20


def pauses(
    name: str, only: object, reference: Columnar, current: Columnar, at: Stretches, known: ColumnProfile | None
) -> bool:
    """Whether it is ordinary that the column holds *only* one value, which others of the row do not deny."""
    number = reference.is_number(name)
    values = reference.array(name)
    held = values == only
    few = not number or len(np.unique(values[~np.isnan(values)])) <= _CODES
    if not rests(only, known) and peak(held, at, only, known) < (_PEAK if few else _RESTS):
        return False
    return not _denied(name, held, reference, current)


def rests(value: object, known: ColumnProfile | None) -> bool:
    """Whether the champion learned *value* as one at which a number with many others rests."""
    return known is not None and known.kind == "number" and learned(value, known) >= _KNOWN_REST


def peak(held: NDArray[np.bool_], at: Stretches, value: object, known: ColumnProfile | None) -> float:
    """The largest share of the rows of a stretch, or of all that the champion learned, that held a *value*."""
    sizes = np.bincount(at.of_row, minlength=at.count)
    shares = np.bincount(at.of_row, weights=held, minlength=at.count) / np.maximum(sizes, 1)
    most = float(shares[sizes >= _ROWS].max(initial=float(held.mean()) if len(held) else 0.0))
    return max(most, learned(value, known))


def learned(value: object, known: ColumnProfile | None) -> float:
    """The share of all that the champion learned that held *value*, as far as its profile tells."""
    if known is None:
        return 0.0
    if known.kind == "category":
        return known.categories.get(str(value), 0.0)
    steps = max(sum(bool(edge == value) for edge in known.edges) - 1, 0)
    return steps / max(len(known.edges) - 1, 1)


def _denied(name: str, held: NDArray[np.bool_], reference: Columnar, current: Columnar) -> bool:
    """Whether the numbers that tell the rows of the value apart are, in the window, more like those of all rows."""
    if held.sum() < _ROWS:
        return False
    shift, power = 0.0, 0.0
    for other in reference.frame.columns:
        if other == name or other not in current.frame or not (reference.is_number(other) and current.is_number(other)):
            continue
        was, now = reference.numbers(other), current.numbers(other)
        parts = [part[np.isfinite(part)] for part in (was[held], was, now)]
        if min(map(len, parts)) < _ROWS or (spread := float(np.std(parts[1]))) == 0:
            continue
        these, all_rows, here = (float(part.mean()) / spread for part in parts)
        if abs(these - all_rows) >= _TELLS:
            shift += (here - all_rows) * (these - all_rows)
            power += (these - all_rows) ** 2
    return shift < _HALF * power
