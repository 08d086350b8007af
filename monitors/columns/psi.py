"""The population stability index, with bins that hold on real columns, and what it scores without any drift.

PSI = Σ (p - q) ln(p / q) over bins (Siddiqi, Credit Risk Scorecards, 2006). Numbers are binned at the
reference's deciles, or value by value where there are few; categories by the most frequent, with one bin for
the rest. Half a row is added to every bin (Jeffreys), so that an empty bin costs little in a small window.
Under no drift PSI grows as (bins - 1)(1/n + 1/m) (Yurdakul 2018), hence the threshold by resampling.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..kept import Remembered, digest

_DECILES = np.linspace(0, 1, 11)[1:-1]
_DISCRETE = 20  # a number with this many values or fewer is binned value by value
_TOP = 30  # most frequent categories that get a bin of their own
_PRIOR = 0.5  # rows added to each bin

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """Where a value falls: by *edges* (upper ends, closed) or by *values*; the last bin of *values* is "other"."""

    edges: NDArray[np.float64] | None = None
    values: tuple[Hashable, ...] = ()

    def count(self, column: pd.Series) -> Counts:
        """Rows per bin, shape (bins,); missing and infinite values are left out."""
        present = _present(column)
        if self.edges is not None:
            places = np.searchsorted(self.edges, present.to_numpy(dtype=float), side="left")
            return np.bincount(places, minlength=len(self.edges) + 1).astype(np.int64)
        places = pd.Index(self.values).get_indexer(pd.Index(present))
        return np.bincount(np.where(places < 0, len(self.values), places), minlength=len(self.values) + 1).astype(
            np.int64
        )


_KNOWN: Remembered[tuple[Bins, Counts]] = Remembered(512)


def bins_of(reference: pd.Series) -> Bins:
    """Bins by the reference column. Ties are kept together; a constant column gets its value and "other"."""
    present = _present(reference)
    if present.dtype.kind == "f":
        numbers = present.to_numpy(dtype=float)
        values = np.unique(numbers)
        if len(values) > _DISCRETE:
            return Bins(edges=np.unique(np.quantile(numbers, _DECILES)))
        return Bins(values=tuple(float(v) for v in values))
    # Ties in frequency by name, so that equal references have equal bins
    counts = present.value_counts().rename_axis("value").reset_index(name="rows")
    top = counts.sort_values(["rows", "value"], ascending=[False, True]).head(_TOP)
    return Bins(values=tuple(top["value"]))


def counted(reference: pd.Series) -> tuple[Bins, Counts]:
    """The reference column's bins, and its own rows in them; kept for the next window with the same reference."""
    key = digest(reference)
    found = _KNOWN.get(key)
    if found is None:
        bins = bins_of(reference)
        found = _KNOWN.put(key, (bins, bins.count(reference)))
    return found


def psi(reference: NDArray[np.integer], current: NDArray[np.integer]) -> NDArray[np.float64]:
    """PSI of counts; the last axis is the bins, the others broadcast."""
    p = (current + _PRIOR) / (current.sum(axis=-1, keepdims=True) + _PRIOR * current.shape[-1])
    q = (reference + _PRIOR) / (reference.sum(axis=-1, keepdims=True) + _PRIOR * reference.shape[-1])
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def without_drift(reference: Counts, rows: int, *, quantile: float = 0.99, draws: int = 400, seed: int = 0) -> float:
    """The score that *quantile* of windows of *rows* rows stay below when nothing drifts.

    Both samples are drawn anew from the reference's bin shares (multinomial), because both are samples.
    """
    return _without_drift(tuple(reference.tolist()), rows, quantile, draws, seed)


@lru_cache(maxsize=4096)
def _without_drift(counts: tuple[int, ...], rows: int, quantile: float, draws: int, seed: int) -> float:
    reference = np.asarray(counts)
    rng = np.random.default_rng(seed)
    shares = reference / reference.sum()
    was = rng.multinomial(int(reference.sum()), shares, size=draws)
    now = rng.multinomial(rows, shares, size=draws)
    return float(np.quantile(psi(was, now), quantile))


def _present(column: pd.Series) -> pd.Series:
    return column[np.isfinite(column.to_numpy(dtype=float))] if column.dtype.kind == "f" else column.dropna()
