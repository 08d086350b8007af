"""Rows that a join made several of: the same moment and the same values, but for the columns that were joined to them.

No two of them are equal, so that they are no copies, and their ids may be new. What tells is each column by itself,
or two together: values with many digits seldom come twice at one moment. So does the time alone, where it never did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.columns import TIME
from ..columnar import Columnar
from ..columns.screens import Finding, surely_above
from ..kept import Remembered
from ..stretches import Stretches
from .screens import distinct_values

_COLUMNS = 8  # those with the most values
_PAIRED = 5  # of them, that are looked at by twos
_VALUES = 50  # a number with fewer is a code, which many rows share
_MOST = 0.05  # of the rows
_ORDINARY = 3.0  # times the share that a stretch of the reference had
_USUAL = 0.2  # share from which on a column tells nothing
_REPEATS = 20  # rows, of which fewer say nothing
_AGREE = 2  # columns, the time by itself among them, that must say so
Key = tuple[str, ...]
_TIME: Key = ()  # no column: the time alone
_MOMENT = TIME
_NEVER = 500  # rows of a reference in which no two shared their moment


@dataclass(frozen=True)
class _Usual:
    """The columns, or pairs of them, that tell rows of one moment apart, and the largest share of a stretch's rows that
    had the values of an earlier row at the same moment all the same."""

    shares: dict[Key, float]


_KNOWN: Remembered[_Usual] = Remembered(64)


def multiplied(
    reference: Columnar, current: Columnar, at: Stretches, features: Sequence[str], pace: float
) -> list[Finding]:
    """One finding where columns tell; *pace* is how many times as dense in time as the reference the window is."""
    usual = _KNOWN.make((at.key, tuple(features)), lambda: _usual(reference, at, features)).shares
    usual = {key: share for key, share in usual.items() if all(_is_number(current, name) for name in key)}
    if not usual or len(current) < _REPEATS:
        return []
    found: dict[Key, float] = {}
    shared = _shared_moments(current)
    for key, was in usual.items():
        share = float(_again(current, key, shared).mean())
        limit = _MOST + _ORDINARY * was * max(pace, 1.0)
        if share * len(current) >= _REPEATS and surely_above(share, len(current), limit):
            found[key] = share
    one_each = len(reference) >= _NEVER and usual.get(_TIME) == 0 and _TIME in found
    if len(found) < min(_AGREE, len(usual)) and not one_each:
        return [Finding("multiplied", None, "ok", 0.0, max(usual.values()), _MOST)]
    key = max(found, key=lambda each: found[each])
    limit = _MOST + _ORDINARY * usual[key] * max(pace, 1.0)
    names = ", ".join(dict.fromkeys(name for each in found for name in each))
    note = (
        f"{found[key]:.0%} of the rows share their time{f' and {names}' if names else ''} with an earlier row, "
        f"{usual[key]:.0%} at most did in the reference: did a join make several rows of one?"
    )
    return [Finding("multiplied", None, "fail", found[key], usual[key], limit, note)]


def _is_number(current: Columnar, name: str) -> bool:
    return name in current.frame and current.is_number(name)


def _usual(reference: Columnar, at: Stretches, features: Sequence[str]) -> _Usual:
    counts = distinct_values(reference, features)
    many = [name for name in sorted(counts, key=lambda n: (-counts[n], n)) if counts[name] >= _VALUES][:_COLUMNS]
    sizes = np.bincount(at.of_row, minlength=at.count)
    shares: dict[Key, float] = {}
    keys: list[Key] = [_TIME, *((name,) for name in many), *combinations(many[:_PAIRED], 2)]
    shared = _shared_moments(reference)
    for key in keys if many else []:
        repeated = np.bincount(at.of_row, weights=_again(reference, key, shared), minlength=at.count)
        again = repeated / np.maximum(sizes, 1)
        share = float(again[sizes >= _REPEATS].max(initial=0.0))
        if share < _USUAL:
            shares[key] = share
    return _Usual(shares if any(shares) else {})


def _shared_moments(columns: Columnar) -> NDArray[np.intp]:
    """The places of rows that share their time with another: few or none in most sources, and no others can repeat."""
    return np.flatnonzero(pd.Series(columns.times()).duplicated(keep=False))


def _again(columns: Columnar, key: Key, shared: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which rows have the time and the values of an earlier one; missing values are equal to none."""
    found = np.zeros(len(columns), dtype=bool)
    values = {name: columns.numbers(name)[shared] for name in key}
    again = pd.DataFrame({_MOMENT: columns.times()[shared], **values}).duplicated().to_numpy()
    known = ~np.isnan(np.column_stack([*values.values()])).any(axis=1) if values else True
    found[shared] = again & known
    return found
