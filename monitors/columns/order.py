"""Columns whose values lost their order in time: shuffled, or joined to other rows.

A slow measure (weather, demand) is like its neighbour in time. Where that held in every stretch of the reference
(rank correlation of each value with the next, Wald and Wolfowitz 1943) and is gone, the rows were mixed up: drift
makes a measure higher, wider or noisier, but seldom takes its memory. Shifting a column keeps its order; that is
seen by its company (`alignment`) or its daily profile (`clock`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..columnar import runs_of
from ..kept import REMEMBERED, Remembered
from ..stretches import Stretches
from .screens import Finding

_SLOW = 0.5  # least correlation of neighbours, in every stretch
_LEFT = 0.25  # of it
_ROWS = 100
_REST = 0.5  # a column with one value on more of its rows tells nothing by its order
_KNOWN: Remembered[float] = Remembered(REMEMBERED)


def scrambled(name: str, reference: NDArray[np.float64], current: NDArray[np.float64], at: Stretches) -> Finding | None:
    """Whether *current* lost its order; both are in time order. None where the reference had none to lose."""
    slowest = _KNOWN.make((at.key, name), lambda: _weakest(reference, at))
    if slowest < _SLOW:
        return None
    now = _memory(current)
    if now is None:
        return None
    rows = int(np.isfinite(current).sum())
    if now < _LEFT * slowest and now + 2 / np.sqrt(rows) < 0.6 * slowest:
        note = (
            f"{name} is no longer like its neighbours in time: correlation {now:.2f}, {slowest:.2f} or more all "
            "through the reference; its rows may be mixed up"
        )
        return Finding("misaligned", name, "fail", now, slowest, _LEFT * slowest, note)
    return Finding("misaligned", name, "ok", 0.0, 0.0)


def _weakest(values: NDArray[np.float64], at: Stretches) -> float:
    """The least memory of any stretch; no further stretch is asked once one lies below what counts as slow."""
    if at.count <= 3:
        return 0.0
    weakest = 1.0
    for g in range(at.count):
        weakest = min(weakest, _memory(values[at.of_row == g]) or 0.0)
        if weakest < _SLOW:
            break
    return weakest


def _memory(values: NDArray[np.float64]) -> float | None:
    """Rank correlation of each value with the next one that is known; None with too few, or one at rest."""
    known = values[np.isfinite(values)]
    if len(known) < _ROWS or runs_of(np.sort(known))[1].max() > _REST * len(known):
        return None
    ranks = rankdata(known)
    ranks -= ranks.mean()
    scale = float(ranks @ ranks)
    return float(ranks[:-1] @ ranks[1:] / scale) if scale > 0 else None
