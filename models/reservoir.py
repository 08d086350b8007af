"""The replay reservoir: a bounded sample of the rows that a lineage has learned, kept against forgetting.

Rows are kept by the smallest hash of their id (bottom-k sampling: Cohen & Kaplan, "Summarizing data using bottom-k
sketches", PODC 2007). That is a uniform sample without replacement, needs no random state, does not depend on how the
rows were cut into updates, and can be merged. Replaying old rows beside new ones is "experience replay" (Robins,
"Catastrophic forgetting, rehearsal and pseudorehearsal", Connection Science 1995; Rolnick et al., NeurIPS 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spec.model import ReplaySpec
from .arrival import by_arrival

Array = NDArray[np.uint64]


def kept(reservoir: pd.DataFrame | None, rows: pd.DataFrame, spec: ReplaySpec) -> pd.DataFrame | None:
    """The reservoir after *rows* (canonical, learned, no holdout rows) were learned too: at most `spec.rows` rows."""
    if spec.rows == 0:
        return None
    old = rows.iloc[:0] if reservoir is None else reservoir
    whole = pd.concat([old, rows], ignore_index=True) if len(old) else rows.reset_index(drop=True)
    return _smallest(whole, _keys(whole, "replay"), spec.rows, spec)


def drawn(reservoir: pd.DataFrame | None, new: int, spec: ReplaySpec, *, turn: int = 0) -> pd.DataFrame:
    """The rows to mix into an update on *new* rows: `spec.ratio` for each, shared among the strata as the reservoir is.

    *turn* is the number of the update along the lineage: each draws other rows, and the same ones when it is resumed.
    """
    if reservoir is None or reservoir.empty:
        return pd.DataFrame()
    return _smallest(reservoir, _keys(reservoir, f"turn {turn}"), round(new * spec.ratio), spec)


def _keys(rows: pd.DataFrame, salt: str) -> Array:
    """A uniform hash of each row's id, shape (n,); pandas' SipHash, keyed by *salt*, is the same on every machine."""
    return pd.util.hash_array(rows["_id"].to_numpy(object), hash_key=f"{salt:>16.16}", categorize=False)


def _smallest(rows: pd.DataFrame, keys: Array, most: int, spec: ReplaySpec) -> pd.DataFrame:
    """At most *most* of *rows*: of each stratum as many as its quota, those with the smallest keys."""
    order = np.argsort(keys, kind="stable")
    if spec.stratify == "none":
        chosen = order[:most]
    else:
        strata = _strata(rows, spec).iloc[order]
        # In the order of their first row by key, so that where there are more strata than rows chance chooses.
        quota = strata.map(_quotas(strata.value_counts(sort=False).to_dict(), most))
        chosen = order[(strata.groupby(strata, sort=False).cumcount() < quota).to_numpy()]
    return by_arrival(rows.take(np.sort(chosen))).reset_index(drop=True)


def _strata(rows: pd.DataFrame, spec: ReplaySpec) -> pd.Series[Any]:
    if spec.stratify == "class":
        return rows["_target"].astype(str)
    stretch: pd.Series[Any] = rows["_label_time"].dt.floor(spec.every)
    return stretch


def _quotas(counts: Mapping[Any, int], most: int) -> dict[Any, int]:
    """Even shares of *most*; what a small stratum leaves over goes to the others.

    With fewer rows than strata the first in *counts* get one each.
    """
    if most < len(counts):
        return {stratum: int(place < most) for place, stratum in enumerate(counts)}
    quota: dict[Any, int] = {}
    for stratum, count in sorted(counts.items(), key=lambda each: (each[1], str(each[0]))):
        quota[stratum] = min(count, (most - sum(quota.values())) // (len(counts) - len(quota)))
    return quota
