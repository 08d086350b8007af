"""Columns whose rows no longer belong together: values moved against the other columns by some rows, or shuffled.

Each column alone looks as it always did, so that no marginal distribution shows it. What it loses is its company:
rank correlations (Spearman 1904) that held with one sign in every stretch of the reference are gone, all at once.
Drift seldom does that: it bends relations, but takes them from all partners of a column only where the column no
longer measures what it did. A category takes part as the mean rank of the number it tells most of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from .columns import Finding
from .kept import Kept
from .stretches import Stretches

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


_KNOWN: Kept[Company] = Kept(64)
_NONE = Company((), np.zeros((0, 0)))


def misaligned(names: list[str], reference: pd.DataFrame, current: pd.DataFrame, at: Stretches) -> list[Finding]:
    """Columns that lost what they had in common with columns that are still in company, the loneliest first."""
    company = company_of(names, reference, at)
    if len(company.names) < 2:
        return []
    now, rows = related(current, company)
    there = np.ones(len(company.names), dtype=bool)
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


def company_of(names: Sequence[str], reference: pd.DataFrame, at: Stretches, *, codes: int = _CODES) -> Company:
    """The reference's relations; of no columns where there are fewer than two, or fewer than four stretches.

    Numbers with at most *codes* values are left out.
    """
    if len(names) < 2 or at.count < _STRETCHES:
        return _NONE
    return _KNOWN.make((at.key, tuple(names), codes), lambda: _company(names, reference, at, codes))


def kinship(weakest: Matrix, now: Matrix, rows: NDArray[np.intp], names: Sequence[str], least: float) -> Kinship | None:
    """What is left of one column's relations, arrays of shape (k,); None where it had none to speak of."""
    usual = (np.abs(weakest) >= least) & (rows >= _PAIRS)
    if not usual.any():
        return None
    was = weakest[usual]
    power = float(was @ was)
    error = float(np.abs(was).sum() / power / math.sqrt(rows[usual].min()))
    return Kinship(float(was @ now[usual] / power), error, tuple(n for n, u in zip(names, usual, strict=True) if u))


def related(frame: pd.DataFrame, company: Company) -> tuple[Matrix, NDArray[np.intp]]:
    """Rank correlations of the company's columns, shape (k, k), and how many rows hold both values."""
    return _relations(_matrix(frame, company.names, company.encoded))


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


def _company(names: Sequence[str], reference: pd.DataFrame, at: Stretches, codes: int) -> Company:
    numbers = [n for n in names if reference[n].dtype.kind == "f" and reference[n].nunique() > codes]
    encoded = _encodings([n for n in names if reference[n].dtype.kind != "f"], numbers, reference)
    kept = (*numbers, *encoded)
    if len(kept) < 2:
        return _NONE
    values = _matrix(reference, kept, encoded)
    low = np.full((len(kept), len(kept)), np.inf)
    high = np.full_like(low, -np.inf)
    for g in range(at.count):
        here, pairs = _relations(values[at.of_row == g])
        here[pairs < _PAIRS / 2] = 0.0
        low, high = np.minimum(low, here), np.maximum(high, here)
    weakest = np.where(low > 0, low, np.where(high < 0, high, 0.0))
    np.fill_diagonal(weakest, 0.0)
    return Company(kept, weakest, encoded)


def _encodings(categories: list[str], numbers: list[str], reference: pd.DataFrame) -> dict[str, dict[str, float]]:
    if not numbers:
        return {}
    ranks = reference[numbers].rank(pct=True)
    spread = ranks.var().to_numpy()
    found: dict[str, dict[str, float]] = {}
    for name in categories:
        means = ranks.groupby(reference[name]).mean()
        told = means.reindex(reference[name]).var().to_numpy() / np.where(spread > 0, spread, np.inf)
        if np.isfinite(told).any() and np.nanmax(told) >= _TOLD:
            best = means[numbers[int(np.nanargmax(told))]]
            found[name] = {str(value): float(rank) for value, rank in best.items()}
    return found


def _matrix(frame: pd.DataFrame, names: Sequence[str], encoded: dict[str, dict[str, float]]) -> Matrix:
    return np.column_stack(
        [
            frame[name].map(encoded[name]).to_numpy(dtype=float)
            if name in encoded
            else frame[name].to_numpy(dtype=float)
            for name in names
        ]
    )


def _relations(values: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Rank correlations (k, k) and how many rows hold both values; 0 where a column does not vary."""
    if len(values) > _ROWS:
        values = values[np.linspace(0, len(values) - 1, _ROWS).astype(int)]
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
