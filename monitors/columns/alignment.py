"""Columns whose rows no longer belong together: values moved against the other columns by some rows, or shuffled.

Each column alone looks as it always did, so that no marginal distribution shows it. What it loses is its company:
rank correlations (Spearman 1904) that held with one sign in every stretch of the reference are gone, all at once.
Drift seldom does that: it bends relations, but takes them from all partners of a column only where the column no
longer measures what it did. A category takes part as the mean rank of the number it tells most of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..columnar import Columnar
from ..kept import Remembered, digest
from ..stretches import Stretches
from .screens import Finding

Matrix = NDArray[np.float64]

_RELATED = 0.2  # weakest rank correlation, in every stretch, of a relation that is counted
_FIRM = 0.8  # one lost relation is enough only where it was this firm
_SEEN = 0.55  # of a category, whose relation is by its own ranks
_TOLD = 0.1  # share of a number's variance that a category tells, to take part
_ALL = 0.3  # sum of squares of all relations of a column that can be missed
LEFT = 0.25  # what is left of lost relations
HELD = 0.6  # of them, that the error must leave out
_PAIRS = 100  # rows that hold both values, at least
_CODES = 12  # a number with so many values or fewer is a code, such as a month
_ROWS = 1_500  # rows of a stretch that are ranked, evenly spaced
_STRETCHES = 4
_FIRST = 1_000  # rows that tell of most columns that they have many values
_ENCODED = 50_000  # rows, evenly spaced, by which categories are ranked


@dataclass(frozen=True)
class Company:
    """The relations of a reference: the weakest rank correlation of each pair over the stretches, with its sign
    (0 where the sign changed or a stretch has too few rows), shape (k, k). *encoded* categories, value to rank."""

    names: tuple[str, ...]
    weakest: Matrix
    encoded: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Kinship:
    """How much of what a column had in common with *partners* is left: *slope* of the present correlations on the
    reference's, 1 as it was, 0 gone, -1 turned round; *error* of the worst case, in which all partners are one."""

    slope: float
    error: float
    partners: tuple[str, ...]

    @property
    def lost(self) -> bool:
        return self.slope < LEFT and self.slope + 2 * self.error < HELD


_KNOWN: Remembered[Company] = Remembered(64)
_NONE = Company((), np.zeros((0, 0)))


def misaligned(names: list[str], reference: Columnar, current: Columnar, at: Stretches) -> list[Finding]:
    """Columns that lost what they had in common with columns that are still in company, the loneliest first."""
    company = company_of(names, reference, at)
    if len(company.names) < 2:
        return []
    now, rows = related(current, company)
    there = np.diag(now) > 0  # a column that stands still goes with nothing: that is for `constant` to judge
    found: list[Finding] = []
    while True:
        kin = {
            i: k for i in map(int, np.flatnonzero(there)) if (k := _judged(company, i, now, rows, there)) is not None
        }
        lost = [i for i, k in kin.items() if k.lost]
        if not lost:
            return found or [Finding("misaligned", None, "ok", 0.0, 0.0)]
        # What the loneliest took with it is not the others' fault
        worst = min(lost, key=lambda i: (kin[i].slope + 2 * kin[i].error, company.names[i]))
        there[worst] = False
        found.append(_finding(company.names[worst], kin[worst]))


def company_of(
    names: Sequence[str],
    reference: Columnar,
    at: Stretches,
    *,
    codes: int = _CODES,
    beside: Mapping[str, NDArray[np.float64]] | None = None,
) -> Company:
    """The reference's relations; of no columns where there are fewer than two, or fewer than four stretches.

    Numbers with at most *codes* values are left out. *beside* are columns (n,) that stand in for the frame's own.
    """
    if len(names) < 2 or at.count < _STRETCHES:
        return _NONE
    beside = beside or {}
    stands_in = tuple((name, digest(pd.Series(values))) for name, values in beside.items())
    key = (at.key, tuple(names), codes, stands_in)
    return _KNOWN.make(key, lambda: _company(names, reference, at, codes, beside))


def kinship(weakest: Matrix, now: Matrix, rows: NDArray[np.intp], names: Sequence[str], least: float) -> Kinship | None:
    """What is left of one column's relations, arrays of shape (k,); None where it had none to speak of."""
    usual = (np.abs(weakest) >= least) & (rows >= _PAIRS)
    if not usual.any():
        return None
    was = weakest[usual]
    power = float(was @ was)
    error = float(np.abs(was).sum() / power / math.sqrt(rows[usual].min()))
    return Kinship(float(was @ now[usual] / power), error, tuple(n for n, u in zip(names, usual, strict=True) if u))


def related(
    columns: Columnar, company: Company, beside: Mapping[str, NDArray[np.float64]] | None = None
) -> tuple[Matrix, NDArray[np.intp]]:
    """Rank correlations of the company's columns, shape (k, k), and how many rows hold both values."""
    rows = _spaced(np.arange(len(columns)), _ROWS)
    return _relations(_matrix(columns, company.names, company.encoded, rows, beside or {}))


def _judged(company: Company, i: int, now: Matrix, rows: NDArray[np.intp], there: NDArray[np.bool_]) -> Kinship | None:
    weakest = np.where(there, company.weakest[i], 0.0)
    kin = kinship(weakest, now[i], rows[i], company.names, _RELATED)
    if kin is None:
        return None
    held = weakest[np.abs(weakest) >= _RELATED]
    category = company.names[i] in company.encoded
    enough = len(held) > 1 and float(held @ held) >= _ALL
    firm = _SEEN if category else _FIRM
    return kin if enough or float(np.abs(held).max()) >= firm else None


