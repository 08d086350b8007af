"""Rows that a join made several of: the same moment and the same values, but for the columns that were joined to them.

No two of them are equal, so that they are no copies, and their ids may be new. What tells is each column by itself:
values with many digits seldom come twice at one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .columnar import Columnar
from .columns import Finding, surely_above
from .kept import Kept
from .rows import distinct_values
from .stretches import Stretches

_COLUMNS = 8  # those with the most values
_VALUES = 50  # a number with fewer is a code, which many rows share
_MOST = 0.05  # of the rows
_ORDINARY = 3.0  # times the share that a stretch of the reference had
_USUAL = 0.2  # share from which on a column tells nothing
_REPEATS = 20  # rows, of which fewer say nothing
_AGREE = 2  # columns, the time by itself among them, that must say so
_TIME = "the time alone"


@dataclass(frozen=True)
class _Usual:
    """The columns that tell rows of one moment apart, and the largest share of a stretch's rows that had the value of
    an earlier row at the same moment all the same."""

    shares: dict[str, float]


_KNOWN: Kept[_Usual] = Kept(64)


def multiplied(
    reference: Columnar, current: Columnar, at: Stretches, features: Sequence[str], pace: float
) -> list[Finding]:
    """One finding where columns tell; *pace* is how many times as dense in time as the reference the window is."""
    usual = _KNOWN.make((at.key, tuple(features)), lambda: _usual(reference, at, features)).shares
    usual = {name: share for name, share in usual.items() if name == _TIME or _is_number(current, name)}
    if not usual or len(current) < _REPEATS:
        return []
    found: dict[str, float] = {}
    for name, was in usual.items():
        share = float(_again(current, name).mean())
        limit = _MOST + _ORDINARY * was * max(pace, 1.0)
        if share * len(current) >= _REPEATS and surely_above(share, len(current), limit):
            found[name] = share
    if len(found) < min(_AGREE, len(usual)):
        return [Finding("multiplied", None, "ok", 0.0, max(usual.values()), _MOST)]
    name = max(found, key=lambda each: found[each])
    limit = _MOST + _ORDINARY * usual[name] * max(pace, 1.0)
    note = (
        f"{found[name]:.0%} of the rows share their time and {', '.join(n for n in found if n != _TIME)} with an "
        f"earlier row, {usual[name]:.0%} at most did in the reference: did a join make several rows of one?"
    )
    return [Finding("multiplied", None, "fail", found[name], usual[name], limit, note)]


def _is_number(current: Columnar, name: str) -> bool:
    return name in current.frame and current.is_number(name)


def _usual(reference: Columnar, at: Stretches, features: Sequence[str]) -> _Usual:
    counts = distinct_values(reference, features)
    many = [name for name in sorted(counts, key=lambda n: (-counts[n], n)) if counts[name] >= _VALUES][:_COLUMNS]
    sizes = np.bincount(at.of_row, minlength=at.count)
    shares: dict[str, float] = {}
    for name in [_TIME, *many] if many else []:
        again = np.bincount(at.of_row, weights=_again(reference, name), minlength=at.count) / np.maximum(sizes, 1)
        share = float(again[sizes >= _REPEATS].max(initial=0.0))
        if share < _USUAL:
            shares[name] = share
    return _Usual(shares if any(name != _TIME for name in shares) else {})


def _again(columns: Columnar, name: str) -> NDArray[np.bool_]:
    """Which rows have the time and the value of an earlier one; missing values are equal to none."""
    if name == _TIME:
        return np.asarray(pd.Series(columns.times()).duplicated())
    values = columns.numbers(name)
    again = pd.DataFrame({"time": columns.times(), "value": values}).duplicated()
    return np.asarray(again.to_numpy() & ~np.isnan(values))
