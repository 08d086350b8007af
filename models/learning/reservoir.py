"""The replay reservoir: a bounded sample of the rows that a lineage has learned, and the newest of them.

The sample is kept against forgetting; the newest rows so that blocks of trees can be trained afresh on more than one
update brings (`warm_blocks`). Rows of the sample are kept by the smallest hash of their id (bottom-k sampling: Cohen &
Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). That is a uniform sample without replacement, needs no
random state, does not depend on how the rows were cut into updates, and can be merged. One frame holds both parts: the
newest rows that are not in the sample have larger hashes, so that the sample is found again among them. Replaying old
rows beside new ones is "experience replay" (Robins, "Catastrophic forgetting, rehearsal and pseudorehearsal",
Connection Science 1995; Rolnick et al., NeurIPS 2019).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.columns import ID, LABEL_TIME, TARGET
from ...spec.keys.learner import BlocksSpec, LearnerSpec, ReplaySpec
from ...spec.values import Strategy
from .arrival import by_arrival

Array = NDArray[np.uint64]
SAMPLE = "replay"  # salt of the keys by which the sample is kept


def kept(reservoir: pd.DataFrame | None, rows: pd.DataFrame, spec: ReplaySpec) -> pd.DataFrame | None:
    """The reservoir after *rows* (canonical, learned, no holdout rows) were learned too.

    At most `spec.rows` rows of the sample and the newest `spec.recent`, some of which are in both, by arrival.
    """
    if spec.rows == 0:
        return None
    old = rows.iloc[:0] if reservoir is None else reservoir
    whole = by_arrival(pd.concat([old, rows], ignore_index=True) if len(old) else rows)
    sample = _smallest(whole, _keys(whole, SAMPLE), spec.rows, spec)
    newest = np.arange(max(0, len(whole) - spec.recent), len(whole))
    return whole.take(np.union1d(sample, newest)).reset_index(drop=True)


def sampled(reservoir: pd.DataFrame, spec: ReplaySpec) -> pd.DataFrame:
    """The part of *reservoir* that is a sample of the whole lineage, without the rows that are only new."""
    if len(reservoir) <= spec.rows and spec.stratify == "none":
        return reservoir
    return reservoir.take(_smallest(reservoir, _keys(reservoir, SAMPLE), spec.rows, spec))


def drawn(reservoir: pd.DataFrame | None, new: int, spec: ReplaySpec, *, turn: int = 0) -> pd.DataFrame:
    """The rows to mix into an update on *new* rows: `spec.ratio` for each, shared among the strata as the sample is.

    *turn* is the number of the update along the lineage: each draws other rows, and the same ones when it is resumed.
    """
    if reservoir is None or reservoir.empty:
        return pd.DataFrame()
    return _drawn(sampled(reservoir, spec), round(new * spec.ratio), spec, turn)


def beside(
    reservoir: pd.DataFrame | None, new: int, spec: ReplaySpec, blocks: BlocksSpec, *, turn: int = 0
) -> pd.DataFrame:
    """The rows that blocks of trees learn beside *new* ones: the newest, and others from the sample of all.

    `blocks.rows` in all, of which the share `blocks.recent` are the newest, the *new* ones counted first; more where
    there are more new ones than that.
    """
    if reservoir is None or reservoir.empty:
        return pd.DataFrame()
    ordered = by_arrival(reservoir)
    newest = min(max(0, round(blocks.rows * blocks.recent) - new), spec.recent, len(ordered))
    cut = len(ordered) - newest
    sample = _smallest(ordered, _keys(ordered, SAMPLE), spec.rows, spec)
    old = _drawn(ordered.take(sample[sample < cut]), blocks.rows - round(blocks.rows * blocks.recent), spec, turn)
    return pd.concat([old, ordered.iloc[cut:]], ignore_index=True)


def replayed(
    strategy: Strategy, reservoir: pd.DataFrame | None, new: int, learner: LearnerSpec, *, turn: int = 0
) -> pd.DataFrame:
    """The rows that *strategy* learns again beside *new* ones: none for `warm`, and none from scratch."""
    if strategy == "warm_blocks":
        return beside(reservoir, new, learner.replay, learner.blocks, turn=turn)
    if strategy in ("warm_replay", "shrink_perturb"):
        return drawn(reservoir, new, learner.replay, turn=turn)
    return pd.DataFrame()


def _drawn(rows: pd.DataFrame, most: int, spec: ReplaySpec, turn: int) -> pd.DataFrame:
    return by_arrival(rows.take(_smallest(rows, _keys(rows, f"turn {turn}"), most, spec))).reset_index(drop=True)


def _keys(rows: pd.DataFrame, salt: str) -> Array:
    """A uniform hash of each row's id, shape (n,); pandas' SipHash, keyed by *salt*, is the same on every machine."""
    return pd.util.hash_array(rows[ID].to_numpy(object), hash_key=f"{salt:>16.16}", categorize=False)


def _smallest(rows: pd.DataFrame, keys: Array, most: int, spec: ReplaySpec) -> NDArray[np.intp]:
    """The places of at most *most* of *rows*, in order: of each stratum its quota, those with the smallest keys."""
    order = np.argsort(keys, kind="stable")
    if spec.stratify == "none":
        chosen = order[:most]
    else:
        strata = _strata(rows, spec).iloc[order]
        # In the order of their first row by key, so that where there are more strata than rows chance chooses.
        quota = strata.map(_quotas(strata.value_counts(sort=False).to_dict(), most))
        chosen = order[(strata.groupby(strata, sort=False).cumcount() < quota).to_numpy()]
    return np.sort(chosen)


def _strata(rows: pd.DataFrame, spec: ReplaySpec) -> pd.Series:
    if spec.stratify == "class":
        return rows[TARGET].astype(str)
    stretch: pd.Series = rows[LABEL_TIME].dt.floor(spec.every)
    return stretch


def _quotas(counts: Mapping[Hashable, int], most: int) -> dict[Hashable, int]:
    """Even shares of *most*; what a small stratum leaves over goes to the others.

    With fewer rows than strata the first in *counts* get one each.
    """
    if most < len(counts):
        return {stratum: int(place < most) for place, stratum in enumerate(counts)}
    quota: dict[Hashable, int] = {}
    for stratum, count in sorted(counts.items(), key=lambda each: (each[1], str(each[0]))):
        quota[stratum] = min(count, (most - sum(quota.values())) // (len(counts) - len(quota)))
    return quota