def _finding(name: str, kin: Kinship) -> Finding:
    note = (
        f"{name} no longer goes with {', '.join(kin.partners[:4])}: {kin.slope:.2f} (± {2 * kin.error:.2f}) of the "
        "relation that held all through the reference; its values may belong to other rows"
    )
    return Finding("misaligned", name, "fail", kin.slope, 1.0, LEFT, note)


def _company(
    names: Sequence[str], reference: Columnar, at: Stretches, codes: int, beside: Mapping[str, NDArray[np.float64]]
) -> Company:
    numbers = [
        n
        for n in names
        if (n in beside or reference.is_number(n))
        and _varied(beside[n] if n in beside else reference.numbers(n), codes)
    ]
    texts = [n for n in names if n not in beside and not reference.is_number(n)]
    encoded = _encodings(texts, numbers, reference, beside)
    kept = (*numbers, *encoded)
    if len(kept) < 2:
        return _NONE
    low = np.full((len(kept), len(kept)), np.inf)
    high = np.full_like(low, -np.inf)
    for g in range(at.count):
        rows = _spaced(np.flatnonzero(at.of_row == g), _ROWS)
        here, pairs = _relations(_matrix(reference, kept, encoded, rows, beside))
        here[pairs < _PAIRS / 2] = 0.0
        low, high = np.minimum(low, here), np.maximum(high, here)
    weakest = np.where(low > 0, low, np.where(high < 0, high, 0.0))
    np.fill_diagonal(weakest, 0.0)
    return Company(kept, weakest, encoded)


def _varied(values: NDArray[np.float64], codes: int) -> bool:
    """Whether a column has more than *codes* values; the first rows of most tell."""
    first = np.unique(values[:_FIRST])
    if np.count_nonzero(~np.isnan(first)) > codes:
        return True
    return int(np.count_nonzero(~np.isnan(np.unique(values)))) > codes


def _encodings(
    categories: list[str], numbers: list[str], reference: Columnar, beside: Mapping[str, NDArray[np.float64]]
) -> dict[str, dict[str, float]]:
    """For each category that tells enough of a number: its values, and the mean rank of that number in each."""
    if not numbers or not categories:
        return {}
    rows = _spaced(np.arange(len(reference)), _ENCODED)
    ranks = _ranked(_matrix(reference, numbers, {}, rows, beside))
    spread, ranked = _variance(ranks), pd.DataFrame(ranks, copy=False)
    found: dict[str, dict[str, float]] = {}
    for name in categories:
        codes = reference.codes(name)
        place = codes.of_row[rows]
        held = place >= 0
        grouped = ranked.groupby(place) if held.all() else ranked[held].groupby(place[held])
        means = grouped.mean()
        matrix, size = means.to_numpy(), np.bincount(place[held], minlength=len(codes.values))[means.index]
        told = _variance(matrix, np.where(np.isnan(matrix), 0.0, size[:, None]))
        told = told / np.where(spread > 0, spread, np.inf)
        if np.isfinite(told).any() and np.nanmax(told) >= _TOLD:
            best = matrix[:, int(np.nanargmax(told))]
            found[name] = {str(codes.values[c]): float(m) for c, m in zip(means.index, best, strict=True)}
    return found


def _variance(values: Matrix, weights: Matrix | None = None) -> NDArray[np.float64]:
    """The variance (k,) of each column of *values* (n, k), each row counted *weights* times; NaN is left out."""
    weights = (~np.isnan(values)).astype(float) if weights is None else np.broadcast_to(weights, values.shape)
    filled, rows = np.where(weights > 0, values, 0.0), weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(weights > 0, filled - (filled * weights).sum(axis=0) / rows, 0.0)
        return np.asarray((weights * apart**2).sum(axis=0) / np.where(rows > 1, rows - 1, np.nan))


def _ranked(values: Matrix) -> Matrix:
    """Average ranks of each column as shares of its known values; NaN stays NaN."""
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        if known.any():
            place = rankdata(values[known, column])
            values[known, column] = place / len(place)
    return values


def _spaced(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many of the rows, evenly spaced."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def _matrix(
    columns: Columnar,
    names: Sequence[str],
    encoded: Mapping[str, Mapping[str, float]],
    rows: NDArray[np.intp],
    beside: Mapping[str, NDArray[np.float64]],
) -> Matrix:
    """The columns *names* in some of the *rows*, shape (rows, k)."""
    found = np.empty((len(rows), len(names)))
    for place, name in enumerate(names):
        if name in beside:
            found[:, place] = beside[name][rows]
        elif name in encoded:
            codes = columns.codes(name)
            ranks = np.array([*(encoded[name].get(v, np.nan) for v in codes.values), np.nan])
            found[:, place] = ranks[codes.of_row[rows]]
        else:
            found[:, place] = columns.numbers(name)[rows]
    return found


def _relations(values: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Rank correlations (k, k) and how many rows hold both values; 0 where a column does not vary."""
    known = np.isfinite(values)
    ranks = np.zeros_like(values)
    for column in range(values.shape[1]):
        here = known[:, column]
        if here.any():
            place = rankdata(values[here, column])
            ranks[here, column] = place - place.mean()
    present = known.astype(float)
    squares = (ranks**2).T @ present
    scale = np.sqrt(squares * squares.T)
    found = np.divide(ranks.T @ ranks, scale, out=np.zeros_like(scale), where=scale > 0)
    return found, (present.T @ present).astype(np.intp)
